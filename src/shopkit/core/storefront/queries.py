"""The storefront's reads: one statement each, made for index order, decoded straight into Structs.

Optional filters are parts of the text, never `$3 IS NULL OR ...`, so that each statement keeps one plan. Its LIMIT is
a number for the planner; the caller's own limit stands around it.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any, Final

import asyncpg
import msgspec
from msgspec import Struct

from shopkit.core.inventory.queries import SELLABLE
from shopkit.core.kernel.pages import MAX_LIMIT
from shopkit.core.kernel.uow import Uow
from shopkit.core.storefront.schemas import CategoryData, ProductData

# Who may be seen: listing `l`, product `p`, vendor `vn`; category `c`

_VISIBLE: Final = """l.status = 'active' AND l.visibility = 'public' AND l.deleted_at IS NULL
    AND l.published_at <= now() AND (l.unpublish_at IS NULL OR l.unpublish_at > now())
    AND p.deleted_at IS NULL AND vn.status = 'approved'"""

_CATEGORY_SHOWN: Final = """c.is_active AND c.deleted_at IS NULL AND NOT EXISTS (
    SELECT FROM jsonb_array_elements_text(c.path) AS step(id) JOIN categories a ON a.id = step.id::uuid
    WHERE NOT a.is_active OR a.deleted_at IS NOT NULL)"""
"""An inactive category hides everything below it."""

_LISTED: Final = "product_listings l JOIN products p ON p.id = l.product_id JOIN vendors vn ON vn.id = p.vendor_id"

# The prices that hold now, one for each variant that has its own and one (variant null) for those that have none: the
# rule of `catalog.prices` in one pass over a product's prices instead of one for each variant. A test compares them.
_PRICES: Final = """
    SELECT DISTINCT ON (x.variant_id) x.variant_id, x.amount, x.compare_at FROM variant_prices x
    WHERE x.product_id = {product} AND x.currency = {currency}
      AND (x.starts_at IS NULL OR x.starts_at <= now()) AND (x.ends_at IS NULL OR x.ends_at > now())
    ORDER BY x.variant_id, x.ends_at IS NULL, x.starts_at DESC NULLS LAST"""


def _text(column: str, locale: str | None) -> str:
    """A text of the product; an empty translation falls back."""
    return f"coalesce(nullif(tr.{column}, ''), p.{column})" if locale else f"p.{column}"


def _named(table: str, locale: str | None) -> str:
    """The name of a brand or a tag."""
    return f"coalesce(nullif({table}.translations->{locale}->>'name', ''), {table}.name)" if locale else f"{table}.name"


def _alt(locale: str | None) -> str:
    return f"coalesce(nullif(m.alt_translations->>{locale}, ''), m.alt)" if locale else "m.alt"


def _translation(product: str, locale: str | None) -> str:
    on = f"tr.product_id = {product} AND tr.locale = {locale}"
    return f"LEFT JOIN product_translations tr ON {on}" if locale else ""


# Lists


class Shape(Struct, frozen=True, kw_only=True):
    """What decides the text of a list's statement."""

    sort: str
    has_category: bool = False
    has_min: bool = False
    has_max: bool = False
    in_stock: bool | None = None
    is_next: bool = False
    """Whether it starts behind a cursor."""
    is_translated: bool = False


_ORDERS: Final = {
    "newest": ("published_at", " DESC", "<"),
    "price_asc": ("sort_price", "", ">"),
    "price_desc": ("sort_price", " DESC", "<"),
}
"""Sort to its column, direction, and the comparison for what comes next."""


# `[amount, -compare_at]` compares as an offer should; no compare-at is 0, and so the last among equal amounts.
def _offer(row: str) -> str:
    """Price and stock of the product of a row."""
    return f"""CROSS JOIN LATERAL (
    SELECT offer.rank[1] AS amount,
        nullif(greatest(offer.rank[1], coalesce(nullif(-offer.rank[2], 0), -prices.common[2])), offer.rank[1])
            AS compare_at,
        coalesce(offer.ids && variants.uncounted, false) OR EXISTS (
            SELECT FROM inventory_stocks s
            {SELLABLE.format(variant="s.variant_id = ANY(offer.ids)", store="$1", product=f"{row}.product_id")}
              AND s.stock + s.oversell_limit > s.reserved) AS in_stock
    FROM (
        SELECT array_agg(v.id) AS ids, array_agg(v.id) FILTER (WHERE NOT v.track_inventory) AS uncounted
        FROM product_variants v WHERE v.product_id = {row}.product_id AND v.is_active AND v.deleted_at IS NULL
    ) variants
    CROSS JOIN LATERAL (
        SELECT min(ARRAY[o.amount, -coalesce(o.compare_at, 0)]) FILTER (WHERE o.variant_id IS NOT NULL) AS own,
            min(ARRAY[o.amount, -coalesce(o.compare_at, 0)]) FILTER (WHERE o.variant_id IS NULL) AS common,
            array_agg(o.variant_id) FILTER (WHERE o.variant_id IS NOT NULL) AS owners
        FROM ({_PRICES.format(product=f"{row}.product_id", currency="$2")}) o
        WHERE o.variant_id IS NULL OR o.variant_id = ANY(variants.ids)
    ) prices
    CROSS JOIN LATERAL (
        SELECT CASE WHEN cardinality(variants.ids) > coalesce(cardinality(prices.owners), 0)
                THEN least(prices.own, prices.common) ELSE prices.own END AS rank,
            CASE WHEN prices.common IS NULL THEN prices.owners ELSE variants.ids END AS ids
    ) offer
    OFFSET 0
) offer"""


def _category_id(slug: str) -> str:
    """The id of a shown category by its slug, or by one that it had before."""
    return f"""(
        SELECT c.id FROM categories c
        WHERE c.id = coalesce(
            (SELECT live.id FROM categories live
             WHERE live.store_id = $1 AND live.slug = {slug} AND live.deleted_at IS NULL),
            (SELECT r.target_id FROM slug_redirects r
             WHERE r.store_id = $1 AND r.kind = 'category' AND r.slug = {slug}))
          AND c.store_id = $1 AND {_CATEGORY_SHOWN})"""


@cache
def list_statement(shape: Shape) -> str:
    """The SQL of a list. Parameters: store, currency, limit, then category, least and greatest price, the two sort
    keys of the row before, and locale, as far as the shape has them.
    """
    numbers = iter(range(4, 10))
    column, direction, beyond = _ORDERS[shape.sort]
    # Adding 0 keeps a filter by price from being taken for a better way in than the order that is asked for.
    price = "i.sort_price" if column == "sort_price" else "i.sort_price + 0"
    conditions = ["i.published_at <= now()", "i.sort_price IS NOT NULL"]
    if shape.has_category:
        conditions.append(f"i.category_id = {_category_id(f'${next(numbers)}')}")
    else:
        conditions.append(
            "i.store_id = $1 AND i.status = 'active' AND i.visibility = 'public' AND i.deleted_at IS NULL"
        )
    if shape.has_min:
        conditions.append(f"{price} >= ${next(numbers)}")
    if shape.has_max:
        conditions.append(f"{price} <= ${next(numbers)}")
    if shape.is_next:
        conditions.append(f"(i.{column}, i.product_id) {beyond} (${next(numbers)}, ${next(numbers)})")
    locale = f"${next(numbers)}" if shape.is_translated else None
    order = f"ORDER BY {{0}}.{column}{direction}, {{0}}.product_id{direction}".format
    fence = f"LIMIT {MAX_LIMIT + 1}"
    columns = "i.product_id, i.published_at, i.sort_price, shown.slug, shown.title"
    listings = f"""{"category_listings" if shape.has_category else "product_listings"} i CROSS JOIN LATERAL (
            SELECT l.slug, p.title FROM {_LISTED}
            WHERE l.product_id = i.product_id AND l.store_id = $1 AND {_VISIBLE} OFFSET 0
        ) shown"""
    if shape.in_stock is None:
        fenced = f"SELECT {columns} FROM {listings} WHERE {' AND '.join(conditions)} {order('i')} {fence}"
        page = f"SELECT fenced.* FROM ({fenced}) fenced {order('fenced')} LIMIT $3"
        offered = f"SELECT * FROM ({page}) page {_offer('page')}"
    else:  # stock decides who is on the page, and so is asked before the limit
        conditions.append("offer.in_stock" if shape.in_stock else "NOT offer.in_stock")
        fenced = f"SELECT {columns}, offer.* FROM {listings} {_offer('i')} WHERE {' AND '.join(conditions)} {order('i')} {fence}"
        offered = f"SELECT fenced.* FROM ({fenced}) fenced {order('fenced')} LIMIT $3"
    return f"""
        SELECT p.product_id, p.published_at, p.sort_price, p.slug, {_text("title", locale)} AS title,
            p.amount, p.compare_at, p.in_stock, image.path, image.alt
        FROM ({offered}) p
        {_translation("p.product_id", locale)}
        LEFT JOIN LATERAL (
            SELECT m.path, {_alt(locale)} AS alt FROM product_media pm JOIN media_assets m ON m.id = pm.media_id
            WHERE pm.product_id = p.product_id ORDER BY pm.position, pm.id LIMIT 1
        ) image ON true
        {order("p")}"""


async def list_products(uow: Uow, shape: Shape, limit: int, arguments: Sequence[Any]) -> list[asyncpg.Record]:
    """At most `limit` rows with what a card shows; `arguments` follow the shape as in `list_statement`."""
    store = uow.scope.store
    rows: list[asyncpg.Record] = await uow.sql.fetch(list_statement(shape), store.id, store.currency, limit, *arguments)
    return rows


# The product page


@cache
def product_statement(is_translated: bool) -> str:
    """The SQL of a product page as one JSON text. Parameters: store, slug, currency, and the locale if translated."""
    locale = "$4" if is_translated else None
    label = "nullif({}, '')" if locale else "NULL"
    option_label = label.format(f"o.translations->>{locale}")
    value_label = label.format(f"ov.translations->>{locale}")
    category_name = "coalesce(nullif(ct.name, ''), c.name)" if locale else "c.name"
    category_join = f"LEFT JOIN category_translations ct ON ct.category_id = c.id AND ct.locale = {locale}"
    return f"""
        SELECT row_to_json(page)::text FROM (
            SELECT p.id, l.slug, {_text("title", locale)} AS title,
                {_text("short_description", locale)} AS short_description,
                {_text("description", locale)} AS description, l.seo,
                (SELECT row_to_json(x) FROM (
                    SELECT c.id, c.slug, {category_name} AS name
                    FROM product_categories pc JOIN categories c ON c.id = pc.category_id
                    {category_join if locale else ""}
                    WHERE pc.product_id = p.id AND pc.is_primary AND c.store_id = $1 AND {_CATEGORY_SHOWN}) x
                ) AS category,
                (SELECT row_to_json(x) FROM (
                    SELECT b.slug, {_named("b", locale)} AS name FROM brands b
                    WHERE b.id = p.brand_id AND b.deleted_at IS NULL) x
                ) AS brand,
                (SELECT json_agg(x ORDER BY x.name) FROM (
                    SELECT t.slug, {_named("t", locale)} AS name
                    FROM product_tags pt JOIN tags t ON t.id = pt.tag_id WHERE pt.product_id = p.id) x
                ) AS tags,
                (SELECT json_agg(x ORDER BY x.position, x.name) FROM (
                    SELECT o.name, o.position, {option_label} AS label,
                        (SELECT json_agg(json_build_object('name', ov.value, 'label', {value_label})
                                ORDER BY ov.position, ov.value)
                         FROM product_option_values ov WHERE ov.option_id = o.id) AS values
                    FROM product_options o WHERE o.product_id = p.id) x
                ) AS options,
                ({_variants(locale)}) AS variants,
                (SELECT json_agg(x ORDER BY x.position, x.id) FROM (
                    SELECT pm.position, pm.id, m.path, {_alt(locale)} AS alt, m.width, m.height
                    FROM product_media pm JOIN media_assets m ON m.id = pm.media_id WHERE pm.product_id = p.id) x
                ) AS images
            FROM {_LISTED} {_translation("p.id", locale)}
            WHERE l.store_id = $1 AND l.slug = $2 AND {_VISIBLE}
        ) page"""


def _variants(locale: str | None) -> str:
    sellable = SELLABLE.format(variant="s.variant_id = v.id", store="$1", product="v.product_id")
    return f"""
        WITH prices AS MATERIALIZED ({_PRICES.format(product="p.id", currency="$3")})
        SELECT json_agg(x ORDER BY x.position, x.id) FROM (
            SELECT v.id, v.position, v.sku, v.title, v.options, v.max_per_order,
                coalesce(own.amount, common.amount) AS amount,
                coalesce(own.compare_at, common.compare_at) AS compare_at,
                CASE WHEN v.track_inventory THEN (
                    SELECT coalesce(sum(greatest(s.stock + s.oversell_limit - s.reserved, 0)), 0)
                    FROM inventory_stocks s {sellable}) END AS free,
                m.path, {_alt(locale)} AS alt
            FROM product_variants v
            LEFT JOIN prices own ON own.variant_id = v.id
            LEFT JOIN prices common ON common.variant_id IS NULL
            LEFT JOIN media_assets m ON m.id = v.image_id
            WHERE v.product_id = p.id AND v.is_active AND v.deleted_at IS NULL
        ) x"""


_product: Final = msgspec.json.Decoder(ProductData)


async def find_product(uow: Uow, slug: str) -> ProductData | None:
    """The visible product at an address, its texts in the scope's language."""
    store, locale = uow.scope.store, uow.scope.locale
    is_translated = locale != store.locale
    arguments = (store.id, slug, store.currency, *((locale,) if is_translated else ()))
    found: str | None = await uow.sql.fetchval(product_statement(is_translated), *arguments)
    return None if found is None else _product.decode(found)


async def find_moved(uow: Uow, slug: str) -> str | None:
    """The present address of a visible product that once had this one."""
    found: str | None = await uow.sql.fetchval(
        f"""
        SELECT l.slug FROM slug_redirects r JOIN ({_LISTED}) ON l.product_id = r.target_id AND l.store_id = r.store_id
        WHERE r.store_id = $1 AND r.kind = 'product' AND r.slug = $2 AND {_VISIBLE}
        """,
        uow.scope.store.id,
        slug,
    )
    return found


# Categories

_CATEGORIES: Final = """
    SELECT c.id, c.parent_id, c.slug, coalesce(nullif(ct.name, ''), c.name) AS name, coalesce(n.count, 0) AS count
    FROM categories c
    LEFT JOIN category_translations ct ON ct.category_id = c.id AND ct.locale = $2
    LEFT JOIN (
        SELECT cl.category_id, count(*)::int AS count FROM category_listings cl
        WHERE cl.published_at <= now() GROUP BY cl.category_id
    ) n ON n.category_id = c.id
    WHERE c.store_id = $1 AND c.is_active AND c.deleted_at IS NULL
    ORDER BY c.depth, c.position, c.name, c.id"""


async def list_categories(uow: Uow) -> list[CategoryData]:
    """Every active category of the store, parents before their children, with the number of products listed in each.

    The numbers come from the lists' own projection; a listing whose last day is over counts until the next sweep.
    """
    rows = await uow.sql.fetch(_CATEGORIES, uow.scope.store.id, uow.scope.locale)
    return [CategoryData(*row) for row in rows]
