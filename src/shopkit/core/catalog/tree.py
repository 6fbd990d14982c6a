"""The category tree: `path` (ids from the root to itself) and `depth` follow from `parent_id`, under one lock (D34)."""

from collections.abc import Iterable
from uuid import UUID

import asyncpg


async def lock(sql: asyncpg.Connection, store_id: UUID) -> None:
    """One writer of a store's tree at a time, until the transaction ends."""
    await sql.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"catalog.tree:{store_id}")


async def rebuild(sql: asyncpg.Connection, store_id: UUID) -> list[UUID]:
    """Work out every path anew, write those that changed, and return their categories' ids. Call it under the lock."""
    rows = await sql.fetch(
        """
        WITH RECURSIVE walked AS (
            SELECT id, jsonb_build_array(id) AS path, 0 AS depth
            FROM categories WHERE store_id = $1 AND parent_id IS NULL AND deleted_at IS NULL
            UNION ALL
            SELECT c.id, w.path || to_jsonb(c.id), w.depth + 1
            FROM categories c JOIN walked w ON c.parent_id = w.id WHERE c.deleted_at IS NULL
        )
        UPDATE categories c SET path = w.path, depth = w.depth
        FROM walked w WHERE w.id = c.id AND (c.path, c.depth) IS DISTINCT FROM (w.path, w.depth)
        RETURNING c.id
        """,
        store_id,
    )
    return [row["id"] for row in rows]


async def products_under(sql: asyncpg.Connection, category_ids: Iterable[UUID]) -> list[UUID]:
    """The products that stand in any of these categories: their projections need a look when paths change."""
    rows = await sql.fetch(
        "SELECT DISTINCT product_id FROM product_categories WHERE category_id = ANY($1)", list(category_ids)
    )
    return [row["product_id"] for row in rows]
