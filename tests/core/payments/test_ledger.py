"""The ledger of money: one row per thing that happened, for ever; the order's payment axis is its sum."""

import asyncio
from typing import Any

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopkit.core.checkout import staff
from shopkit.core.orders import service as orders
from shopkit.core.payments import service as payments
from shopkit.core.payments.states import payment_status


@pytest.mark.parametrize(
    ("captured", "refunded", "has_open", "is_cancelled", "status"),
    [
        (0, 0, False, False, "unpaid"),
        (0, 0, True, False, "pending"),
        (0, 0, False, True, "voided"),
        (99, 0, False, False, "partially_paid"),
        (100, 0, False, False, "paid"),
        (101, 0, False, False, "overpaid"),
        (100, 40, False, False, "partially_refunded"),
        (100, 100, False, True, "refunded"),
    ],
)
def test_the_payment_axis_is_derived_from_sums(
    captured: int, refunded: int, has_open: bool, is_cancelled: bool, status: str
) -> None:
    found = payment_status(
        total=100, captured=captured, refunded=refunded, has_open=has_open, is_cancelled=is_cancelled
    )
    assert found == status


@given(total=st.integers(0, 10**15), captured=st.integers(0, 10**15), refunded=st.integers(0, 10**15))
def test_paid_means_exactly_the_total(total: int, captured: int, refunded: int) -> None:
    status = payment_status(total=total, captured=captured, refunded=refunded, has_open=False, is_cancelled=False)
    assert (status == "paid") == (captured == total and not refunded)


async def test_a_providers_transaction_is_posted_once_however_often_it_is_heard(make: Any) -> None:
    order = await make.order()

    async def hear() -> bool:
        async with make.shop.uow(make.scope) as uow:
            row = await orders.lock(uow, order.number)
            payment = (await payments.lock(uow, row.id))[0]
            is_new = await payments.post(uow, row.id, payment, "collect", "receipt-7")
            await payments.derive_status(uow, row)
            return is_new

    assert sorted(await asyncio.gather(*(hear() for _ in range(5)))) == [False] * 4 + [True]
    assert await make.value("SELECT count(*) FROM payment_transactions") == 1
    assert (await make.read_order(order.number)).payment_status == "paid"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE payment_transactions SET amount = 1",
        "DELETE FROM payment_transactions",
        "UPDATE order_status_history SET to_status = 'completed'",
        "DELETE FROM order_status_history",
        "UPDATE inventory_transactions SET stock_delta = 1",
        "DELETE FROM inventory_transactions",
        "TRUNCATE payment_transactions",
    ],
)
async def test_nobody_who_serves_can_change_a_ledger(make: Any, statement: str) -> None:
    order = await make.order()
    await make.staff(staff.collect, order.number)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await make.sql(statement)


async def test_cash_is_collected_once_by_whoever_is_first(make: Any) -> None:
    order = await make.order()
    results = await asyncio.gather(*(make.staff(staff.collect, order.number) for _ in range(4)), return_exceptions=True)
    assert sum(not isinstance(result, Exception) for result in results) == 1
    assert await make.value("SELECT sum(amount) FROM payment_transactions") == order.total
