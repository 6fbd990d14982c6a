"""What lists read instead of working it out: `product_listings.sort_price` and `category_listings`.

Whoever changes prices, variants, listings, categories or their tree calls `refresh` in the same transaction.
A listing stands in its categories and all their ancestors while it is active, public, published (perhaps from a later
moment on), not past `unpublish_at`, priced, and its vendor is approved.
"""

from collections.abc import Iterable
from uuid import UUID

import asyncpg

from shopkit.core.catalog.prices import least_price_now

_SORT_PRICES = f"""
UPDATE product_listings l SET sort_price = fresh.amount
FROM (
    SELECT l.id, price.amount
    FROM product_listings l
    JOIN stores s ON s.id = l.store_id
    LEFT JOIN LATERAL {least_price_now("l.product_id", "s.currency")} price ON true
    WHERE l.product_id = ANY($1)
) fresh
WHERE fresh.id = l.id AND l.sort_price IS DISTINCT FROM fresh.amount
"""

_CATEGORY_LISTINGS = """
WITH wanted AS MATERIALIZED (
    SELECT DISTINCT step.id::uuid AS category_id, l.product_id, l.published_at, l.sort_price
    FROM product_listings l
    JOIN products p ON p.id = l.product_id AND p.deleted_at IS NULL
    JOIN vendors ON vendors.id = p.vendor_id AND vendors.status = 'approved'
    JOIN product_categories pc ON pc.product_id = l.product_id
    JOIN categories c ON c.id = pc.category_id AND c.store_id = l.store_id AND c.deleted_at IS NULL
    CROSS JOIN LATERAL jsonb_array_elements_text(c.path) AS step(id)
    WHERE l.product_id = ANY($1) AND l.status = 'active' AND l.visibility = 'public' AND l.deleted_at IS NULL
      AND l.published_at IS NOT NULL AND (l.unpublish_at IS NULL OR l.unpublish_at > now()) AND l.sort_price IS NOT NULL
), gone AS (
    DELETE FROM category_listings cl
    WHERE cl.product_id = ANY($1)
      AND NOT EXISTS (SELECT FROM wanted w WHERE w.category_id = cl.category_id AND w.product_id = cl.product_id)
)
INSERT INTO category_listings AS cl (category_id, product_id, published_at, sort_price)
SELECT category_id, product_id, published_at, sort_price FROM wanted
ON CONFLICT (tenant_id, category_id, product_id) DO UPDATE
SET published_at = excluded.published_at, sort_price = excluded.sort_price
WHERE (cl.published_at, cl.sort_price) IS DISTINCT FROM (excluded.published_at, excluded.sort_price)
"""


async def refresh(sql: asyncpg.Connection, product_ids: Iterable[UUID]) -> None:
    """Bring both projections of these products up to date."""
    products = list(product_ids)
    if products:
        await sql.execute(_SORT_PRICES, products)
        await sql.execute(_CATEGORY_LISTINGS, products)
