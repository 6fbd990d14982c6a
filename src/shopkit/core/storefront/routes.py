"""The public reads: lists, product pages, the category tree. Every answer bears a strong ETag over its bytes."""

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath

from shopkit.core.kernel.decode import decode_query, parse_segment
from shopkit.core.kernel.pages import InvalidCursor, Page
from shopkit.core.kernel.scope import Scope
from shopkit.core.storefront import cache, examples, service
from shopkit.core.storefront.answers import HEADERS, Encoded
from shopkit.core.storefront.cache import StorefrontShop
from shopkit.core.storefront.errors import NotAvailable, ProductMoved
from shopkit.core.storefront.schemas import CategoryTree, ProductCard, ProductQuery, ProductView

AnyRequest = Request[Any, Any, Any]

KNOWN = {"If-None-Match": "The `ETag` of an earlier answer: 304 if nothing changed."}
UNCHANGED = ResponseSpec(None, description="Nothing changed since the answer with this `ETag`.")


async def respond(
    request: AnyRequest, shop: StorefrontShop, caller: Scope, read: Callable[[], Awaitable[Encoded]]
) -> Response[Any]:
    """The kept answer or what `read` answers; 304 where the client has the same bytes already."""
    scope = request.scope
    return (await cache.answer(shop, caller, scope["path"], scope["query_string"], read)).to(request)


@get(
    "/products",
    query=ProductQuery,
    problems=[NotAvailable, InvalidCursor],
    headers=KNOWN,
    responses={304: UNCHANGED},
    examples=[examples.LIST],
    tags=["Catalogue"],
    summary="List products",
)
async def list_products(
    request: AnyRequest, shop: NamedDependency[StorefrontShop], caller: NamedDependency[Scope]
) -> Response[Page[ProductCard]]:
    """What the store shows now, newest first unless sorted otherwise; products of a category and of all below it.

    Pages follow one another without gaps or repeats while sort and filters stay the same. Sorting and filtering by
    price may lag the edge of a price window by a minute; the prices shown never do. Without an own price in the
    store's currency nothing is listed.
    """

    async def read() -> Encoded:
        return await service.list_products(shop, caller, decode_query(request, ProductQuery))

    return await respond(request, shop, caller, read)


@get(
    "/products/{slug:str}",
    headers=KNOWN,
    responses={
        301: ResponseSpec(None, description="The product has another address now: see `Location`."),
        304: UNCHANGED,
    },
    examples=[examples.PRODUCT],
    tags=["Catalogue"],
    summary="Product page",
)
async def get_product(
    request: AnyRequest, slug: FromPath[str], shop: NamedDependency[StorefrontShop], caller: NamedDependency[Scope]
) -> Response[ProductView]:
    """All that a product page shows. Texts without a translation appear in the store's own language."""

    async def read() -> Encoded:
        return await service.get_product(shop, caller, parse_segment(slug))

    try:
        return await respond(request, shop, caller, read)
    except ProductMoved as moved:
        location = request.scope["path"].rpartition("/")[0] + "/" + quote(moved.slug, safe="")
        return Response(b"", status_code=301, headers=HEADERS | {"Location": location})  # type: ignore[arg-type]


@get(
    "/categories",
    headers=KNOWN,
    responses={304: UNCHANGED},
    examples=[examples.CATEGORIES],
    tags=["Catalogue"],
    summary="Category tree",
)
async def list_categories(
    request: AnyRequest, shop: NamedDependency[StorefrontShop], caller: NamedDependency[Scope]
) -> Response[CategoryTree]:
    """All categories as a tree, in the order that the merchant gave them. `product_count` includes what is below."""
    return await respond(request, shop, caller, lambda: service.category_tree(shop, caller))


handlers = [list_products, get_product, list_categories]
