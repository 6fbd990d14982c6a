"""From rows to what is answered: amounts written for people, options named in their language, the tree built."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from asyncpg import Record

from shopkit.core.catalog import matrix
from shopkit.core.catalog.settings import CatalogSettings
from shopkit.core.kernel.pages import Page, binding, page_of, read_cursor
from shopkit.core.kernel.uow import Uow
from shopkit.core.kernel.views import MoneyView
from shopkit.core.settings import service as settings
from shopkit.core.storefront import queries
from shopkit.core.storefront.errors import ProductMoved
from shopkit.core.storefront.queries import Shape
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

_KEYS: Mapping[str, tuple[str, Any]] = {
    "newest": ("published_at", tuple[datetime, UUID]),
    "price_asc": ("sort_price", tuple[int, UUID]),
    "price_desc": ("sort_price", tuple[int, UUID]),
}
"""Sort to the column before the id in its cursor, and the cursor's type."""


async def list_products(uow: Uow, wanted: ProductQuery) -> Page[ProductCard]:
    """A page of visible products. Raises `NotAvailable` and `InvalidCursor`."""
    wanted.check_available()
    scope = uow.scope
    column, key_type = _KEYS[wanted.sort]
    bound = binding(
        "products", scope.store.slug, wanted.sort, wanted.category, wanted.min_price, wanted.max_price, wanted.in_stock
    )
    after = read_cursor(wanted.cursor, key_type, bound)
    shape = Shape(
        sort=wanted.sort,
        has_category=bool(wanted.category),
        has_min=wanted.min_price is not None,
        has_max=wanted.max_price is not None,
        in_stock=wanted.in_stock,
        is_next=after is not None,
        is_translated=scope.locale != scope.store.locale,
    )
    arguments: list[Any] = [each for each in (wanted.min_price, wanted.max_price) if each is not None]
    if wanted.category:
        arguments.insert(0, wanted.category)
    if after is not None:
        arguments += after
    if shape.is_translated:
        arguments.append(scope.locale)
    rows = await queries.list_products(uow, shape, wanted.limit + 1, arguments)
    currency, locale = scope.store.currency, scope.locale
    return page_of(
        rows,
        wanted.limit,
        show=lambda row: _card(row, currency, locale),
        key=lambda row: (row[column], row["product_id"]),
        bound=bound,
    )


def _card(row: Record, currency: str, locale: str) -> ProductCard:
    product_id, _, _, slug, title, amount, compare_at, in_stock, path, alt = row
    return ProductCard(
        id=str(product_id),
        slug=slug,
        title=title,
        price=MoneyView.maybe(amount, currency, locale),
        compare_at=MoneyView.maybe(compare_at, currency, locale),
        image=_image(path, alt),
        in_stock=in_stock,
    )


async def get_product(uow: Uow, slug: str) -> ProductView:
    """The page of a visible product. Raises `NotFound`, or `ProductMoved` if it has another address now."""
    catalog = await settings.get(uow, CatalogSettings)
    found = await queries.find_product(uow, slug)
    if found is not None:
        store, locale = uow.scope.store, uow.scope.locale
        is_translated = locale != store.locale
        return _product(found, store.currency, locale, is_translated=is_translated, tells_stock=catalog.show_stock)
    present = await queries.find_moved(uow, slug)
    if present is None:
        raise NotFound
    raise ProductMoved(present)


def _product(data: ProductData, currency: str, locale: str, *, is_translated: bool, tells_stock: bool) -> ProductView:
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
        seo=_seo(data, is_translated=is_translated),
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


async def category_tree(uow: Uow) -> CategoryTree:
    """All shown categories; what stands under an inactive one is not shown."""
    nodes: dict[UUID, CategoryNode] = {}
    top: list[CategoryNode] = []
    for each in await queries.list_categories(uow):
        siblings = top if each.parent_id is None else getattr(nodes.get(each.parent_id), "children", None)
        if siblings is not None:
            node = CategoryNode(id=str(each.id), slug=each.slug, name=each.name, product_count=each.count, children=[])
            nodes[each.id] = node
            siblings.append(node)
    return CategoryTree(items=top)
