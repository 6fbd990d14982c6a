"""Brands, tags and the category tree."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import UNSET

from shopkit.core.catalog import slugs, tree
from shopkit.core.loading.document import Brand, Category, Tag
from shopkit.core.loading.rows import Sheet, Table
from shopkit.core.loading.run import Run

BRANDS: Final = Table(
    "brands",
    ("slug",),
    {"slug": "text", "name": "text", "description": "text", "translations": "jsonb"},
    {"description": "", "translations": {}},
)
TAGS: Final = Table("tags", ("slug",), {"slug": "text", "name": "text", "translations": "jsonb"}, {"translations": {}})
CATEGORIES: Final = Table(
    "categories",
    ("slug",),
    {"store_id": "uuid", "parent_id": "uuid", "position": "int", "slug": "text", "name": "text", "description": "text",
     "is_active": "boolean", "seo": "jsonb"},
    {"parent_id": None, "position": 0, "description": "", "is_active": True, "seo": {}},
    is_tree=True,
)  # fmt: skip
CATEGORY_TEXTS: Final = Table(
    "category_translations",
    ("category_id", "locale"),
    {"category_id": "uuid", "locale": "text", "name": "text", "description": "text"},
)


Parents = dict[UUID, UUID | None]
"""A category to its parent."""


async def load_brands(run: Run) -> None:
    """Write the brands, and remember all of them by slug."""
    sheet = Sheet(BRANDS)
    await sheet.read(run.sql, "deleted_at IS NULL")
    _put_named(run, "/brands", run.document.brands, sheet)
    await run.write([("brands", sheet)])
    run.brands = {row["slug"]: row["id"] for row in sheet.rows.values()}


async def load_tags(run: Run) -> None:
    """Write the tags, and remember all of them by slug."""
    sheet = Sheet(TAGS)
    await sheet.read(run.sql, "true")
    _put_named(run, "/tags", run.document.tags, sheet)
    await run.write([("tags", sheet)])
    run.tags = {row["slug"]: row["id"] for row in sheet.rows.values()}


def _put_named(run: Run, at: str, given: Sequence[Brand | Tag], sheet: Sheet) -> None:
    seen: dict[str, str] = {}
    for number, thing in enumerate(given):
        here = f"{at}/{number}"
        if check_slug(run, f"{here}/slug", thing.slug) and run.is_new(f"{here}/slug", seen, thing.slug):
            present = sheet.find(thing.slug)
            run.need(f"{here}/name", present is None, thing.name)
            run.check_locales(f"{here}/translations", thing.translations)
            fields = {name: _plain(getattr(thing, name)) for name in thing.__struct_fields__ if name != "slug"}
            fields["translations"] = _merged(present, thing.translations)
            sheet.put((thing.slug,), fields)


def _merged(present: dict[str, Any] | None, translations: Any) -> Any:
    """Translations of a jsonb column: a locale that the document does not mention is left alone."""
    if translations is UNSET:
        return UNSET
    return {**(present["translations"] if present else {}), **msgspec.to_builtins(translations)}


def _plain(value: Any) -> Any:
    return value if value is UNSET else msgspec.to_builtins(value)


def check_slug(run: Run, pointer: str, slug: str) -> bool:
    """Whether an address may be this; else it is noted as wrong."""
    if slugs.is_slug(slug):
        return True
    run.faults.add(pointer, "invalid_slug", "An address has letters, digits and hyphens, in lower case.")
    return False


async def load_categories(run: Run) -> None:
    """Write the categories and the tree that they make, and remember all of them by slug."""
    await tree.lock(run.sql, run.store.id)
    sheet, texts = Sheet(CATEGORIES), Sheet(CATEGORY_TEXTS)
    await sheet.read(run.sql, "store_id = $1 AND deleted_at IS NULL", run.store.id)
    await texts.read(run.sql, "category_id IN (SELECT id FROM categories WHERE store_id = $1)", run.store.id)
    seen: dict[str, str] = {}
    for number, given in enumerate(run.document.categories):
        here = f"/categories/{number}"
        if check_slug(run, f"{here}/slug", given.slug) and run.is_new(f"{here}/slug", seen, given.slug):
            _put_category(run, here, given, sheet, texts)
    _put_parents(run, sheet)
    created = [row["slug"] for row in sheet.new_rows]
    await run.write([("categories", sheet), ("category texts", texts)])
    run.categories = {row["slug"]: row["id"] for row in sheet.rows.values()}
    if not run.faults:
        await slugs.unshadow(run.sql, "category", run.store.id, created)
        run.touched.update(await tree.products_under(run.sql, await tree.rebuild(run.sql, run.store.id)))


def _put_category(run: Run, here: str, given: Category, sheet: Sheet, texts: Sheet) -> None:
    run.need(f"{here}/name", sheet.find(given.slug) is None, given.name)
    run.check_locales(f"{here}/translations", given.translations)
    fields = {name: _plain(getattr(given, name)) for name in ("name", "position", "description", "is_active", "seo")}
    category_id = sheet.put((given.slug,), {"store_id": run.store.id, **fields})
    for locale, text in (given.translations or {}).items():
        texts.put((category_id, locale), {"name": text.name, "description": text.description})


def _put_parents(run: Run, sheet: Sheet) -> None:
    """When all are known, so that a child may stand before its parent in the document."""
    for number, given in enumerate(run.document.categories):
        row = sheet.find(given.slug)
        if given.parent is UNSET or row is None:
            continue
        parent = sheet.find(given.parent) if given.parent is not None else None
        if given.parent is not None and parent is None:
            run.faults.add(f"/categories/{number}/parent", "unknown", "There is no such category.")
        sheet.change(row, {"parent_id": parent["id"] if parent else None})
    parents: Parents = {row["id"]: row["parent_id"] for row in sheet.rows.values()}
    sheet.arrange(lambda row: len(_ancestors(row["id"], parents)))
    for number, given in enumerate(run.document.categories):
        row = sheet.find(given.slug)
        if row is not None and _stands_under_itself(row["id"], parents):
            run.faults.add(f"/categories/{number}/parent", "category_cycle", "A category cannot stand under itself.")


def _stands_under_itself(category: UUID, parents: Parents) -> bool:
    return category in _ancestors(category, parents)


def _ancestors(category: UUID, parents: Parents) -> list[UUID]:
    """From its parent upwards; in a circle each once."""
    found: list[UUID] = []
    current = parents.get(category)
    while current is not None and current not in found:
        found.append(current)
        current = parents.get(current)
    return found
