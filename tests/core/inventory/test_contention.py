"""Many at once on the same stock: nothing is sold twice, nothing stays unsold, nobody waits for a deadlock."""

import asyncio
import random
import time
from collections import Counter
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from shopkit.core.cart.service import LineInput
from shopkit.core.checkout import queries
from shopkit.core.inventory import service as inventory
from shopkit.core.inventory.errors import OutOfStock
from shopkit.core.inventory.service import Owner

DEADLOCK_SECONDS = 1.0
"""What one deadlock costs everybody (`deadlock_timeout`)."""


async def attempt(warehouse: Any, owner: Owner, demand: dict[UUID, int], **options: Any) -> str:
    """Reserve in a transaction of its own, once; how it ended."""
    try:
        async with warehouse.uow() as uow:
            await inventory.reserve(uow, owner, demand, **options)
    except OutOfStock:
        return "out_of_stock"
    except asyncpg.PostgresError as error:
        return type(error).__name__
    return "held"


async def orders(warehouse: Any, count: int) -> list[Owner]:
    return [Owner(order_id=await warehouse.order()) for _ in range(count)]


@pytest.mark.parametrize("is_likely", [True, False])
async def test_i5_of_many_at_once_exactly_as_many_get_a_unit_as_there_are(warehouse: Any, is_likely: bool) -> None:
    variant = await warehouse.variant(7)
    likely = {variant: await warehouse.stock_id(variant)} if is_likely else None
    owners = await orders(warehouse, 25)
    ends = await asyncio.gather(*(attempt(warehouse, owner, {variant: 1}, likely=likely) for owner in owners))
    assert Counter(ends) == {"held": 7, "out_of_stock": 18}
    assert await warehouse.levels(variant) == {"main": (7, 7)}


async def test_i5_unequal_wishes_leave_less_than_the_smallest_refused(warehouse: Any) -> None:
    variant = await warehouse.variant(23)
    owners = await orders(warehouse, 20)
    wishes = [1 + place % 4 for place in range(20)]
    ends = await asyncio.gather(
        *(attempt(warehouse, owner, {variant: wish}) for owner, wish in zip(owners, wishes, strict=True))
    )
    assert set(ends) == {"held", "out_of_stock"}
    (_, reserved), *_ = (await warehouse.levels(variant)).values()
    assert reserved == sum(wish for wish, end in zip(wishes, ends, strict=True) if end == "held")
    assert 23 - reserved < min(wish for wish, end in zip(wishes, ends, strict=True) if end == "out_of_stock")


async def test_i5_a_lock_that_is_busy_is_no_reason_to_refuse(warehouse: Any) -> None:
    variant = await warehouse.variant(1)
    first, second = await orders(warehouse, 2)
    async with warehouse.uow() as uow:
        await inventory.reserve(uow, first, {variant: 1})
        waiting = asyncio.create_task(attempt(warehouse, second, {variant: 1}))
        await asyncio.sleep(0.2)
        assert not waiting.done(), "it waits for the end of the other transaction"
        await inventory.release(uow, first)
    assert await waiting == "held"


async def test_i5_the_last_units_of_two_locations_are_all_sold_without_a_deadlock(warehouse: Any) -> None:
    """The preferred location's row is not the first in lock order: who waits for it in vain must not hold up others."""
    variant = await warehouse.variant(30)
    await warehouse.open_second(priority=1)
    await warehouse.make.stock(variant, 30, location_id=warehouse.second)

    async def buy(owner: Owner) -> str:
        async with warehouse.uow() as uow:
            read = await queries.of_lines(uow, [LineInput(variant_id=variant, quantity=1)])
        likely = {variant: found} if (found := read.lines[0].likely_stock_id) else None
        return await attempt(warehouse, owner, {variant: 1}, likely=likely)

    ends = await asyncio.gather(*(buy(owner) for owner in await orders(warehouse, 100)))
    assert Counter(ends) == {"held": 60, "out_of_stock": 40}


async def test_i7_overdue_holds_go_to_as_many_as_there_are_units(warehouse: Any) -> None:
    """No worker runs; every refusal sweeps first, and none of them sweeps what another has freed already."""
    variant = await warehouse.variant(6)
    for _ in range(6):
        async with warehouse.uow() as uow:
            await inventory.hold_for_cart(uow, await warehouse.cart(), {variant: 1}, seconds=900)
    await warehouse.overdue()
    owners = await orders(warehouse, 15)
    likely = {variant: await warehouse.stock_id(variant)}
    ends = await asyncio.gather(*(attempt(warehouse, owner, {variant: 1}, likely=likely) for owner in owners))
    assert Counter(ends) == {"held": 6, "out_of_stock": 9}
    assert Counter(await warehouse.holds()) == {("expired", 1): 6, ("active", 1): 6}


async def test_three_of_twenty_hot_variants_at_once_meet_no_deadlock(warehouse: Any) -> None:
    variants = [await warehouse.variant(1000) for _ in range(20)]
    chance = random.Random(3)
    wishes = [dict.fromkeys(chance.sample(variants, 3), 1) for _ in range(60)]
    owners = await orders(warehouse, len(wishes))
    begun = time.monotonic()
    ends = await asyncio.gather(*(attempt(warehouse, owner, wish) for owner, wish in zip(owners, wishes, strict=True)))
    assert Counter(ends) == {"held": 60}
    assert time.monotonic() - begun < DEADLOCK_SECONDS * 3


async def test_orders_that_end_and_orders_that_begin_meet_no_deadlock(warehouse: Any) -> None:
    variants = [await warehouse.variant(1000) for _ in range(8)]
    chance = random.Random(5)
    old = await orders(warehouse, 30)
    for owner in old:
        await attempt(warehouse, owner, dict.fromkeys(chance.sample(variants, 4), 1))
    new = await orders(warehouse, 30)

    async def end(owner: Owner) -> str:
        async with warehouse.uow() as uow:
            if chance.random() < 0.5:
                await inventory.release(uow, owner)
            else:
                assert owner.order_id is not None
                await inventory.consume(uow, owner.order_id)
        return "ended"

    async def begin(owner: Owner) -> str:
        return await attempt(warehouse, owner, dict.fromkeys(chance.sample(variants, 4), 1))

    ends = await asyncio.gather(
        *(work(owner) for pair in zip(old, new, strict=True) for work, owner in zip((end, begin), pair, strict=True))
    )
    assert Counter(ends) == {"ended": 30, "held": 30}


async def test_carts_that_change_what_they_hold_meet_no_deadlock(warehouse: Any) -> None:
    """What a cart holds and what it wants are locked together, in one order."""
    variants = [await warehouse.variant(1000) for _ in range(6)]
    carts = [await warehouse.cart() for _ in range(12)]
    chance = random.Random(7)

    async def wander(cart_id: UUID) -> None:
        for _ in range(6):
            demand = {variant: chance.randint(1, 3) for variant in chance.sample(variants, 2)}
            async with warehouse.uow() as uow:
                await inventory.hold_for_cart(uow, cart_id, demand, seconds=900)

    await asyncio.gather(*map(wander, carts))
    held = await warehouse.sql("SELECT count(*) FROM inventory_reservations WHERE status = 'active'")
    assert held[0][0] == 24


async def test_i6_two_workers_at_once_move_the_counters_once(warehouse: Any) -> None:
    variants = [await warehouse.variant(10) for _ in range(5)]
    for _ in range(8):
        async with warehouse.uow() as uow:
            await inventory.hold_for_cart(uow, await warehouse.cart(), dict.fromkeys(variants, 1), seconds=900)
    await warehouse.overdue()

    async def work() -> int:
        async with warehouse.uow() as uow:
            return await inventory.expire_holds(uow)

    counts = await asyncio.gather(*(work() for _ in range(4)))
    assert sum(counts) == 40
    for variant in variants:
        assert await warehouse.levels(variant) == {"main": (10, 0)}


async def test_i6_a_sale_and_a_release_of_the_same_holds_give_one_end(warehouse: Any) -> None:
    variant = await warehouse.variant(10)
    owners = await orders(warehouse, 10)
    for owner in owners:
        await attempt(warehouse, owner, {variant: 1})

    async def release(owner: Owner) -> int:
        async with warehouse.uow() as uow:
            return await inventory.release(uow, owner)

    async def consume(owner: Owner) -> int:
        assert owner.order_id is not None
        async with warehouse.uow() as uow:
            return await inventory.consume(uow, owner.order_id)

    counts = await asyncio.gather(*(end(owner) for owner in owners for end in (release, consume, release)))
    assert sum(counts) == 10
    ends = Counter(await warehouse.holds())
    assert await warehouse.levels(variant) == {"main": (10 - ends["consumed", 1], 0)}


async def test_two_first_counts_at_once_do_not_add_up(warehouse: Any) -> None:
    variant = await warehouse.variant()

    async def count() -> int:
        async with warehouse.uow() as uow:
            return await inventory.adjust(uow, variant, to=10, reason="count")

    assert await asyncio.gather(*(count() for _ in range(6))) == [10] * 6
    assert await warehouse.levels(variant) == {"main": (10, 0)}
