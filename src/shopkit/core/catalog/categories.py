"""Writes of the category tree: create, change, move, delete, translate (C1, D34). One writer of a tree at a time."""

from uuid import UUID

from shopkit.core.catalog import projections, slugs, tree
from shopkit.core.catalog.errors import CategoryCycle, InvalidSlug
from shopkit.core.catalog.schemas import CategoryChange, NewCategory, Texts
from shopkit.core.catalog.writing import given, insert, update
from shopkit.core.kernel.ids import uuid7
from shopkit.core.kernel.uow import Uow
from shopkit.sdk.errors import NotFound


async def create_category(uow: Uow, new: NewCategory) -> UUID:
    """Create a category. Raises `SlugTaken`, `InvalidSlug`, or `NotFound` for an unknown parent."""
    store = uow.scope.store.id
    await tree.lock(uow.sql, store)
    if new.parent_id is not None:
        await _path(uow, new.parent_id)
    slug = new.slug or await _free_slug(uow, new.name)
    if not slugs.is_slug(slug):
        raise InvalidSlug
    category_id = uuid7()
    own = {"name": new.name, "position": new.position, "description": new.description, "is_active": new.is_active}
    await insert(
        uow.sql, "categories", {"id": category_id, "store_id": store, "parent_id": new.parent_id, "slug": slug, **own}
    )
    await slugs.unshadow(uow.sql, "category", store, [slug])
    await tree.rebuild(uow.sql, store)
    return category_id


async def change_category(uow: Uow, category_id: UUID, change: CategoryChange) -> None:
    """Change texts, order, visibility or slug; the old slug leads on. Raises `SlugTaken`, `InvalidSlug`, `NotFound`."""
    store = uow.scope.store.id
    await tree.lock(uow.sql, store)
    before: str | None = await uow.sql.fetchval(
        "SELECT slug FROM categories WHERE id = $1 AND store_id = $2 AND deleted_at IS NULL", category_id, store
    )
    if before is None:
        raise NotFound
    if isinstance(change.slug, str) and not slugs.is_slug(change.slug):
        raise InvalidSlug
    await update(uow.sql, "categories", category_id, given(change))
    if isinstance(change.slug, str) and change.slug != before:
        await slugs.note_moves(uow.sql, "category", store, [(before, category_id)])
        await slugs.unshadow(uow.sql, "category", store, [change.slug])


async def move_category(uow: Uow, category_id: UUID, parent_id: UUID | None) -> None:
    """Put a category, with all below it, under another parent or at the root. Raises `CategoryCycle`, `NotFound`."""
    store = uow.scope.store.id
    await tree.lock(uow.sql, store)
    await _path(uow, category_id)
    if parent_id is not None and str(category_id) in await _path(uow, parent_id):
        raise CategoryCycle
    await update(uow.sql, "categories", category_id, {"parent_id": parent_id})
    await _rebuild(uow)


async def delete_category(uow: Uow, category_id: UUID) -> int:
    """Delete a category; its children move to the root. Answers how many did. Raises `NotFound`."""
    store = uow.scope.store.id
    await tree.lock(uow.sql, store)
    await _path(uow, category_id)
    products = await tree.products_under(uow.sql, [category_id])
    children = await uow.sql.fetch(
        "UPDATE categories SET parent_id = NULL WHERE parent_id = $1 AND deleted_at IS NULL RETURNING id", category_id
    )
    await uow.sql.execute("UPDATE categories SET deleted_at = now(), parent_id = NULL WHERE id = $1", category_id)
    await uow.sql.execute("DELETE FROM product_categories WHERE category_id = $1", category_id)
    await uow.sql.execute(
        """
        UPDATE product_categories SET is_primary = true WHERE id IN (
            SELECT DISTINCT ON (product_id) id FROM product_categories c
            WHERE product_id = ANY($1)
              AND NOT EXISTS (SELECT FROM product_categories o WHERE o.product_id = c.product_id AND o.is_primary)
            ORDER BY product_id, id)
        """,
        products,
    )
    await projections.refresh(uow.sql, products)
    await _rebuild(uow)
    return len(children)


async def translate_category(uow: Uow, category_id: UUID, locale: str, texts: Texts | None) -> None:
    """Set the texts in another language; None takes them away. Raises `NotFound`."""
    await _path(uow, category_id)
    await uow.sql.execute(
        "DELETE FROM category_translations WHERE category_id = $1 AND locale = $2", category_id, locale
    )
    if texts is not None:
        said = {"name": texts.name, "description": texts.description}
        await insert(uow.sql, "category_translations", {"category_id": category_id, "locale": locale, **said})


async def _rebuild(uow: Uow) -> None:
    moved = await tree.rebuild(uow.sql, uow.scope.store.id)
    await projections.refresh(uow.sql, await tree.products_under(uow.sql, moved))


async def _path(uow: Uow, category_id: UUID) -> list[str]:
    """The ids from the root to the category. Raises `NotFound`."""
    path: list[str] | None = await uow.sql.fetchval(
        "SELECT path FROM categories WHERE id = $1 AND store_id = $2 AND deleted_at IS NULL",
        category_id,
        uow.scope.store.id,
    )
    if path is None:
        raise NotFound
    return path


async def _free_slug(uow: Uow, name: str) -> str:
    wanted = slugs.slug_of(name, "category")
    return slugs.free(wanted, await slugs.similar(uow.sql, "category", uow.scope.store.id, wanted))
