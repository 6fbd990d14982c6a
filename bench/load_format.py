"""The dataset as `shopkit load` takes it: a shop in Bangladesh with flat shipping and no tax."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench import dataset

FORMAT_VERSION = 1
PICTURES = "pictures"


def write_pictures(folder: Path, products: int, hot: int) -> None:
    """The files that the document names, beside it."""
    (folder / PICTURES).mkdir()
    for item in _everything(products, hot):
        (folder / _picture(item)).write_bytes(item.picture)


def document(products: int, hot: int) -> dict[str, Any]:
    """Everything of the bench's shop in one document."""
    return {
        "version": FORMAT_VERSION,
        "currency": dataset.CURRENCY,
        "shipping": _shipping(),
        "categories": [
            {"slug": place.slug, "name": place.name, "position": position}
            for position, place in enumerate(dataset.categories())
        ],
        "products": [_product(item) for item in _everything(products, hot)],
    }


def _everything(products: int, hot: int) -> Iterator[dataset.Product]:
    yield from dataset.products(products)
    yield from dataset.hot_products(hot)


def _picture(item: dataset.Product) -> str:
    return f"{PICTURES}/{item.slug}.png"


def _shipping() -> dict[str, Any]:
    rate = {"zone": "bangladesh", "amount": dataset.SHIPPING_FLAT_MINOR}
    return {
        "zones": [{"code": "bangladesh", "name": "Bangladesh", "regions": [{"country_code": "BD"}]}],
        "methods": [
            {"code": "home-delivery", "name": "Home delivery", "eta_min_days": 2, "eta_max_days": 5, "rates": [rate]}
        ],
    }


def _product(item: dataset.Product) -> dict[str, Any]:
    return {
        "key": item.slug,
        "slug": item.slug,
        "title": item.title,
        "description": item.description,
        "status": "active",
        "published_at": item.published_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "categories": [item.category.slug],
        "seo": {"title": item.seo_title, "description": item.seo_description},
        "images": [{"file": _picture(item), "alt": item.title}],
        "price": item.variants[0].price,
        "compare_at": item.compare_at,
        "options": [{"name": item.option, "values": [variant.value for variant in item.variants]}],
        "variants": [_variant(item, variant) for variant in item.variants],
    }


def _variant(item: dataset.Product, variant: dataset.Variant) -> dict[str, Any]:
    own_price = {} if variant.price == item.variants[0].price else {"price": variant.price}
    return {"sku": variant.sku, "options": {item.option: variant.value}, "stock": variant.stock, **own_price}
