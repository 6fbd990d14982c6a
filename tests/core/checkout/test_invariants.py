"""Each question finds the row that breaks its promise, and none finds anything in a shop that was only used."""

from typing import Any

import asyncpg
import pytest

from shopkit.core.checkout import invariants, staff
from shopkit.core.kernel import roles

BROKEN = {
    "a hold that nobody counted": ("UPDATE inventory_stocks SET reserved = reserved - 1", {"I2", "I6"}),
    "units from nowhere": ("UPDATE inventory_stocks SET stock = stock + 1", {"I3"}),
    "a ledger row less": ("DELETE FROM inventory_transactions WHERE type = 'restock'", {"I3"}),
    "a hold that ended by itself": (
        "UPDATE inventory_reservations SET status = 'released' WHERE status = 'active'",
        {"I2", "I4", "I6"},
    ),
    "half an order": (
        "UPDATE inventory_reservations SET quantity = quantity + 1 WHERE status = 'active'",
        {"I2", "I4"},
    ),
    "a hold left behind": ("UPDATE orders SET status = 'cancelled' WHERE status = 'pending'", {"I4", "I22"}),
    "goods that left without a sale": (
        "UPDATE inventory_reservations SET status = 'active', ended_at = NULL WHERE status = 'consumed'",
        {"I2", "I6"},
    ),
    "shipping that nobody pays": ("UPDATE order_items SET tax_included = tax_included + 1", {"I10"}),
    "money beyond the asking": ("UPDATE payment_transactions SET amount = amount + 1", {"I12", "I22"}),
    "a step that was not written down": (
        "UPDATE orders SET status = 'completed' WHERE status = 'pending'",
        {"I22"},
    ),
    "a history with a hole": (
        "DELETE FROM order_status_history WHERE axis = 'order' AND to_status = 'confirmed'",
        {"I22"},
    ),
    "a step that is not drawn": (
        "UPDATE order_status_history SET from_status = 'draft' WHERE axis = 'order' AND to_status = 'confirmed'",
        {"I22"},
    ),
    "an order that lost its cart": ("UPDATE orders SET cart_id = NULL", {"I19"}),
    "an order without a number": ("UPDATE orders SET number = '' WHERE status = 'pending'", {"I21"}),
}


@pytest.fixture
async def used(make: Any, buyer: Any) -> Any:
    """A shop with an order that waits, one that was delivered and paid, one that was cancelled, and a cart."""
    product, other = await make.product(stock=9), await make.product(stock=9)
    cart = await _cart_order(make, buyer, product)
    assert cart["status"] == "pending"
    sent = await make.order((product, 2), other)
    for step in (staff.confirm, staff.hand_over, staff.deliver, staff.collect):
        await make.staff(step, sent.number)
    given_up = await make.order((other, 2))
    await make.staff(staff.cancel, given_up.number, "no answer")
    await make.settings({"inventory.hold_on_add": True})
    await buyer.open((other, 3))
    return make


async def _cart_order(make: Any, buyer: Any, product: Any) -> dict[str, Any]:
    await make.shipping()
    cart = await buyer.ready((product, 3))
    answer = await buyer.complete(cart["totals"]["total"])
    assert answer.status_code == 201, answer.text
    return answer.json()["order"]


async def test_a_shop_that_was_only_used_breaks_nothing(used: Any) -> None:
    async with used.shop.uow(used.scope) as uow:
        assert await invariants.violations(uow.sql) == []


@pytest.mark.parametrize("name", BROKEN)
async def test_what_is_broken_is_found(used: Any, owner: asyncpg.Connection, name: str) -> None:
    statement, expected = BROKEN[name]
    joint = "AND" if " WHERE " in statement else "WHERE"
    transaction = owner.transaction()
    await transaction.start()
    try:
        done = await owner.execute(f"{statement} {joint} tenant_id = $1", used.scope.tenant_id)
        assert not done.endswith(" 0"), "the test broke nothing"
        found = [each for each in await invariants.violations(owner) if each.tenant_id == used.scope.tenant_id]
    finally:
        await transaction.rollback()
    assert {each.invariant for each in found} == expected, found


async def test_i17_a_right_to_change_a_ledger_is_found(used: Any, owner: asyncpg.Connection) -> None:
    transaction = owner.transaction()
    await transaction.start()
    try:
        await owner.execute(f"GRANT UPDATE ON payment_transactions TO {roles.APP}")
        found = [each.found for each in await invariants.violations(owner) if each.invariant == "I17"]
    finally:
        await transaction.rollback()
    assert found == [f"{roles.APP} may UPDATE payment_transactions"]


def test_every_question_has_an_id_and_a_meaning() -> None:
    assert all(each.id.startswith("I") and each.meaning.endswith(".") for each in invariants.INVARIANTS)
