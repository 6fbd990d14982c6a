"""Numbers, lists and words for people; one document in and out of the database."""

import asyncio
from typing import Any

import msgspec
import pytest

from shopkit.core.checkout import staff
from shopkit.core.orders import queries
from shopkit.core.orders.numbers import Numbers, written
from shopkit.core.orders.settings import OrderSettings
from shopkit.core.orders.states import display_status


@pytest.mark.parametrize(
    ("status", "payment", "fulfillment", "shown"),
    [
        ("pending", "unpaid", "unfulfilled", "pending"),
        ("confirmed", "unpaid", "unfulfilled", "confirmed"),
        ("pending", "paid", "unfulfilled", "paid"),
        ("confirmed", "overpaid", "unfulfilled", "paid"),
        ("processing", "paid", "unfulfilled", "processing"),
        ("processing", "unpaid", "shipped", "shipped"),
        ("processing", "unpaid", "delivered", "delivered"),
        ("completed", "paid", "delivered", "completed"),
        ("completed", "paid", "returned", "returned"),
        ("completed", "partially_refunded", "delivered", "partially_refunded"),
        ("completed", "refunded", "returned", "refunded"),
        ("cancelled", "refunded", "returned", "cancelled"),
    ],
)
def test_people_see_the_one_word_that_matters_most(status: str, payment: str, fulfillment: str, shown: str) -> None:
    assert display_status(status, payment, fulfillment) == shown


async def test_numbers_taken_at_once_are_all_different(make: Any) -> None:
    processes = [Numbers(make.shop.db), Numbers(make.shop.db)]
    taken = await asyncio.gather(*(processes[n % 2].take(make.scope) for n in range(100)))
    assert len(set(taken)) == 100
    assert min(taken) == 1001


async def test_each_store_counts_for_itself(make: Any) -> None:
    numbers = Numbers(make.shop.db)
    second = await make.store("second")
    assert [await numbers.take(scope) for scope in (make.scope, second.scope, make.scope)] == [1001, 1001, 1002]


def test_numbers_are_written_as_the_store_wants_them() -> None:
    assert written(1001, OrderSettings()) == "1001"
    assert written(1001, OrderSettings(number_prefix="BD-")) == "BD-1001"
    assert len({written(1001, OrderSettings(number_style="random")) for _ in range(100)}) == 100


async def test_what_was_placed_is_what_is_read(make: Any, making: Any) -> None:
    placed = await make.order(
        (await make.product(compare_at=200_00), 2),
        note="Ring twice",
        billing_address=making.address(line1="Office"),
    )
    read = await make.read_order(placed.number)
    times = [step.created_at for step in read.history]
    assert times == sorted(times)
    # Only the database knows when each step was written.
    assert [msgspec.structs.replace(step, created_at=None) for step in read.history] == placed.history
    for name in placed.__struct_fields__:
        if name != "history":
            assert getattr(read, name) == getattr(placed, name), name


async def test_staff_see_the_newest_first_and_drafts_only_when_asked(make: Any, making: Any) -> None:
    numbers = [(await make.order()).number for _ in range(3)]
    other = await make.order(contact=making.contact(phone="01812345678"))
    await make.staff(staff.confirm, numbers[0])
    await make.sql("UPDATE orders SET status = 'draft', placed_at = NULL WHERE number = $1", numbers[1])
    async with make.shop.uow(make.scope) as uow:
        listed = [row["number"] for row in await queries.newest(uow)]
        assert listed == [other.number, numbers[2], numbers[0]]
        assert [row["number"] for row in await queries.newest(uow, status="draft")] == [numbers[1]]
        assert [row["number"] for row in await queries.newest(uow, status="confirmed")] == [numbers[0]]
        assert [row["number"] for row in await queries.newest(uow, phone="+8801812345678")] == [other.number]
        assert len(await queries.newest(uow, limit=1)) == 1
