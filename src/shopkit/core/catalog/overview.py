"""What staff see of products until there is an admin: all of them, drafts included, with what they cost now."""

from typing import Any
from uuid import UUID

from shopkit.core.catalog.prices import price_now
from shopkit.core.kernel.db import rows_of
from shopkit.core.kernel.uow import Uow
from shopkit.sdk.errors import NotFound


async def products(
    uow: Uow, *, status: str | None = None, words: str | None = None, limit: int = 50
) -> list[dict[str, Any]]:
    """The store's products, newest first; `words` is looked for in title, key and slug."""
    return rows_of(
        await uow.sql.fetch(
            """
            SELECT p.id, p.key, l.slug, p.title, b.name AS brand, l.status, l.visibility, l.published_at,
                   l.sort_price AS price_from, $2::text AS currency,
                   (SELECT count(*) FROM product_variants v
                    WHERE v.product_id = p.id AND v.deleted_at IS NULL)::int AS variants
            FROM product_listings l
            JOIN products p ON p.id = l.product_id AND p.deleted_at IS NULL
            LEFT JOIN brands b ON b.id = p.brand_id
            WHERE l.store_id = $1 AND l.deleted_at IS NULL AND ($3::text IS NULL OR l.status = $3)
              AND ($4::text IS NULL OR strpos(lower(concat_ws(' ', p.title, p.key, l.slug)), lower($4)) > 0)
            ORDER BY p.created_at DESC, p.id DESC LIMIT $5
            """,
            uow.scope.store.id,
            uow.scope.store.currency,
            status,
            words,
            limit,
        )
    )


async def product(uow: Uow, name: str) -> dict[str, Any]:
    """One product by slug, key or id, with its variants and categories. Raises `NotFound`."""
    found = await uow.sql.fetchrow(
        """
        SELECT p.id, p.key, l.slug, p.title, p.short_description, b.name AS brand, p.type, p.tax_class, l.status,
               l.visibility, l.published_at, l.unpublish_at, $2::text AS currency,
               array(SELECT c.slug FROM product_categories pc JOIN categories c ON c.id = pc.category_id
                     WHERE pc.product_id = p.id ORDER BY pc.is_primary DESC, c.slug) AS categories,
               array(SELECT t.slug FROM product_tags pt JOIN tags t ON t.id = pt.tag_id
                     WHERE pt.product_id = p.id ORDER BY t.slug) AS tags
        FROM product_listings l
        JOIN products p ON p.id = l.product_id AND p.deleted_at IS NULL
        LEFT JOIN brands b ON b.id = p.brand_id
        WHERE l.store_id = $1 AND l.deleted_at IS NULL AND (l.slug = $3 OR p.key = $3 OR p.id::text = $3)
        ORDER BY l.slug = $3 DESC LIMIT 1
        """,
        uow.scope.store.id, uow.scope.store.currency, name,
    )  # fmt: skip
    if found is None:
        raise NotFound(f"There is no product {name}.")
    return {**dict(found), "variants": await _variants(uow, found["id"])}


async def _variants(uow: Uow, product_id: UUID) -> list[dict[str, Any]]:
    return rows_of(
        await uow.sql.fetch(
            f"""
            SELECT v.id, v.sku, v.title, v.is_active, v.track_inventory, price.amount AS price, price.compare_at
            FROM product_variants v LEFT JOIN LATERAL {price_now("v.id", "v.product_id", "$2")} price ON true
            WHERE v.product_id = $1 AND v.deleted_at IS NULL ORDER BY v.position, v.id
            """,
            product_id,
            uow.scope.store.currency,
        )
    )
