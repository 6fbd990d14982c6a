"""Every public fact: something that happened and was committed. Frozen, past tense, small; amounts in minor units."""

from typing import ClassVar
from uuid import UUID

from msgspec import Struct


class Fact(Struct, frozen=True, kw_only=True):
    """A committed event. `topic` is its stable public name; `aggregate` is the thing whose facts keep their order."""

    topic: ClassVar[str] = ""
    aggregate: ClassVar[str] = ""
    """The field that holds the aggregate's id."""


class OrderFact(Fact, frozen=True, kw_only=True):
    """Something happened to an order."""

    aggregate: ClassVar[str] = "order_id"
    order_id: UUID
    number: str


class OrderPlaced(OrderFact, frozen=True, kw_only=True):
    """A customer's order was accepted; stock is held for it."""

    topic: ClassVar[str] = "order.placed"
    store_id: UUID
    total: int
    currency: str
    payment_method: str


class OrderConfirmed(OrderFact, frozen=True, kw_only=True):
    """The order will be fulfilled."""

    topic: ClassVar[str] = "order.confirmed"


class OrderProcessing(OrderFact, frozen=True, kw_only=True):
    """Packing or shipping of the order has begun."""

    topic: ClassVar[str] = "order.processing"


class OrderCompleted(OrderFact, frozen=True, kw_only=True):
    """Everything was delivered and paid."""

    topic: ClassVar[str] = "order.completed"


class OrderCancelled(OrderFact, frozen=True, kw_only=True):
    """The order will not be fulfilled; its stock is free again."""

    topic: ClassVar[str] = "order.cancelled"
    reason: str


class PaymentOpened(OrderFact, frozen=True, kw_only=True):
    """An attempt to pay was begun."""

    topic: ClassVar[str] = "payment.opened"
    payment_id: UUID
    provider: str
    amount: int
    currency: str


class PaymentCollected(OrderFact, frozen=True, kw_only=True):
    """Cash was collected for the order."""

    topic: ClassVar[str] = "payment.collected"
    payment_id: UUID
    amount: int
    currency: str


class PaymentCancelled(OrderFact, frozen=True, kw_only=True):
    """An attempt to pay came to nothing."""

    topic: ClassVar[str] = "payment.cancelled"
    payment_id: UUID


class ShipmentShipped(OrderFact, frozen=True, kw_only=True):
    """Goods left the shop."""

    topic: ClassVar[str] = "shipment.shipped"
    shipment_id: UUID


class ShipmentDelivered(OrderFact, frozen=True, kw_only=True):
    """Goods reached the customer."""

    topic: ClassVar[str] = "shipment.delivered"
    shipment_id: UUID


class StockLow(Fact, frozen=True, kw_only=True):
    """The available stock of a variant fell to its reorder level or below."""

    topic: ClassVar[str] = "stock.low"
    aggregate: ClassVar[str] = "variant_id"
    variant_id: UUID
    location_id: UUID
    available: int


FACTS: dict[str, type[Fact]] = {
    fact.topic: fact
    for fact in (
        OrderPlaced,
        OrderConfirmed,
        OrderProcessing,
        OrderCompleted,
        OrderCancelled,
        PaymentOpened,
        PaymentCollected,
        PaymentCancelled,
        ShipmentShipped,
        ShipmentDelivered,
        StockLow,
    )
}
"""Topic to type."""
