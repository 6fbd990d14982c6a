"""The setting that holds stock when something is put into a cart (`states.md` 5.2): on, extended, freed, re-pointed."""

from typing import Any

import pytest

from shopkit.core.checkout.invariants import violations
from shopkit.core.inventory import service as inventory


@pytest.fixture
async def held(make: Any) -> Any:
    """The store holds for fifteen minutes; afterwards every promise that a query can ask holds too."""
    await make.settings({"inventory.hold_on_add": True})
    await make.shipping()
    yield
    async with make.shop.uow(make.scope) as uow:
        assert await violations(uow.sql) == []


async def holds(make: Any) -> list[tuple[str, int]]:
    rows = await make.sql("SELECT status, quantity FROM inventory_reservations ORDER BY created_at, id")
    return [(row["status"], row["quantity"]) for row in rows]


async def active(make: Any) -> int:
    return await make.value("SELECT coalesce(sum(quantity), 0) FROM inventory_reservations WHERE status = 'active'")


async def overdue(make: Any) -> None:
    await make.sql("UPDATE inventory_reservations SET expires_at = now() - interval '1 second' WHERE status = 'active'")


async def test_by_default_nothing_is_held_before_the_order(make: Any, buyer: Any) -> None:
    cap = await make.product(stock=2)
    await buyer.open((cap, 2))
    assert await make.levels(cap.variant) == [(2, 0)]


async def test_what_is_added_is_held_and_nobody_else_gets_it(
    make: Any, making: Any, client: Any, buyer: Any, held: Any
) -> None:
    cap = await make.product(stock=3)
    await buyer.open((cap, 2))
    assert await make.levels(cap.variant) == [(3, 2)]
    other = making.Buyer(client)
    await other.open()
    assert (await other.add(cap, 2)).json()["available"] == 1
    assert (await buyer.add(cap, 1)).status_code == 200, "its own hold does not stand in its way"
    assert await make.levels(cap.variant) == [(3, 3)]
    refused = await other.quick(making.quick_body(cap))
    assert (refused.status_code, refused.json()["available"]) == (409, 0)


async def test_activity_extends_the_hold(make: Any, buyer: Any, held: Any) -> None:
    cap = await make.product(stock=3)
    await buyer.open((cap, 2))
    await make.sql("UPDATE inventory_reservations SET expires_at = now() + interval '1 minute'")
    await buyer.change(note="still here")
    assert await active(make) == 2
    assert await make.value(
        "SELECT min(expires_at) > now() + interval '14 minutes' FROM inventory_reservations WHERE status = 'active'"
    )


async def test_a_changed_or_removed_line_changes_or_frees_the_hold(make: Any, buyer: Any, held: Any) -> None:
    cap = await make.product(stock=3)
    cart = await buyer.open((cap, 3))
    line = f"{buyer.at}/items/{cart['items'][0]['id']}"
    await buyer.call("PATCH", line, json={"quantity": 1}, headers=buyer.token)
    assert await make.levels(cap.variant) == [(3, 1)]
    await buyer.call("DELETE", line, headers=buyer.token)
    assert await make.levels(cap.variant) == [(3, 0)]
    assert "active" not in [status for status, _ in await holds(make)]


async def test_an_expired_hold_frees_stock_with_no_worker_running(
    make: Any, making: Any, client: Any, buyer: Any, held: Any
) -> None:
    cap = await make.product(stock=2)
    await buyer.open((cap, 2))
    await overdue(make)
    other = making.Buyer(client)
    await other.open()
    assert (await other.add(cap, 2)).status_code == 200
    assert sorted(await holds(make)) == [("active", 2), ("expired", 2)]


async def test_an_expired_hold_does_not_stand_in_the_way_of_an_order(
    make: Any, making: Any, buyer: Any, held: Any
) -> None:
    cap, hat = await make.product(stock=1), await make.product(stock=1)
    await buyer.open(cap, hat)
    await overdue(make)
    assert (await buyer.quick(making.quick_body(cap, hat))).status_code == 201


async def test_the_worker_frees_overdue_holds_and_only_those(make: Any, buyer: Any, held: Any) -> None:
    cap, hat = await make.product(stock=2), await make.product(stock=2)
    await buyer.open(cap)
    await overdue(make)
    await buyer.open(hat)
    async with make.shop.uow(make.scope) as uow:
        assert await inventory.expire_holds(uow) == 1
        assert await inventory.expire_holds(uow) == 0
    assert await make.levels(cap.variant, hat.variant) == [(2, 0), (2, 1)]


async def test_placing_the_order_takes_the_hold_over_without_moving_a_counter(make: Any, buyer: Any, held: Any) -> None:
    cap = await make.product(stock=3)
    shown = await buyer.ready((cap, 2))
    ledger = await make.value("SELECT count(*) FROM inventory_transactions")
    placed = await buyer.complete(shown["totals"]["total"])
    assert placed.status_code == 201
    assert await make.value("SELECT count(*) FROM inventory_transactions") == ledger
    assert await make.levels(cap.variant) == [(3, 2)]
    row = (await make.sql("SELECT order_id, cart_id, expires_at FROM inventory_reservations WHERE status = 'active'"))[
        0
    ]
    assert (str(row["order_id"]), row["cart_id"], row["expires_at"]) == (placed.json()["order"]["id"], None, None)


@pytest.mark.parametrize("is_swept", [False, True])
async def test_a_hold_that_ran_out_is_taken_anew_while_there_is_stock(
    make: Any, buyer: Any, held: Any, is_swept: bool
) -> None:
    cap = await make.product(stock=3)
    shown = await buyer.ready((cap, 2))
    await overdue(make)
    if is_swept:
        async with make.shop.uow(make.scope) as uow:
            await inventory.expire_holds(uow)
    assert (await buyer.complete(shown["totals"]["total"])).status_code == 201
    assert await make.levels(cap.variant) == [(3, 2)]


async def test_a_hold_that_ran_out_is_refused_when_somebody_else_has_the_stock(
    make: Any, making: Any, buyer: Any, held: Any
) -> None:
    cap = await make.product(stock=2)
    shown = await buyer.ready((cap, 2))
    await overdue(make)
    await make.order(cap)
    refused = await buyer.complete(shown["totals"]["total"])
    assert (refused.status_code, refused.json()["code"], refused.json()["available"]) == (409, "out_of_stock", 1)
    assert await make.levels(cap.variant) == [(2, 1)]


async def test_a_hold_for_another_quantity_is_replaced_at_placement(make: Any, buyer: Any, held: Any) -> None:
    cap, hat = await make.product(stock=5), await make.product(stock=5)
    shown = await buyer.ready((cap, 2), hat)
    await make.sql("UPDATE cart_items SET quantity = 3 WHERE variant_id = $1", cap.variant)
    total = (await buyer.show()).json()["totals"]["total"]
    assert total["amount"] == shown["totals"]["total"]["amount"] + 100_00
    assert (await buyer.complete(total)).status_code == 201
    assert await make.levels(cap.variant, hat.variant) == [(5, 3), (5, 1)]


async def test_holds_that_were_made_before_the_setting_was_switched_off_end_with_the_order(
    make: Any, buyer: Any, held: Any
) -> None:
    cap = await make.product(stock=4)
    shown = await buyer.ready((cap, 2))
    await make.settings({"inventory.hold_on_add": False})
    assert (await buyer.complete(shown["totals"]["total"])).status_code == 201
    assert await make.levels(cap.variant) == [(4, 2)], "the cart's own hold is not left beside the order's (I4)"
