"""Many at once on the same stock: nothing is sold twice, nothing stays unsold, nobody waits for a deadlock."""

import asyncio
import random
import time
from collections import Counter
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from shopkit.core.inventory import service as inventory
from shopkit.core.inventory.errors import OutOfStock
from shopkit.core.inventory.service import Owner


async def attempt(warehouse: Any, owner: Owner, demand: dict[UUID, int], **options: Any) -> str:
    """Reserve in a transaction of its own; how it ended."""
    try:
        async with warehouse.shop.uow(warehouse.scope) as uow:
            await inventory.reserve(uow, owner, demand, **options)
    except OutOfStock:
        return "out_of_stock"
    except asyncpg.PostgresError as error:
        return type(error).__name__
    return "held"


@pytest.mark.parametrize("is_likely", [True, False])
async def test_i5_of_many_at_once_exactly_as_many_get_a_unit_as_there_are(warehouse: Any, is_likely: bool) -> None:
    skus = await warehouse.stock({"A": 7})
    likely = {skus["A"]: await warehouse.stock_id(skus["A"])} if is_likely else None
    orders = await warehouse.orders(25)
    ends = await asyncio.gather(
        *(attempt(warehouse, Owner(order_id=order), {skus["A"]: 1}, likely=likely) for order in orders)
    )
    assert Counter(ends) == {"held": 7, "out_of_stock": 18}
    assert await warehouse.levels(skus["A"]) == {"main": (7, 7)}
    await warehouse.check()


async def test_i5_the_last_units_of_two_locations_are_all_sold(warehouse: Any) -> None:
    """Whoever waits in vain for one row must not be in the way of those who lock both in order."""
    for round_ in range(3):
        sku = f"A{round_}"
        skus = await warehouse.stock({sku: {"main": 30, "second": 30}})
        variant = skus[sku]
        # The row with the larger id is the preferred one: the order of preference is not the order of locks.
        ids = sorted([await warehouse.stock_id(variant, "main"), await warehouse.stock_id(variant, "second")])
        orders = await warehouse.orders(100)
        begun = time.monotonic()
        ends = await asyncio.gather(
            *(attempt(warehouse, Owner(order_id=order), {variant: 1}, likely={variant: ids[1]}) for order in orders)
        )
        assert Counter(ends) == {"held": 60, "out_of_stock": 40}
        assert time.monotonic() - begun < 99, "somebody waited for the deadlock detector"
    await warehouse.check()
