"""The public reads: lists, product pages, the category tree. Every answer bears a strong ETag over its bytes."""

from hashlib import blake2b
from typing import Any, Final
from urllib.parse import quote

import msgspec
from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath

from shopkit.core.kernel.decode import decode_query, parse_segment
from shopkit.core.kernel.pages import InvalidCursor, Page
from shopkit.core.kernel.uow import Uow
from shopkit.core.storefront import examples, service
from shopkit.core.storefront.errors import NotAvailable, ProductMoved
from shopkit.core.storefront.schemas import CategoryTree, ProductCard, ProductQuery, ProductView

AnyRequest = Request[Any, Any, Any]

_encode: Final = msgspec.json.Encoder().encode
_HEADERS: Final = {
    "Cache-Control": "public, max-age=0, must-revalidate",
    "Vary": "Accept-Language, X-ShopKit-Store",
}


@get(
    "/products",
    query=ProductQuery,
    problems=[NotAvailable, InvalidCursor],
    headers={"If-None-Match": "The `ETag` of an earlier answer: 304 if nothing changed."},
    responses={304: ResponseSpec(None, description="Nothing changed since the answer with this `ETag`.")},
    examples=[examples.LIST],
    tags=["Catalogue"],
    summary="List products",
)
async def list_products(request: AnyRequest, uow: NamedDependency[Uow]) -> Response[Page[ProductCard]]:
    """What the store shows now, newest first unless sorted otherwise; products of a category and of all below it.

    Pages follow one another without gaps or repeats while sort and filters stay the same. Sorting and filtering by
    price may lag the edge of a price window by a minute; the prices shown never do. Without an own price in the
    store's currency nothing is listed.
    """
    return _answer(request, uow, await service.list_products(uow, decode_query(request, ProductQuery)))


@get(
    "/products/{slug:str}",
    headers={"If-None-Match": "The `ETag` of an earlier answer: 304 if nothing changed."},
    responses={
        301: ResponseSpec(None, description="The product has another address now: see `Location`."),
        304: ResponseSpec(None, description="Nothing changed since the answer with this `ETag`."),
    },
    examples=[examples.PRODUCT],
    tags=["Catalogue"],
    summary="Product page",
)
async def get_product(request: AnyRequest, slug: FromPath[str], uow: NamedDependency[Uow]) -> Response[ProductView]:
    """All that a product page shows. Texts without a translation appear in the store's own language."""
    try:
        return _answer(request, uow, await service.get_product(uow, parse_segment(slug)))
    except ProductMoved as moved:
        location = request.scope["path"].rpartition("/")[0] + "/" + quote(moved.slug, safe="")
        return Response(b"", status_code=301, headers=_HEADERS | {"Location": location})  # type: ignore[arg-type]


@get(
    "/categories",
    headers={"If-None-Match": "The `ETag` of an earlier answer: 304 if nothing changed."},
    responses={304: ResponseSpec(None, description="Nothing changed since the answer with this `ETag`.")},
    examples=[examples.CATEGORIES],
    tags=["Catalogue"],
    summary="Category tree",
)
async def list_categories(request: AnyRequest, uow: NamedDependency[Uow]) -> Response[CategoryTree]:
    """All categories as a tree, in the order that the merchant gave them. `product_count` includes what is below."""
    return _answer(request, uow, await service.category_tree(uow))


handlers = [list_products, get_product, list_categories]


def _answer(request: AnyRequest, uow: Uow, view: msgspec.Struct) -> Response[Any]:
    """The view as JSON with its ETag, or 304 where the client has the same bytes already."""
    body = _encode(view)
    tag = f'"{blake2b(body, digest_size=16).hexdigest()}"'
    headers = {**_HEADERS, "ETag": tag, "Content-Language": uow.scope.locale}
    known = request.headers.get("if-none-match")
    if known is not None and _names(known, tag):
        return Response(b"", status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)


def _names(if_none_match: str, tag: str) -> bool:
    """Whether a list of entity tags has this one, by weak comparison (RFC 9110, 13.1.2)."""
    return if_none_match.strip() == "*" or tag in (each.strip().removeprefix("W/") for each in if_none_match.split(","))
