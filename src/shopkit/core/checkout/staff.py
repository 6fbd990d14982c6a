"""What staff do with an order: confirm, hand over, deliver, collect, cancel. Each is one transaction with its facts.

Lock order: the order, its payments, then stock (`invariants.md` 10).
"""

from shopkit.core.inventory import service as inventory
from shopkit.core.inventory.service import Owner
from shopkit.core.kernel.uow import Uow
from shopkit.core.orders import queries
from shopkit.core.orders import service as orders
from shopkit.core.orders.errors import GoodsLeft, MoneyTaken, OrderOnHold
from shopkit.core.orders.schemas import OrderDoc
from shopkit.core.orders.service import OrderRow
from shopkit.core.orders.states import ORDER
from shopkit.core.payments import service as payments
from shopkit.core.shipping import service as shipping
from shopkit.sdk.events import (
    OrderCancelled,
    OrderCompleted,
    OrderConfirmed,
    OrderProcessing,
    PaymentCancelled,
    PaymentCollected,
    ShipmentDelivered,
    ShipmentShipped,
)


async def confirm(uow: Uow, number: str) -> OrderDoc:
    """The order will be fulfilled. Raises `IllegalTransition`, `OrderOnHold`."""
    order = await orders.lock(uow, number)
    if order.on_hold:
        raise OrderOnHold
    await orders.advance(uow, order, "confirmed")
    uow.publish(OrderConfirmed(order_id=order.id, number=order.number))
    return await queries.get(uow, order.id)


async def hand_over(uow: Uow, number: str, *, tracking_number: str | None = None) -> OrderDoc:
    """All goods leave in one shipment made by hand: holds are consumed, stock falls, the order is processing.

    Raises `IllegalTransition`, `OrderOnHold`, `NothingToShip`.
    """
    order = await orders.lock(uow, number)
    if order.on_hold:
        raise OrderOnHold
    await orders.advance(uow, order, "processing")
    uow.publish(OrderProcessing(order_id=order.id, number=order.number))
    shipment_id = await shipping.ship_all(uow, order, tracking_number=tracking_number)
    await shipping.derive_status(uow, order)
    uow.publish(ShipmentShipped(order_id=order.id, number=order.number, shipment_id=shipment_id))
    await inventory.consume(uow, order.id)
    return await queries.get(uow, order.id)


async def deliver(uow: Uow, number: str) -> OrderDoc:
    """The goods have arrived; the order is complete once it is paid too."""
    order = await orders.lock(uow, number)
    for shipment_id in await shipping.deliver_all(uow, order):
        uow.publish(ShipmentDelivered(order_id=order.id, number=order.number, shipment_id=shipment_id))
    fulfillment = await shipping.derive_status(uow, order)
    await _complete_if_done(uow, order, order.payment_status, fulfillment)
    return await queries.get(uow, order.id)


async def collect(uow: Uow, number: str) -> OrderDoc:
    """The cash on delivery is in; the order is complete once everything has arrived too."""
    order = await orders.lock(uow, number)
    payment = payments.awaiting(await payments.lock(uow, order.id), "awaiting_collection")
    await payments.advance(uow, order.id, payment, "succeeded")
    await payments.post(uow, order.id, payment, "collect", f"collect-{payment.id}")
    paid = await payments.derive_status(uow, order)
    uow.publish(
        PaymentCollected(
            order_id=order.id,
            number=order.number,
            payment_id=payment.id,
            amount=payment.amount,
            currency=payment.currency,
        )
    )
    await _complete_if_done(uow, order, paid, order.fulfillment_status)
    return await queries.get(uow, order.id)


async def cancel(uow: Uow, number: str, reason: str) -> OrderDoc:
    """Before anything was handed over or paid: the attempts end, the stock is free again in the same transaction.

    Raises `IllegalTransition`, `GoodsLeft`, `MoneyTaken`.
    """
    order = await orders.lock(uow, number)
    ORDER.require(order.status, "cancelled")
    if order.fulfillment_status not in {"unfulfilled", "not_required"}:
        raise GoodsLeft
    if order.payment_status not in {"unpaid", "pending"} and order.total:
        raise MoneyTaken
    attempts = await payments.lock(uow, order.id)
    await orders.advance(uow, order, "cancelled", reason=reason)
    for payment in attempts:
        if payment.status in payments.OPEN:
            await payments.advance(uow, order.id, payment, "cancelled", reason=reason)
            uow.publish(PaymentCancelled(order_id=order.id, number=order.number, payment_id=payment.id))
    await payments.derive_status(uow, order, is_cancelled=True)
    uow.publish(OrderCancelled(order_id=order.id, number=order.number, reason=reason))
    await inventory.release(uow, Owner(order_id=order.id), reason=reason)
    return await queries.get(uow, order.id)


async def _complete_if_done(uow: Uow, order: OrderRow, payment_status: str, fulfillment_status: str) -> None:
    is_paid = payment_status in {"paid", "overpaid"}
    if order.status == "processing" and is_paid and fulfillment_status == "delivered":
        await orders.advance(uow, order, "completed")
        uow.publish(OrderCompleted(order_id=order.id, number=order.number))
