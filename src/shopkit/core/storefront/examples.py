"""The storefront's calls as the documentation shows them."""

from typing import Any, Final

from shopkit.core.kernel.examples import Example

_PRICE: Final = {"amount": 129900, "currency": "BDT", "formatted": "৳1,299.00"}
_BEFORE: Final = {"amount": 159900, "currency": "BDT", "formatted": "৳1,599.00"}
_PICTURE: Final = {"url": "/media/7c/7c1f0e.jpg", "alt": "Red jamdani saree"}
_PRODUCT_ID: Final = "019a1fca-eea4-7759-8c98-999fc07068bd"
_CATEGORY: Final = {"id": "019a1fca-eea4-7759-8c98-999fc0706800", "slug": "sarees", "name": "Sarees"}
_CARD: Final[dict[str, Any]] = {
    "id": _PRODUCT_ID,
    "slug": "jamdani-saree",
    "title": "Jamdani saree",
    "price": _PRICE,
    "compare_at": _BEFORE,
    "image": _PICTURE,
    "in_stock": True,
    "rating": {"average": None, "count": 0},
}
_VARIANT: Final = {
    "id": "019a1fca-eea4-7759-8c98-999fc07068be",
    "sku": "JAM-RED",
    "title": "Red",
    "options": {"Colour": "Red"},
    "price": _PRICE,
    "compare_at": _BEFORE,
    "in_stock": True,
    "available": None,
    "max_per_order": None,
    "image": None,
}

LIST: Final = Example(
    name="the cheapest in a category",
    query={"category": "sarees", "sort": "price_asc", "limit": "1"},
    answer={"items": [_CARD], "next_cursor": "cGFnZTI", "total": None},
)
PRODUCT: Final = Example(
    name="a product page",
    path={"slug": "{product_slug}"},
    answer={
        **_CARD,
        "short_description": "Handwoven in Rupganj.",
        "description": "Handwoven in Rupganj by families who have done so for generations.",
        "images": [{**_PICTURE, "width": 1200, "height": 1600}],
        "category": _CATEGORY,
        "brand": {"slug": "tant", "name": "Tant"},
        "tags": [{"slug": "handmade", "name": "Handmade"}],
        "options": [{"name": "Colour", "values": ["Red"]}],
        "variants": [_VARIANT],
        "seo": {"title": "Jamdani saree", "description": "Handwoven in Rupganj."},
    },
)
CATEGORIES: Final = Example(
    name="the tree",
    answer={"items": [{**_CATEGORY, "product_count": 12, "children": []}]},
)
