"""The storefront's reads: one statement for all who ask at the same time (see `kernel.batching`)."""

from collections.abc import Hashable, Sequence
from functools import cache
from typing import Any, Final

import asyncpg
import msgspec

from shopkit.core.kernel.uow import Uow
from shopkit.core.storefront.fragments import (
    CATEGORY_SHOWN,
    LISTED,
    VISIBLE,
    alt,
    label,
    name,
    prices_now,
    stock_sold_here,
    text,
    translation,
)
from shopkit.core.storefront.listing import Shape, list_statement
from shopkit.core.storefront.schemas import CategoryData, ProductData


async def list_products(
    uow: Uow, shape: Shape, limit: int, askers: Sequence[tuple[Hashable, ...]]
) -> list[list[asyncpg.Record]]:
    """At most `limit` rows for each asker, whose arguments are those of the shape."""
    store = uow.scope.store
    locale = (uow.scope.locale,) if shape.is_translated else ()
    arrays = map(list, zip(*askers, strict=True))
    found: list[list[asyncpg.Record]] = [[] for _ in askers]
    for row in await uow.sql.fetch(list_statement(shape), store.id, store.currency, limit, *locale, *arrays):
        found[row[0] - 1].append(row)
    return found


@cache
def product_statement(is_translated: bool) -> str:
    """The SQL of product pages, each one JSON text. Parameters: store, slugs, currency, and the locale if translated.

    Its rows are slug and text; slugs without a visible product have none.
    """
    locale = "$4" if is_translated else None
    category_name = "coalesce(nullif(ct.name, ''), c.name)" if locale else "c.name"
    category_join = f"LEFT JOIN category_translations ct ON ct.category_id = c.id AND ct.locale = {locale}"
    return f"""
        SELECT w.slug, row_to_json(page)::text FROM unnest($2::text[]) AS w(slug) CROSS JOIN LATERAL (
            SELECT p.id, l.slug, {text("title", locale)} AS title,
                {text("short_description", locale)} AS short_description,
                {text("description", locale)} AS description, l.seo,
                (SELECT row_to_json(x) FROM (
                    SELECT c.id, c.slug, {category_name} AS name
                    FROM product_categories pc JOIN categories c ON c.id = pc.category_id
                    {category_join if locale else ""}
                    WHERE pc.product_id = p.id AND pc.is_primary AND c.store_id = $1 AND {CATEGORY_SHOWN}) x
                ) AS category,
                (SELECT row_to_json(x) FROM (
                    SELECT b.slug, {name("b", locale)} AS name FROM brands b
                    WHERE b.id = p.brand_id AND b.deleted_at IS NULL) x
                ) AS brand,
                (SELECT json_agg(x ORDER BY x.name) FROM (
                    SELECT t.slug, {name("t", locale)} AS name
                    FROM product_tags pt JOIN tags t ON t.id = pt.tag_id WHERE pt.product_id = p.id) x
                ) AS tags,
                (SELECT json_agg(x ORDER BY x.position, x.name) FROM (
                    SELECT o.name, o.position, {label("o", locale)} AS label,
                        (SELECT json_agg(json_build_object('name', ov.value, 'label', {label("ov", locale)})
                                ORDER BY ov.position, ov.value)
                         FROM product_option_values ov WHERE ov.option_id = o.id) AS values
                    FROM product_options o WHERE o.product_id = p.id) x
                ) AS options,
                ({_variants(locale)}) AS variants,
                (SELECT json_agg(x ORDER BY x.position, x.id) FROM (
                    SELECT pm.position, pm.id, m.path, {alt(locale)} AS alt, m.width, m.height
                    FROM product_media pm JOIN media_assets m ON m.id = pm.media_id WHERE pm.product_id = p.id) x
                ) AS images
            FROM {LISTED} {translation("p.id", locale)}
            WHERE l.store_id = $1 AND l.slug = w.slug AND {VISIBLE}
            OFFSET 0
        ) page"""


def _variants(locale: str | None) -> str:
    return f"""
        WITH prices AS MATERIALIZED ({prices_now("p.id", "$3")})
        SELECT json_agg(x ORDER BY x.position, x.id) FROM (
            SELECT v.id, v.position, v.sku, v.title, v.options, v.max_per_order,
                coalesce(own.amount, common.amount) AS amount,
                coalesce(own.compare_at, common.compare_at) AS compare_at,
                CASE WHEN v.track_inventory THEN (
                    SELECT coalesce(sum(greatest(s.stock + s.oversell_limit - s.reserved, 0)), 0)
                    {stock_sold_here("s.variant_id = v.id", "p.id")}) END AS free,
                m.path, {alt(locale)} AS alt
            FROM product_variants v
            LEFT JOIN prices own ON own.variant_id = v.id
            LEFT JOIN prices common ON common.variant_id IS NULL
            LEFT JOIN media_assets m ON m.id = v.image_id
            WHERE v.product_id = p.id AND v.is_active AND v.deleted_at IS NULL
        ) x"""


_product: Final = msgspec.json.Decoder(ProductData)


async def find_products(uow: Uow, slugs: Sequence[str]) -> dict[str, ProductData]:
    """The visible products at these addresses, their texts in the scope's language."""
    store, locale = uow.scope.store, uow.scope.locale
    is_translated = locale != store.locale
    arguments: tuple[Any, ...] = (store.id, slugs, store.currency, *((locale,) if is_translated else ()))
    rows = await uow.sql.fetch(product_statement(is_translated), *arguments)
    return {slug: _product.decode(document) for slug, document in rows}


async def find_moved(uow: Uow, slugs: Sequence[str]) -> dict[str, str]:
    """The present addresses of visible products that once had these."""
    rows = await uow.sql.fetch(
        f"""
        SELECT r.slug AS old, l.slug AS present FROM slug_redirects r JOIN ({LISTED}) ON l.product_id = r.target_id
        WHERE r.store_id = $1 AND r.kind = 'product' AND r.slug = ANY($2::text[]) AND l.store_id = $1 AND {VISIBLE}
        """,
        uow.scope.store.id,
        slugs,
    )
    return {row["old"]: row["present"] for row in rows}


CATEGORIES: Final = """
    SELECT c.id, c.parent_id, c.slug, coalesce(nullif(ct.name, ''), c.name) AS name, listed.count
    FROM categories c
    LEFT JOIN category_translations ct ON ct.category_id = c.id AND ct.locale = $2
    CROSS JOIN LATERAL (
        SELECT count(*)::int AS count FROM category_listings cl
        WHERE cl.category_id = c.id AND cl.published_at <= now() OFFSET 0
    ) listed
    WHERE c.store_id = $1 AND c.is_active AND c.deleted_at IS NULL
    ORDER BY c.depth, c.position, c.name, c.id"""


async def list_categories(uow: Uow) -> list[CategoryData]:
    """Every active category of the store, parents before their children, with the number of products listed in each.

    The numbers come from the lists' own projection; a listing whose last day is over counts until the next sweep.
    """
    rows = await uow.sql.fetch(CATEGORIES, uow.scope.store.id, uow.scope.locale)
    return [CategoryData(*row) for row in rows]


EDGE: Final = """
    SELECT extract(epoch FROM min(edge.moment) - now())::float8 FROM (
        SELECT min(starts_at) AS moment FROM variant_prices WHERE starts_at > now()
        UNION ALL SELECT min(ends_at) FROM variant_prices WHERE ends_at > now()
        UNION ALL SELECT min(unpublish_at) FROM product_listings WHERE unpublish_at > now()
        UNION ALL SELECT listed.moment FROM stores s CROSS JOIN LATERAL (
            SELECT min(l.published_at) AS moment FROM product_listings l
            WHERE l.store_id = s.id AND l.status = 'active' AND l.visibility = 'public' AND l.deleted_at IS NULL
              AND l.published_at > now()
        ) listed
    ) edge"""


async def next_edge(uow: Uow) -> float | None:
    """Seconds until pages change without a write: some price or listing of the tenant begins or ends."""
    seconds: float | None = await uow.sql.fetchval(EDGE)
    return seconds
