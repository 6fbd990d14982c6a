"""Chores: lists follow prices and listings whose time began or ended since the last run."""

from shopkit.core.catalog import projections
from shopkit.core.catalog.prices import least_price_now
from shopkit.core.kernel.jobs import Schedule
from shopkit.core.kernel.uow import Uow

REFRESH_PRICES = "catalog.refresh_prices"
PART = 500
"""Products that one statement brings up to date."""

_STALE = f"""
WITH since AS (
    SELECT coalesce((SELECT last_run_at FROM schedules WHERE name = $2), '-infinity') - interval '1 minute' AS moment
), passed AS (
    SELECT p.product_id FROM variant_prices p, since
    WHERE (p.starts_at > since.moment AND p.starts_at <= now()) OR (p.ends_at > since.moment AND p.ends_at <= now())
    UNION
    SELECT l.product_id FROM product_listings l, since
    WHERE l.unpublish_at > since.moment AND l.unpublish_at <= now()
)
SELECT DISTINCT l.product_id
FROM passed JOIN product_listings l USING (product_id) JOIN stores s ON s.id = l.store_id
LEFT JOIN LATERAL {least_price_now("l.product_id", "s.currency")} price ON true
WHERE l.deleted_at IS NULL AND (
    l.sort_price IS DISTINCT FROM price.amount
    OR l.unpublish_at <= now() AND EXISTS (SELECT FROM category_listings c WHERE c.product_id = l.product_id))
LIMIT $1
"""


async def refresh_prices(uow: Uow) -> int:
    """Bring the projections of such products up to date, all of them; those that are right are passed over.

    It looks back to the last run, so a worker that was away for long misses nothing.
    """
    done = 0
    while rows := await uow.sql.fetch(_STALE, PART, REFRESH_PRICES):
        await projections.refresh(uow.sql, [row["product_id"] for row in rows])
        done += len(rows)
    return done


SCHEDULES = (Schedule(name=REFRESH_PRICES, every_seconds=60, run=refresh_prices),)
