"""The bench's shop as a document for `shopkit load`."""

from typing import Any

from bench import dataset
from bench.dataset import Product, Variant


def document(products: int, hot: int) -> dict[str, Any]:
    """Categories, products with stock, one shipping rate for the whole country."""
    places = [{"slug": place.slug, "name": place.name} for place in dataset.categories()]
    everything = [*dataset.products(products), *dataset.hot_products(hot)]
    rate = {"zone": "everywhere", "amount": dataset.SHIPPING_FLAT_MINOR}
    return {
        "version": 1,
        "currency": dataset.CURRENCY,
        "shipping": {
            "zones": [{"code": "everywhere", "name": "Everywhere", "regions": [{"country_code": "BD"}]}],
            "methods": [{"code": "flat", "name": "Delivery", "eta_min_days": 2, "eta_max_days": 5, "rates": [rate]}],
        },
        "categories": places,
        "products": [_product(product) for product in everything],
    }


def _product(product: Product) -> dict[str, Any]:
    price = product.variants[0].price
    shown = {"compare_at": product.compare_at} if product.compare_at else {}
    return {
        "key": product.slug,
        "slug": product.slug,
        "title": product.title,
        "description": product.description,
        "status": "active",
        "published_at": product.published_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "categories": [product.category.slug],
        "price": price,
        **shown,
        "options": [{"name": product.option, "values": [variant.value for variant in product.variants]}],
        "variants": [_variant(product.option, variant, price) for variant in product.variants],
    }


def _variant(option: str, variant: Variant, product_price: int) -> dict[str, Any]:
    own = {} if variant.price == product_price else {"price": variant.price}
    return {"sku": variant.sku, "options": {option: variant.value}, "stock": variant.stock, **own}
