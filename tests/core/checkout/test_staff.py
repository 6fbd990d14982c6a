"""What staff do with an order: each step with its history and fact, in the order that is drawn and in no other."""

import asyncio
from typing import Any

import pytest

from shopkit.core.checkout import staff
from shopkit.core.checkout.invariants import violations
from shopkit.core.kernel.states import IllegalTransition
from shopkit.core.orders import service as orders
from shopkit.core.orders.errors import GoodsLeft, MoneyTaken, OrderNotFound, OrderOnHold
from shopkit.core.payments.errors import NoSuchPayment
from shopkit.core.shipping.errors import NothingToShip

STEPS = {
    "confirm": staff.confirm,
    "hand_over": staff.hand_over,
    "deliver": staff.deliver,
    "collect": staff.collect,
    "cancel": staff.cancel,
}


async def walk(make: Any, number: str, *steps: str) -> Any:
    order = None
    for step in steps:
        order = await make.staff(STEPS[step], number, *(["no answer"] if step == "cancel" else []))
    return order


async def topics(make: Any) -> list[str]:
    return [row["topic"] for row in await make.sql("SELECT topic FROM outbox_events ORDER BY position")]


async def everything_of(make: Any, number: str) -> Any:
    """All that a refused step must leave alone."""
    order = await make.read_order(number)
    return order, await topics(make), await make.counts(), await make.levels(order.items[0].variant_id)


@pytest.fixture
async def promises(make: Any) -> Any:
    """After the test every promise that a query can ask still holds, replayed histories included."""
    yield
    async with make.shop.uow(make.scope) as uow:
        assert await violations(uow.sql) == []


@pytest.mark.parametrize("last", [("deliver", "collect"), ("collect", "deliver")])
async def test_an_order_is_complete_when_delivered_and_paid_in_either_order(
    make: Any, promises: Any, last: tuple[str, str]
) -> None:
    product = await make.product(stock=5)
    order = await make.order((product, 2))
    confirmed = await walk(make, order.number, "confirm")
    assert (confirmed.status, confirmed.confirmed_at is not None) == ("confirmed", True)
    assert await make.levels(product.variant) == [(5, 2)]

    sent = await walk(make, order.number, "hand_over")
    assert (sent.status, sent.fulfillment_status, sent.payment_status) == ("processing", "shipped", "unpaid")
    assert await make.levels(product.variant) == [(3, 0)]
    assert [(each.number, each.status, each.carrier) for each in sent.shipments] == [
        (f"{order.number}-S1", "shipped", "manual")
    ]

    half = await walk(make, order.number, last[0])
    assert half.status == "processing"
    done = await walk(make, order.number, last[1])
    assert (done.status, done.fulfillment_status, done.payment_status) == ("completed", "delivered", "paid")
    assert done.completed_at is not None
    assert [payment.status for payment in done.payments] == ["succeeded"]
    assert await topics(make) == [
        "order.placed",
        "payment.opened",
        "order.confirmed",
        "order.processing",
        "shipment.shipped",
        *{
            "deliver": ["shipment.delivered", "payment.collected"],
            "collect": ["payment.collected", "shipment.delivered"],
        }[last[0]],
        "order.completed",
    ]
    ledger = await make.sql(
        "SELECT type, stock_delta, reserved_delta, actor_type FROM inventory_transactions ORDER BY id"
    )
    assert sorted(tuple(row) for row in ledger) == [
        ("reservation", 0, 2, "system"),
        ("restock", 5, 0, "system"),
        ("sale", -2, -2, "staff"),
    ]
    money = await make.sql("SELECT kind, amount, currency, provider FROM payment_transactions")
    assert [tuple(row) for row in money] == [("collect", order.total, "BDT", "cod")]


async def test_the_history_tells_every_step_on_every_axis_and_who_did_it(make: Any, promises: Any) -> None:
    order = await make.order()
    done = await walk(make, order.number, "confirm", "hand_over", "deliver", "collect")
    told: dict[str, list[str]] = {}
    for step in done.history:
        told.setdefault(step.axis, []).append(step.to_status)
    assert told == {
        "order": ["draft", "pending", "confirmed", "processing", "completed"],
        "payment": ["pending", "awaiting_collection", "succeeded"],
        "shipment": ["pending", "ready", "shipped", "delivered"],
        "fulfillment_status": ["shipped", "delivered"],
        "payment_status": ["paid"],
    }
    by = {step.to_status: step.actor_type for step in done.history if step.axis == "order"}
    assert (by["draft"], by["confirmed"], by["completed"]) == ("system", "staff", "staff")


async def test_a_cancelled_order_frees_its_stock_and_ends_its_payment(make: Any, promises: Any) -> None:
    product = await make.product(stock=1)
    order = await make.order(product)
    cancelled = await walk(make, order.number, "cancel")
    assert (cancelled.status, cancelled.payment_status, cancelled.cancel_reason) == ("cancelled", "voided", "no answer")
    assert [payment.status for payment in cancelled.payments] == ["cancelled"]
    assert await make.levels(product.variant) == [(1, 0)]
    assert (await topics(make))[-2:] == ["payment.cancelled", "order.cancelled"]
    again = await make.order(product)
    assert again.status == "pending"


@pytest.mark.parametrize(
    ("done", "step", "refusal"),
    [
        ((), "hand_over", IllegalTransition),
        ((), "deliver", IllegalTransition),
        (("confirm",), "confirm", IllegalTransition),
        (("confirm",), "deliver", IllegalTransition),
        (("confirm", "hand_over"), "hand_over", IllegalTransition),
        (("confirm", "hand_over"), "confirm", IllegalTransition),
        (("confirm", "hand_over"), "cancel", GoodsLeft),
        (("confirm", "hand_over", "deliver"), "deliver", IllegalTransition),
        (("confirm", "hand_over", "deliver"), "cancel", GoodsLeft),
        (("collect",), "collect", NoSuchPayment),
        (("collect",), "cancel", MoneyTaken),
        (("confirm", "hand_over", "deliver", "collect"), "cancel", IllegalTransition),
        (("confirm", "hand_over", "deliver", "collect"), "hand_over", NothingToShip),
        (("cancel",), "cancel", IllegalTransition),
        (("cancel",), "confirm", IllegalTransition),
        (("cancel",), "hand_over", IllegalTransition),
        (("cancel",), "collect", NoSuchPayment),
    ],
)
async def test_a_step_that_is_not_drawn_is_refused_and_changes_nothing(
    make: Any, promises: Any, done: tuple[str, ...], step: str, refusal: type[Exception]
) -> None:
    order = await make.order()
    await walk(make, order.number, *done)
    before = await everything_of(make, order.number)
    with pytest.raises(refusal) as caught:
        await walk(make, order.number, step)
    assert caught.value.status == 409  # type: ignore[attr-defined]
    if refusal is IllegalTransition:
        details = caught.value.details  # type: ignore[attr-defined]
        assert set(details) == {"current", "requested", "allowed"}
        assert details["requested"] not in details["allowed"]
    assert await everything_of(make, order.number) == before


async def test_an_order_on_hold_waits(make: Any, promises: Any) -> None:
    order = await make.order()
    await make.sql("UPDATE orders SET on_hold = true, hold_reason = 'call first'")
    with pytest.raises(OrderOnHold):
        await walk(make, order.number, "confirm")
    await make.sql("UPDATE orders SET on_hold = false")
    await walk(make, order.number, "confirm")
    await make.sql("UPDATE orders SET on_hold = true")
    with pytest.raises(OrderOnHold):
        await walk(make, order.number, "hand_over")


async def test_an_order_that_is_not_there_is_not_found(make: Any, making: Any, shop: Any, other_tenant: Any) -> None:
    theirs = making.Make(shop, other_tenant.made, other_tenant.scope)
    order = await theirs.order()
    for step in STEPS:
        with pytest.raises(OrderNotFound):
            await walk(make, order.number, step)


@pytest.mark.parametrize(
    ("done", "steps"),
    [
        ((), ("confirm", "confirm")),
        ((), ("cancel", "confirm")),
        (("confirm",), ("hand_over", "cancel")),
        (("confirm",), ("hand_over", "hand_over")),
        (("confirm", "hand_over"), ("deliver", "deliver")),
        ((), ("collect", "collect")),
    ],
)
async def test_of_two_staff_at_once_one_wins(
    make: Any, promises: Any, done: tuple[str, ...], steps: tuple[str, str]
) -> None:
    order = await make.order()
    await walk(make, order.number, *done)
    results = await asyncio.gather(*(walk(make, order.number, step) for step in steps), return_exceptions=True)
    refusals = [result for result in results if isinstance(result, Exception)]
    # Confirming and then cancelling is a drawn path; the other way round is not.
    assert len(refusals) == 1 or (steps == ("cancel", "confirm") and not refusals)
    assert all(getattr(refusal, "status", None) == 409 for refusal in refusals)


async def test_delivered_and_paid_at_once_is_complete(make: Any, promises: Any) -> None:
    order = await make.order()
    await walk(make, order.number, "confirm", "hand_over")
    await asyncio.gather(walk(make, order.number, "deliver"), walk(make, order.number, "collect"))
    assert (await make.read_order(order.number)).status == "completed"


async def test_a_cart_whose_order_was_cancelled_still_answers_that_order(make: Any, buyer: Any, promises: Any) -> None:
    await make.shipping()
    shown = await buyer.ready(await make.product())
    placed = (await buyer.complete(shown["totals"]["total"])).json()["order"]
    await walk(make, placed["number"], "cancel")
    again = await buyer.complete(shown["totals"]["total"])
    assert (again.status_code, again.json()["order"]["id"]) == (201, placed["id"])
    assert again.json()["order"]["display_status"] == "cancelled"


async def test_a_tracking_number_is_shown_to_the_buyer(make: Any, buyer: Any) -> None:
    await make.shipping()
    order = await buyer.order(await make.product())
    await walk(make, order["number"], "confirm")
    await make.staff(staff.hand_over, order["number"], tracking_number="RX-1")
    shown = (await buyer.call("GET", f"/orders/{order['number']}", headers={"X-Order-Token": order["token"]})).json()
    assert (shown["display_status"], shown["fulfillment_status"]) == ("shipped", "shipped")
    assert [(each["tracking_number"], each["tracking_status"]) for each in shown["shipments"]] == [
        ("RX-1", "picked_up")
    ]


async def test_staff_write_notes(make: Any) -> None:
    order = await make.order()
    async with make.shop.uow(make.scope) as uow:
        await orders.add_note(uow, order.id, "Called, will be at home after six.")
    assert await make.value("SELECT body FROM order_notes") == "Called, will be at home after six."
