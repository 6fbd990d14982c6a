"""From questions to answers: rows become cards, pages and the tree; amounts are written, options named."""

from collections.abc import Hashable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from asyncpg import Record
from msgspec import Struct

from shopkit.core.catalog import matrix
from shopkit.core.catalog.settings import CatalogSettings
from shopkit.core.kernel.pages import binding, page_of, read_cursor
from shopkit.core.kernel.scope import Scope
from shopkit.core.kernel.shop import Shop
from shopkit.core.kernel.uow import Uow
from shopkit.core.kernel.views import MoneyView
from shopkit.core.settings import service as settings
from shopkit.core.storefront import queries
from shopkit.core.storefront.answers import Encoded, encode
from shopkit.core.storefront.errors import ProductMoved
from shopkit.core.storefront.listing import ORDERS, Shape
from shopkit.core.storefront.schemas import (
    CategoryNode,
    CategoryTree,
    ImageView,
    OptionData,
    OptionView,
    PictureView,
    ProductCard,
    ProductData,
    ProductQuery,
    ProductView,
    SeoView,
    VariantData,
    VariantView,
)
from shopkit.sdk.errors import NotFound

MEDIA = "/media/"
"""Where stored pictures are served."""

# Lists

Place = tuple[Any, UUID]
"""The sort keys of a row."""


async def list_products(shop: Shop, scope: Scope, wanted: ProductQuery) -> Encoded:
    """A `Page` of visible products. Raises `NotAvailable` and `InvalidCursor`."""
    wanted.check_available()
    after = read_cursor(wanted.cursor, _place_type(wanted.sort), _binding(scope, wanted))
    shape = Shape(
        sort=wanted.sort,
        has_category=bool(wanted.category),
        has_min=wanted.min_price is not None,
        has_max=wanted.max_price is not None,
        in_stock=wanted.in_stock,
        is_next=after is not None,
        is_translated=scope.locale != scope.store.locale,
    )
    return await shop.reads.ask(scope, ListRead(shape, wanted.limit), (wanted, after))


class ListRead(Struct, frozen=True):
    """Reads lists of one shape; equal ones are the same kind of read."""

    shape: Shape
    limit: int

    async def __call__(self, uow: Uow, askers: Sequence[tuple[ProductQuery, Place | None]]) -> list[Encoded]:
        """A page for each asker."""
        arguments = [_arguments(wanted, after) for wanted, after in askers]
        found = await queries.list_products(uow, self.shape, self.limit + 1, arguments)
        return [_page(uow.scope, wanted, rows) for (wanted, _), rows in zip(askers, found, strict=True)]


def _arguments(wanted: ProductQuery, after: Place | None) -> tuple[Hashable, ...]:
    """As `Shape.arguments` names them."""
    given = (wanted.category or None, wanted.min_price, wanted.max_price, *(after or ()))
    return tuple(each for each in given if each is not None)


def _place_type(sort: str) -> Any:
    return tuple[datetime, UUID] if sort == "newest" else tuple[int, UUID]


def _binding(scope: Scope, wanted: ProductQuery) -> bytes:
    filters = (wanted.category, wanted.min_price, wanted.max_price, wanted.in_stock)
    return binding("products", scope.store.slug, wanted.sort, *filters)


def _page(scope: Scope, wanted: ProductQuery, rows: Sequence[Record]) -> Encoded:
    currency, locale = scope.store.currency, scope.locale
    column = ORDERS[wanted.sort][0]
    page = page_of(
        rows,
        wanted.limit,
        show=lambda row: _card(row, currency, locale),
        key=lambda row: (row[column], row["product_id"]),
        bound=_binding(scope, wanted),
    )
    return encode(page)


def _card(row: Record, currency: str, locale: str) -> ProductCard:
    _, product_id, _, _, slug, title, amount, compare_at, in_stock, path, alt = row
    return ProductCard(
        id=str(product_id),
        slug=slug,
        title=title,
        price=MoneyView.maybe(amount, currency, locale),
        compare_at=MoneyView.maybe(compare_at, currency, locale),
        image=_image(path, alt),
        in_stock=in_stock,
    )


# Product pages


async def get_product(shop: Shop, scope: Scope, slug: str) -> Encoded:
    """The `ProductView` of a visible product. Raises `NotFound`, or `ProductMoved` if it has another address now."""
    found = await shop.reads.ask(scope, read_pages, slug)
    if isinstance(found, Encoded):
        return found
    raise NotFound if found is None else ProductMoved(found)


async def read_pages(uow: Uow, slugs: Sequence[str]) -> list[Encoded | str | None]:
    """For each address its page, or the product's present address, or None."""
    catalog = await settings.get(uow, CatalogSettings)
    found = await queries.find_products(uow, slugs)
    missing = [slug for slug in slugs if slug not in found]
    moved = await queries.find_moved(uow, missing) if missing else {}
    tells = catalog.show_stock
    # Caches are told when stock comes or goes, not of each unit sold.
    pages = {
        slug: encode(_product(uow.scope, data, tells_stock=tells), is_lasting=not tells) for slug, data in found.items()
    }
    return [pages.get(slug) or moved.get(slug) for slug in slugs]


def _product(scope: Scope, data: ProductData, *, tells_stock: bool) -> ProductView:
    currency, locale = scope.store.currency, scope.locale
    named = {option.name: option for option in data.options or ()}
    variants = [_variant(each, named, currency, locale, tells_stock=tells_stock) for each in data.variants or ()]
    images = [
        PictureView(url=MEDIA + each.path, alt=each.alt, width=each.width, height=each.height)
        for each in data.images or ()
    ]
    cheapest = min(variants, key=_rank, default=None)
    return ProductView(
        id=data.id,
        slug=data.slug,
        title=data.title,
        short_description=data.short_description,
        description=data.description,
        price=cheapest.price if cheapest else None,
        compare_at=cheapest.compare_at if cheapest else None,
        in_stock=any(variant.in_stock for variant in variants),
        image=ImageView(url=images[0].url, alt=images[0].alt) if images else None,
        images=images,
        category=data.category,
        brand=data.brand,
        tags=data.tags or [],
        options=[
            OptionView(name=each.shown, values=[value.shown for value in each.values or ()]) for each in named.values()
        ],
        variants=variants,
        seo=_seo(data, is_translated=locale != scope.store.locale),
    )


def _seo(data: ProductData, *, is_translated: bool) -> SeoView:
    # The merchant's own words for search engines are of the base language only.
    own = {} if is_translated else data.seo
    return SeoView(title=own.get("title") or data.title, description=own.get("description") or data.short_description)


def _rank(variant: VariantView) -> tuple[bool, int, int]:
    """The least price first; of equal ones the one that was dearest before, as the lists have it."""
    before = variant.compare_at.amount if variant.compare_at else 0
    return variant.price is None, variant.price.amount if variant.price else 0, -before


def _variant(
    data: VariantData, options: Mapping[str, OptionData], currency: str, locale: str, *, tells_stock: bool
) -> VariantView:
    amount, before = data.amount, data.compare_at
    chosen = {each.shown: each.called(data.options[name]) for name, each in options.items() if name in data.options}
    return VariantView(
        id=data.id,
        sku=data.sku,
        title=matrix.title(chosen, chosen) or data.title,
        options=chosen,
        price=MoneyView.maybe(amount, currency, locale),
        compare_at=MoneyView.of(before, currency, locale)
        if amount is not None and before and before > amount
        else None,
        in_stock=amount is not None and data.free != 0,
        available=data.free if tells_stock else None,
        max_per_order=data.max_per_order,
        image=_image(data.path, data.alt),
    )


def _image(path: str | None, alt: str | None) -> ImageView | None:
    return None if path is None else ImageView(url=MEDIA + path, alt=alt or "")


# Categories


async def category_tree(shop: Shop, scope: Scope) -> Encoded:
    """The `CategoryTree` of all shown categories."""
    return await shop.reads.ask(scope, read_tree, None)


async def read_tree(uow: Uow, askers: Sequence[None]) -> list[Encoded]:
    """The one answer for all. What stands under an inactive category is not shown."""
    nodes: dict[UUID, CategoryNode] = {}
    top: list[CategoryNode] = []
    for each in await queries.list_categories(uow):
        siblings = top if each.parent_id is None else getattr(nodes.get(each.parent_id), "children", None)
        if siblings is not None:
            node = CategoryNode(id=str(each.id), slug=each.slug, name=each.name, product_count=each.count, children=[])
            nodes[each.id] = node
            siblings.append(node)
    return [encode(CategoryTree(items=top))] * len(askers)
