"""Decide who hears of a fact, and keep what became of each message."""

from uuid import UUID

from msgspec import Struct

from shopkit.core.kernel.ids import uuid7
from shopkit.core.kernel.uow import Uow
from shopkit.core.notifications.settings import NotificationSettings
from shopkit.core.settings import service as settings
from shopkit.sdk.events import Fact, OrderCancelled, OrderConfirmed, OrderPlaced, ShipmentDelivered, ShipmentShipped

FOR_CUSTOMERS: frozenset[type[Fact]] = frozenset(
    {OrderPlaced, OrderConfirmed, OrderCancelled, ShipmentShipped, ShipmentDelivered}
)
FOR_MERCHANTS: frozenset[type[Fact]] = frozenset({OrderPlaced, OrderCancelled})

OrderNews = OrderPlaced | OrderConfirmed | OrderCancelled | ShipmentShipped | ShipmentDelivered


class Recipient(Struct, frozen=True, kw_only=True):
    """Who gets a message, in which language."""

    audience: str
    address: str
    locale: str


async def recipients_of(uow: Uow, fact: OrderNews) -> list[Recipient]:
    """The customer, if there is an e-mail address, and the merchant, if one is set."""
    order = await uow.sql.fetchrow(
        """
        SELECT o.store_id, o.contact_email, o.locale, o.confirmed_at = o.placed_at AS is_confirmed_at_once,
               s.default_locale
        FROM orders o JOIN stores s ON s.id = o.store_id WHERE o.id = $1 AND o.placed_at IS NOT NULL
        """,
        fact.order_id,
    )
    if order is None:
        return []
    found = []
    # Accepted and confirmed in one breath: one mail says it all.
    is_said = isinstance(fact, OrderConfirmed) and order["is_confirmed_at_once"]
    if order["contact_email"] and not is_said:
        found.append(Recipient(audience="customer", address=order["contact_email"], locale=order["locale"]))
    if type(fact) in FOR_MERCHANTS:
        own = await settings.get(uow, NotificationSettings, store_id=order["store_id"])
        if own.merchant_email:
            locale = order["default_locale"]
            found.append(Recipient(audience="merchant", address=own.merchant_email, locale=locale))
    return found


async def plan(uow: Uow, event_id: UUID, fact: OrderNews, recipients: list[Recipient]) -> list[UUID]:
    """Store a message per recipient; the ids of those that were not there before."""
    rows = await uow.sql.fetch(
        """
        INSERT INTO notification_deliveries
            (id, event_id, order_id, shipment_id, channel, topic, audience, recipient, locale)
        SELECT r.id, $1, $2, $3, 'email', $4, r.audience, r.address, r.locale
        FROM unnest($5::uuid[], $6::text[], $7::text[], $8::text[]) AS r(id, audience, address, locale)
        ON CONFLICT (tenant_id, event_id, channel, recipient) DO NOTHING RETURNING id
        """,
        event_id,
        fact.order_id,
        fact.shipment_id if isinstance(fact, ShipmentShipped | ShipmentDelivered) else None,
        fact.topic,
        [uuid7() for _ in recipients],
        [recipient.audience for recipient in recipients],
        [recipient.address for recipient in recipients],
        [recipient.locale for recipient in recipients],
    )
    return [row["id"] for row in rows]


async def mark_sent(uow: Uow, delivery_id: UUID) -> None:
    """It has left."""
    await uow.sql.execute(
        "UPDATE notification_deliveries SET status = 'sent', sent_at = now() WHERE id = $1 AND status = 'pending'",
        delivery_id,
    )


async def mark_failed(uow: Uow, delivery_id: UUID, reason: str) -> None:
    """It will never arrive; `reason` is the mail server's."""
    await uow.sql.execute(
        """
        UPDATE notification_deliveries SET status = 'failed', error = left($2, 500)
        WHERE id = $1 AND status = 'pending'
        """,
        delivery_id,
        reason,
    )
