"""What a message is about, read when it is sent. A placed order's names, prices and address never change (I23)."""

from uuid import UUID

import asyncpg
from msgspec import Struct

from shopkit.core.kernel.uow import Uow
from shopkit.core.orders import queries as orders
from shopkit.core.orders.schemas import OrderDoc, ShipmentLine


class Letter(Struct, frozen=True, kw_only=True):
    """Everything that a mail says."""

    id: UUID
    topic: str
    audience: str
    recipient: str
    locale: str
    store_name: str
    store_email: str | None
    """Where answers go."""
    host: str | None
    """The store's first host name, if it has one of its own."""
    order: OrderDoc
    shipment: ShipmentLine | None


async def find_pending(uow: Uow, delivery_id: UUID) -> Letter | None:
    """The message, unless it was sent or given up."""
    row = await uow.sql.fetchrow(PENDING, delivery_id)
    if row is None:
        return None
    order = await orders.get(uow, row["order_id"])
    shipment = next((shipment for shipment in order.shipments if shipment.id == row["shipment_id"]), None)
    return _letter(row, order, shipment)


PENDING = """
SELECT d.id, d.topic, d.audience, d.recipient, d.locale, d.order_id, d.shipment_id, s.name AS store_name,
       s.contact_email AS store_email,
       (SELECT h.host FROM tenant_hosts h WHERE h.store_id = s.id ORDER BY h.created_at, h.host LIMIT 1) AS host
FROM notification_deliveries d JOIN orders o ON o.id = d.order_id JOIN stores s ON s.id = o.store_id
WHERE d.id = $1 AND d.status = 'pending'
"""


def _letter(row: asyncpg.Record, order: OrderDoc, shipment: ShipmentLine | None) -> Letter:
    own = {name: row[name] for name in Letter.__struct_fields__ if name not in ("order", "shipment")}
    return Letter(**own, order=order, shipment=shipment)
