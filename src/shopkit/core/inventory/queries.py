"""What the stock says, without locks."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from shopkit.core.kernel.db import rows_of
from shopkit.core.kernel.uow import Uow

IS_SOLD_FROM = """(NOT EXISTS (SELECT FROM product_locations)
           OR NOT EXISTS (SELECT FROM product_locations pl WHERE pl.product_id = {product})
           OR EXISTS (SELECT FROM product_locations pl WHERE pl.product_id = {product}
                      AND pl.location_id = {location}))"""
"""Whether a location is among a product's. Most shops bind no product to a place: asked once per statement."""

IS_SELLABLE = f"(l.status = 'active' AND {IS_SOLD_FROM.format(product='{product}', location='l.id')})"
"""Whether a product is sold from the location `l`, which is open."""

SELLABLE = f"""
    JOIN store_locations l ON l.id = s.location_id
    WHERE {{variant}} AND l.store_id = {{store}} AND {IS_SELLABLE}
"""
"""The stock rows `s` that a store may sell of a variant: active locations, those of the product where it names any."""


async def levels(uow: Uow, *, sku: str | None = None, limit: int = 200) -> list[dict[str, Any]]:
    """Stock per variant and location of the scope's store, for people."""
    return rows_of(
        await uow.sql.fetch(
            """
            SELECT v.sku, p.title, v.title AS variant, l.code AS location, s.stock, s.reserved, s.available,
                   s.oversell_limit, s.reorder_level, v.id AS variant_id
            FROM inventory_stocks s
            JOIN product_variants v ON v.id = s.variant_id
            JOIN products p ON p.id = v.product_id
            JOIN store_locations l ON l.id = s.location_id
            WHERE l.store_id = $1 AND ($2::text IS NULL OR v.sku = $2)
            ORDER BY v.sku, l.priority, l.code LIMIT $3
            """,
            uow.scope.store.id,
            sku,
            limit,
        )
    )


async def ledger(uow: Uow, variant_id: UUID, *, limit: int = 50) -> list[dict[str, Any]]:
    """The newest ledger rows of a variant."""
    return rows_of(
        await uow.sql.fetch(
            """
            SELECT t.created_at, t.type, t.stock_delta, t.reserved_delta, t.reason, t.reference_id, t.actor_type
            FROM inventory_transactions t JOIN inventory_stocks s ON s.id = t.stock_id
            WHERE s.variant_id = $1 ORDER BY t.created_at DESC, t.id DESC LIMIT $2
            """,
            variant_id,
            limit,
        )
    )


async def find_variants(uow: Uow, skus: Sequence[str]) -> dict[str, UUID]:
    """Live variants by SKU."""
    rows = await uow.sql.fetch(
        "SELECT sku, id FROM product_variants WHERE sku = ANY($1) AND deleted_at IS NULL", list(skus)
    )
    return {row["sku"]: row["id"] for row in rows}
