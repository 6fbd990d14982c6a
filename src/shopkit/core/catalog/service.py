"""Writes of products: create, change, translate, publish, archive, delete; their categories, tags, prices and images.

Whoever changes what lists show refreshes the projections in the same transaction.
"""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from uuid import UUID

from shopkit.core.catalog import media, projections, slugs, variants
from shopkit.core.catalog.errors import InvalidPrice, InvalidSlug, NothingToSell
from shopkit.core.catalog.schemas import NewPrice, NewProduct, ProductChange, ProductTexts, Texts
from shopkit.core.catalog.writing import given, insert, lock_product, refusing, update
from shopkit.core.kernel.ids import uuid7
from shopkit.core.kernel.uow import Uow
from shopkit.core.vendors import queries as vendors
from shopkit.sdk.errors import NotFound

LISTED = {"visibility", "unpublish_at", "is_featured", "slug"}
"""Fields of a change that belong to the listing."""


async def create_product(uow: Uow, new: NewProduct) -> UUID:
    """Create a draft with its variants. Raises `KeyTaken`, `SlugTaken`, `InvalidSlug`, `OptionMismatch`, `SkuTaken`."""
    product_id, store, vendor_id = uuid7(), uow.scope.store, await vendors.default_vendor(uow)
    slug = new.slug or await _free_slug(uow, new.title)
    if not slugs.is_slug(slug):
        raise InvalidSlug
    own = {
        name: getattr(new, name)
        for name in ("title", "short_description", "description", "brand_id", "tax_class", "weight_grams")
    }
    kind = "variable" if new.options else "simple"
    await insert(
        uow.sql,
        "products",
        {"id": product_id, "vendor_id": vendor_id, "key": new.key or slug, "type": kind, **own},
    )
    await insert(uow.sql, "product_listings", {"product_id": product_id, "store_id": store.id, "slug": slug})
    await slugs.unshadow(uow.sql, "product", store.id, [slug])
    await _write_categories(uow, product_id, new.category_ids)
    if new.amount is not None:
        await _write_price(uow, product_id, None, NewPrice(amount=new.amount, compare_at=new.compare_at))
    made = await variants.create_all(uow, product_id, new)
    for variant_id, variant in zip(made, new.variants, strict=False):
        if variant.amount is not None:
            price = NewPrice(amount=variant.amount, compare_at=variant.compare_at)
            await _write_price(uow, product_id, variant_id, price)
    await projections.refresh(uow.sql, [product_id])
    return product_id


async def change_product(uow: Uow, product_id: UUID, change: ProductChange) -> None:
    """Change a product and its listing; an old slug leads on. Raises `SlugTaken`, `InvalidSlug`, `NotFound`."""
    await lock_product(uow, product_id)
    fields = given(change)
    await update(uow.sql, "products", product_id, {name: v for name, v in fields.items() if name not in LISTED})
    if isinstance(change.slug, str):
        await _move(uow, product_id, change.slug)
    await _update_listing(uow, product_id, {name: v for name, v in fields.items() if name in LISTED})
    await projections.refresh(uow.sql, [product_id])


async def translate_product(uow: Uow, product_id: UUID, locale: str, texts: ProductTexts | None) -> None:
    """Set the texts in another language; None takes them away. Raises `NotFound`."""
    await lock_product(uow, product_id)
    await uow.sql.execute("DELETE FROM product_translations WHERE product_id = $1 AND locale = $2", product_id, locale)
    if texts is not None:
        await insert(uow.sql, "product_translations", {"product_id": product_id, "locale": locale, **given(texts)})


async def publish(uow: Uow, product_id: UUID, *, at: datetime | None = None, until: datetime | None = None) -> None:
    """Show the product, from a moment on and until another if given. Raises `NothingToSell`, `NotFound`."""
    await lock_product(uow, product_id)
    can_be_sold = await uow.sql.fetchval(
        """
        SELECT EXISTS (
            SELECT FROM product_variants v
            JOIN variant_prices p ON p.product_id = v.product_id AND (p.variant_id = v.id OR p.variant_id IS NULL)
            WHERE v.product_id = $1 AND v.is_active AND v.deleted_at IS NULL AND p.currency = $2)
        """,
        product_id,
        uow.scope.store.currency,
    )
    if not can_be_sold:
        raise NothingToSell
    await uow.sql.execute(
        """
        UPDATE product_listings
        SET status = 'active', published_at = coalesce($3, published_at, now()), unpublish_at = $4
        WHERE product_id = $1 AND store_id = $2 AND deleted_at IS NULL
        """,
        product_id,
        uow.scope.store.id,
        at,
        until,
    )
    await projections.refresh(uow.sql, [product_id])


async def withdraw(uow: Uow, product_id: UUID) -> None:
    """Make it a draft again; `published_at` is kept. Raises `NotFound`."""
    await _set_status(uow, product_id, "draft")


async def archive(uow: Uow, product_id: UUID) -> None:
    """Take it off the shop for good; orders and history keep it. Raises `NotFound`."""
    await _set_status(uow, product_id, "archived")


async def delete_product(uow: Uow, product_id: UUID) -> None:
    """Mark product, listings and variants as deleted; key, slugs and SKUs are free again (D29). Raises `NotFound`."""
    await lock_product(uow, product_id)
    for table, column in (("product_variants", "product_id"), ("product_listings", "product_id"), ("products", "id")):
        await uow.sql.execute(
            f"UPDATE {table} SET deleted_at = now() WHERE {column} = $1 AND deleted_at IS NULL",
            product_id,
        )
    await projections.refresh(uow.sql, [product_id])


async def set_categories(uow: Uow, product_id: UUID, category_ids: Sequence[UUID]) -> None:
    """Put the product into exactly these categories, the first the primary one. Raises `NotFound`."""
    await lock_product(uow, product_id)
    await uow.sql.execute("DELETE FROM product_categories WHERE product_id = $1", product_id)
    await _write_categories(uow, product_id, category_ids)
    await projections.refresh(uow.sql, [product_id])


async def set_tags(uow: Uow, product_id: UUID, names: Sequence[str]) -> None:
    """Give the product exactly these tags; new ones are made. Raises `NotFound`."""
    await lock_product(uow, product_id)
    wanted = {slugs.slug_of(name, "tag"): name for name in names}
    await uow.sql.execute(
        """
        INSERT INTO tags (slug, name) SELECT * FROM unnest($1::text[], $2::text[])
        ON CONFLICT (tenant_id, slug) DO NOTHING
        """,
        list(wanted),
        list(wanted.values()),
    )
    await uow.sql.execute("DELETE FROM product_tags WHERE product_id = $1", product_id)
    await uow.sql.execute(
        "INSERT INTO product_tags (product_id, tag_id) SELECT $1, id FROM tags WHERE slug = ANY($2)",
        product_id,
        list(wanted),
    )


async def create_brand(uow: Uow, name: str, *, slug: str | None = None, description: str = "") -> UUID:
    """Create a brand. Raises `SlugTaken`, `InvalidSlug`."""
    brand_id, slug = uuid7(), slug or slugs.slug_of(name, "brand")
    if not slugs.is_slug(slug):
        raise InvalidSlug
    await insert(uow.sql, "brands", {"id": brand_id, "slug": slug, "name": name, "description": description})
    return brand_id


async def translate_brand(uow: Uow, brand_id: UUID, locale: str, texts: Texts) -> None:
    """Set a brand's texts in another language. Raises `NotFound`."""
    known = await uow.sql.fetchval("SELECT translations FROM brands WHERE id = $1 AND deleted_at IS NULL", brand_id)
    if known is None:
        raise NotFound
    await update(uow.sql, "brands", brand_id, {"translations": {**known, locale: given(texts)}})


async def set_price(uow: Uow, product_id: UUID, price: NewPrice) -> None:
    """Set the price that begins at `starts_at` (null: the open-ended one). Raises `InvalidPrice`, `NotFound`."""
    await lock_product(uow, product_id)
    if price.variant_id is not None:
        await variants.require(uow, product_id, price.variant_id)
    await _write_price(uow, product_id, price.variant_id, price)
    await projections.refresh(uow.sql, [product_id])


async def remove_price(
    uow: Uow, product_id: UUID, *, variant_id: UUID | None = None, starts_at: datetime | None = None
) -> None:
    """Take a price of the store's currency away; the next one that holds is used from now on. Raises `NotFound`."""
    await lock_product(uow, product_id)
    done = await uow.sql.execute(
        """
        DELETE FROM variant_prices WHERE product_id = $1 AND variant_id IS NOT DISTINCT FROM $2
          AND starts_at IS NOT DISTINCT FROM $3 AND currency = $4
        """,
        product_id,
        variant_id,
        starts_at,
        uow.scope.store.currency,
    )
    if done == "DELETE 0":
        raise NotFound
    await projections.refresh(uow.sql, [product_id])


async def add_image(uow: Uow, folder: Path, product_id: UUID, content: bytes, *, alt: str = "") -> UUID:
    """Keep an image in the media folder and show it last among the product's. Raises `InvalidImage`, `NotFound`."""
    await lock_product(uow, product_id)
    file = media.store(folder, content)
    media_id: UUID = await uow.sql.fetchval(
        """
        INSERT INTO media_assets (path, content_type, content_hash, size_bytes, width, height, alt)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (tenant_id, path) DO UPDATE SET alt = excluded.alt RETURNING id
        """,
        file.path, file.content_type, file.content_hash, file.size_bytes, file.width, file.height, alt,
    )  # fmt: skip
    await uow.sql.execute(
        """
        INSERT INTO product_media (product_id, media_id, position)
        SELECT $1, $2, coalesce(max(position) + 1, 0) FROM product_media WHERE product_id = $1
        ON CONFLICT (tenant_id, product_id, media_id) DO NOTHING
        """,
        product_id,
        media_id,
    )
    return media_id


async def set_images(uow: Uow, product_id: UUID, media_ids: Sequence[UUID]) -> None:
    """Show exactly these images, in this order. Raises `NotFound`."""
    await lock_product(uow, product_id)
    await uow.sql.execute("DELETE FROM product_media WHERE product_id = $1", product_id)
    await uow.sql.execute(
        """
        INSERT INTO product_media (product_id, media_id, position)
        SELECT $1, g.id, g.place - 1 FROM unnest($2::uuid[]) WITH ORDINALITY AS g(id, place)
        """,
        product_id,
        list(media_ids),
    )


async def _set_status(uow: Uow, product_id: UUID, status: str) -> None:
    await lock_product(uow, product_id)
    await _update_listing(uow, product_id, {"status": status})
    await projections.refresh(uow.sql, [product_id])


async def _update_listing(uow: Uow, product_id: UUID, fields: dict[str, object]) -> None:
    listing_id = await _listing(uow, product_id)
    await update(uow.sql, "product_listings", listing_id, fields)


async def _listing(uow: Uow, product_id: UUID) -> UUID:
    found: UUID | None = await uow.sql.fetchval(
        "SELECT id FROM product_listings WHERE product_id = $1 AND store_id = $2 AND deleted_at IS NULL",
        product_id,
        uow.scope.store.id,
    )
    if found is None:
        raise NotFound
    return found


async def _move(uow: Uow, product_id: UUID, slug: str) -> None:
    """Note the old address before the new one is written."""
    if not slugs.is_slug(slug):
        raise InvalidSlug
    store = uow.scope.store.id
    before: str = await uow.sql.fetchval(
        "SELECT slug FROM product_listings WHERE id = $1", await _listing(uow, product_id)
    )
    if before != slug:
        await slugs.note_moves(uow.sql, "product", store, [(before, product_id)])
        await slugs.unshadow(uow.sql, "product", store, [slug])


async def _free_slug(uow: Uow, title: str) -> str:
    wanted = slugs.slug_of(title, "product")
    return slugs.free(wanted, await slugs.similar(uow.sql, "product", uow.scope.store.id, wanted))


async def _write_categories(uow: Uow, product_id: UUID, category_ids: Sequence[UUID]) -> None:
    wanted = list(dict.fromkeys(category_ids))
    done = await uow.sql.execute(
        """
        INSERT INTO product_categories (product_id, category_id, is_primary)
        SELECT $1, c.id, g.place = 1 FROM unnest($2::uuid[]) WITH ORDINALITY AS g(id, place)
        JOIN categories c ON c.id = g.id AND c.store_id = $3 AND c.deleted_at IS NULL
        """,
        product_id,
        wanted,
        uow.scope.store.id,
    )
    if done != f"INSERT 0 {len(wanted)}":
        raise NotFound


async def _write_price(uow: Uow, product_id: UUID, variant_id: UUID | None, price: NewPrice) -> None:
    """A price that ends begins, too: now, unless it says when. So the open-ended one has no start and no end."""
    if price.compare_at is not None and price.compare_at <= price.amount:
        raise InvalidPrice("The compare-at is not above the price.")
    if price.ends_at is not None and price.starts_at is not None and price.ends_at <= price.starts_at:
        raise InvalidPrice("The price ends before it starts.")
    with refusing():
        await uow.sql.execute(
            """
            INSERT INTO variant_prices (product_id, variant_id, currency, amount, compare_at, cost, starts_at, ends_at)
            VALUES ($1, $2, $3, $4, $5, $6, CASE WHEN $8::timestamptz IS NULL THEN $7 ELSE coalesce($7, now()) END, $8)
            ON CONFLICT (tenant_id, product_id, variant_id, currency, starts_at) DO UPDATE
            SET amount = excluded.amount, compare_at = excluded.compare_at, cost = excluded.cost,
                ends_at = excluded.ends_at
            """,
            product_id,
            variant_id,
            price.currency or uow.scope.store.currency,
            price.amount,
            price.compare_at,
            price.cost,
            price.starts_at,
            price.ends_at,
        )
