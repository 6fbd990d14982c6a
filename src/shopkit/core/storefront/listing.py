"""The statement of a list of products, for several askers at once.

It reads one page in index order and looks at everything else for that page only. Filters that are not asked for are
not in the text, so each statement keeps one plan. `OFFSET 0` and the LIMIT in figures keep the planner, which knows
neither the tenant nor the parameters, from preferring to sort the whole catalogue.
"""

from functools import cache
from typing import Final

from msgspec import Struct

from shopkit.core.kernel.pages import MAX_LIMIT
from shopkit.core.storefront.fragments import (
    CATEGORY_SHOWN,
    LISTED,
    VISIBLE,
    alt,
    prices_now,
    stock_sold_here,
    text,
    translation,
)


class Shape(Struct, frozen=True, kw_only=True):
    """What decides the text of the statement."""

    sort: str
    has_category: bool = False
    has_min: bool = False
    has_max: bool = False
    in_stock: bool | None = None
    is_next: bool = False
    """Whether it starts behind a cursor."""
    is_translated: bool = False

    @property
    def arguments(self) -> list[tuple[str, str]]:
        """Names and types of what each asker gives, in order."""
        key = "timestamptz" if self.sort == "newest" else "bigint"
        named = [
            (self.has_category, "category", "text"),
            (self.has_min, "least", "bigint"),
            (self.has_max, "greatest", "bigint"),
            (self.is_next, "last_key", key),
            (self.is_next, "last_id", "uuid"),
        ]
        return [(name, type_) for is_given, name, type_ in named if is_given]


ORDERS: Final = {
    "newest": ("published_at", " DESC", "<"),
    "price_asc": ("sort_price", "", ">"),
    "price_desc": ("sort_price", " DESC", "<"),
}
"""Sort to its column, direction, and the comparison for what comes next."""

_OPEN: Final = "i.store_id = $1 AND i.status = 'active' AND i.visibility = 'public' AND i.deleted_at IS NULL"
"""What the partial indexes of listings want to hear."""

_CATEGORY: Final = f"""(
    SELECT c.id FROM categories c
    WHERE c.id = coalesce(
        (SELECT live.id FROM categories live
         WHERE live.store_id = $1 AND live.slug = w.category AND live.deleted_at IS NULL),
        (SELECT r.target_id FROM slug_redirects r
         WHERE r.store_id = $1 AND r.kind = 'category' AND r.slug = w.category))
      AND c.store_id = $1 AND {CATEGORY_SHOWN})"""
"""The id of a shown category by its slug, or by one that it had before."""


@cache
def list_statement(shape: Shape) -> str:
    """The SQL. Parameters: store, currency, limit, the locale if translated, then an array for each of the arguments.

    Its rows begin with the asker's number from 1, and are in the order asked for.
    """
    column, direction, _ = ORDERS[shape.sort]
    order = f"ORDER BY {{0}}.{column}{direction}, {{0}}.product_id{direction}".format
    locale = "$4" if shape.is_translated else None
    return f"""
        SELECT w.n, p.product_id, p.published_at, p.sort_price, p.slug, {text("title", locale)} AS title,
            p.amount, p.compare_at, p.in_stock, image.path, image.alt
        FROM {_askers(shape)}
        CROSS JOIN LATERAL ({_page(shape, order("i"), order("page"))}) p
        {translation("p.product_id", locale)}
        LEFT JOIN LATERAL (
            SELECT m.path, {alt(locale)} AS alt FROM product_media pm JOIN media_assets m ON m.id = pm.media_id
            WHERE pm.product_id = p.product_id ORDER BY pm.position, pm.id LIMIT 1
        ) image ON true
        ORDER BY w.n, {order("p").removeprefix("ORDER BY ")}"""


def _askers(shape: Shape) -> str:
    """The rows `w`: one for each asker, with its arguments and the id of its category."""
    if not shape.arguments:
        return "(SELECT 1::bigint AS n) w"
    first = 5 if shape.is_translated else 4
    arrays = ", ".join(f"${first + place}::{type_}[]" for place, (_, type_) in enumerate(shape.arguments))
    names = ", ".join(name for name, _ in shape.arguments)
    category = f", {_CATEGORY} AS category_id" if shape.has_category else ""
    return f"(SELECT w.*{category} FROM unnest({arrays}) WITH ORDINALITY AS w({names}, n) OFFSET 0) w"


def _page(shape: Shape, order: str, order_of_page: str) -> str:
    """One page with price and stock. Where stock decides who is on it, stock is asked before the limit."""
    table = "category_listings" if shape.has_category else "product_listings"
    columns = "i.product_id, i.published_at, i.sort_price, shown.slug, shown.title"
    listings = f"""{table} i CROSS JOIN LATERAL (
            SELECT l.slug, p.title FROM {LISTED}
            WHERE l.product_id = i.product_id AND l.store_id = $1 AND {VISIBLE} OFFSET 0
        ) shown"""
    conditions, fence = _conditions(shape), f"LIMIT {MAX_LIMIT + 1}"
    if shape.in_stock is None:
        fenced = f"SELECT {columns} FROM {listings} WHERE {conditions} {order} {fence}"
        return f"SELECT * FROM (SELECT * FROM ({fenced}) page {order_of_page} LIMIT $3) page {_offer('page')}"
    wanted = "offer.in_stock" if shape.in_stock else "NOT offer.in_stock"
    fenced = f"SELECT {columns}, offer.* FROM {listings} {_offer('i')} WHERE {conditions} AND {wanted} {order} {fence}"
    return f"SELECT * FROM ({fenced}) page {order_of_page} LIMIT $3"


def _conditions(shape: Shape) -> str:
    column, _, beyond = ORDERS[shape.sort]
    # Adding 0 keeps a filter by price from being taken for a better way in than the order that is asked for.
    price = "i.sort_price" if column == "sort_price" else "i.sort_price + 0"
    conditions = [
        "i.published_at <= now() AND i.sort_price IS NOT NULL",
        "i.category_id = w.category_id" if shape.has_category else _OPEN,
    ]
    if shape.has_min:
        conditions.append(f"{price} >= w.least")
    if shape.has_max:
        conditions.append(f"{price} <= w.greatest")
    if shape.is_next:
        conditions.append(f"(i.{column}, i.product_id) {beyond} (w.last_key, w.last_id)")
    return " AND ".join(conditions)


def _offer(row: str) -> str:
    """The least price that holds now, what it was before, and whether any variant can be bought, of a row's product.

    `[amount, -compare_at]` compares as it should; no compare-at is 0, and so the last among equal amounts.
    """
    product = f"{row}.product_id"
    return f"""
        CROSS JOIN LATERAL (
            SELECT offer.rank[1] AS amount,
                nullif(greatest(offer.rank[1], coalesce(nullif(-offer.rank[2], 0), -prices.common[2])), offer.rank[1])
                    AS compare_at,
                coalesce(offer.ids && variants.uncounted, false) OR EXISTS (
                    SELECT {stock_sold_here("s.variant_id = ANY(offer.ids)", product)}
                      AND s.stock + s.oversell_limit > s.reserved) AS in_stock
            FROM (
                SELECT array_agg(v.id) AS ids, array_agg(v.id) FILTER (WHERE NOT v.track_inventory) AS uncounted
                FROM product_variants v WHERE v.product_id = {product} AND v.is_active AND v.deleted_at IS NULL
            ) variants
            CROSS JOIN LATERAL (
                SELECT min(ARRAY[o.amount, -coalesce(o.compare_at, 0)]) FILTER (WHERE o.variant_id IS NOT NULL) AS own,
                    min(ARRAY[o.amount, -coalesce(o.compare_at, 0)]) FILTER (WHERE o.variant_id IS NULL) AS common,
                    array_agg(o.variant_id) FILTER (WHERE o.variant_id IS NOT NULL) AS owners
                FROM ({prices_now(product, "$2")}) o
                WHERE o.variant_id IS NULL OR o.variant_id = ANY(variants.ids)
            ) prices
            CROSS JOIN LATERAL (
                SELECT CASE WHEN cardinality(variants.ids) > coalesce(cardinality(prices.owners), 0)
                        THEN least(prices.own, prices.common) ELSE prices.own END AS rank,
                    CASE WHEN prices.common IS NULL THEN prices.owners ELSE variants.ids END AS ids
            ) offer
            OFFSET 0
        ) offer"""
