"""The category tree: paths follow parents, lists follow paths."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest

from shopkit.bootstrap import Shop
from shopkit.core.catalog import categories, service
from shopkit.core.catalog.errors import CategoryCycle, SlugTaken
from shopkit.core.catalog.schemas import CategoryChange, NewCategory, Texts
from shopkit.core.kernel.scope import Scope
from shopkit.core.kernel.uow import Uow
from shopkit.sdk.errors import NotFound

Maker = Callable[..., Awaitable[UUID]]


async def make(uow: Uow, name: str, parent: UUID | None = None) -> UUID:
    fields: dict[str, Any] = {"name": name, "parent_id": parent}
    return await categories.create_category(uow, NewCategory(**fields))


async def path(uow: Uow, category: UUID) -> list[UUID]:
    found = await uow.sql.fetchval("SELECT path FROM categories WHERE id = $1", category)
    return [UUID(step) for step in found]


async def listed_in(uow: Uow) -> set[UUID]:
    return {row["category_id"] for row in await uow.sql.fetch("SELECT category_id FROM category_listings")}


async def test_a_path_leads_from_the_root_to_the_category(uow: Uow) -> None:
    a = await make(uow, "A")
    b = await make(uow, "B", a)
    c = await make(uow, "C", b)
    assert await path(uow, c) == [a, b, c]
    assert await uow.sql.fetchval("SELECT depth FROM categories WHERE id = $1", c) == 2


async def test_a_move_takes_all_below_and_their_lists_along(uow: Uow, make_product: Maker) -> None:
    a, x = await make(uow, "A"), await make(uow, "X")
    b = await make(uow, "B", a)
    c = await make(uow, "C", b)
    product = await make_product(category_ids=[c])
    await service.publish(uow, product)
    assert await listed_in(uow) == {a, b, c}
    await categories.move_category(uow, b, x)
    assert await path(uow, c) == [x, b, c]
    assert await listed_in(uow) == {x, b, c}
    await categories.move_category(uow, b, None)
    assert await listed_in(uow) == {b, c}


async def test_no_category_stands_under_itself(uow: Uow) -> None:
    a = await make(uow, "A")
    b = await make(uow, "B", a)
    for parent in (a, b):
        with pytest.raises(CategoryCycle):
            await categories.move_category(uow, a, parent)


async def test_deleting_a_parent_moves_its_children_to_the_root(uow: Uow, make_product: Maker) -> None:
    a = await make(uow, "A")
    b, c = await make(uow, "B", a), await make(uow, "C", a)
    d = await make(uow, "D", b)
    product = await make_product(category_ids=[a, d])
    await service.publish(uow, product)
    assert await categories.delete_category(uow, a) == 2
    assert await path(uow, d) == [b, d]
    assert await path(uow, c) == [c]
    assert await listed_in(uow) == {b, d}
    assert await uow.sql.fetchval("SELECT category_id FROM product_categories WHERE is_primary") == d
    with pytest.raises(NotFound):
        await categories.move_category(uow, b, a)


async def test_two_moves_at_once_make_no_circle(shop: Shop, scope: Scope) -> None:
    async with shop.uow(scope) as uow:
        a, b = await make(uow, "A"), await make(uow, "B")

    async def move(category: UUID, parent: UUID) -> None:
        async with shop.uow(scope) as uow:
            await categories.move_category(uow, category, parent)

    outcomes = await asyncio.gather(move(a, b), move(b, a), return_exceptions=True)
    assert sorted(type(outcome) for outcome in outcomes if outcome) == [CategoryCycle]
    async with shop.uow(scope) as uow:
        assert {len(await path(uow, a)), len(await path(uow, b))} == {1, 2}


async def test_a_changed_slug_leads_on_and_a_taken_one_is_refused(uow: Uow) -> None:
    a, b = await make(uow, "A"), await make(uow, "B")
    await categories.change_category(uow, a, CategoryChange(slug="alpha", name="Alpha"))
    redirect = await uow.sql.fetchrow("SELECT slug, target_id FROM slug_redirects WHERE kind = 'category'")
    assert tuple(redirect) == ("a", a)
    async with uow.savepoint():
        with pytest.raises(SlugTaken):
            async with uow.savepoint():
                await categories.change_category(uow, b, CategoryChange(slug="alpha"))
    assert await make(uow, "A")
    assert await uow.sql.fetchval("SELECT count(*) FROM slug_redirects") == 0


async def test_equal_names_get_different_slugs(uow: Uow) -> None:
    for _ in range(2):
        await make(uow, "শাড়ি")
    rows = await uow.sql.fetch("SELECT slug FROM categories ORDER BY length(slug)")
    assert [row["slug"].rpartition("-")[2] for row in rows][1] == "2"


async def test_texts_in_another_language_are_replaced(uow: Uow) -> None:
    a = await make(uow, "A")
    for name in ("ক", "খ"):
        await categories.translate_category(uow, a, "bn", Texts(name=name))
    assert await uow.sql.fetchval("SELECT name FROM category_translations") == "খ"
