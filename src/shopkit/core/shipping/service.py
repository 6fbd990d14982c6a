"""Shipments made by hand; couriers come as plugins. The order's fulfilment axis is written by its one writer here."""

from uuid import UUID

from msgspec import Struct

from shopkit.core.kernel.ids import uuid7
from shopkit.core.kernel.uow import Uow
from shopkit.core.orders import service as orders
from shopkit.core.orders.service import OrderRow
from shopkit.core.shipping.errors import NothingToShip
from shopkit.core.shipping.states import SHIPMENT, fulfillment_status


class ShipmentRow(Struct, frozen=True, kw_only=True):
    """A shipment, locked."""

    id: UUID
    status: str


async def ship_all(uow: Uow, order: OrderRow, *, tracking_number: str | None = None) -> UUID:
    """One manual shipment of all units that are in none yet, handed over at once; its id. Raises `NothingToShip`."""
    shipment_id = uuid7()
    done = await uow.sql.execute(
        """
        WITH made AS (
            INSERT INTO shipments (id, order_id, number, status, tracking_number, tracking_status, shipped_at)
            SELECT $1, $2, $3 || '-S' || (SELECT count(*) + 1 FROM shipments s WHERE s.order_id = $2), 'shipped', $4,
                   'picked_up', now()
        ), heard AS (
            INSERT INTO shipment_events (shipment_id, status, description) VALUES ($1, 'picked_up', 'handed over')
        )
        INSERT INTO shipment_items (shipment_id, order_item_id, quantity)
        SELECT $1, left_over.id, left_over.units FROM (
            SELECT i.id, i.quantity - i.quantity_cancelled - coalesce((
                       SELECT sum(x.quantity) FROM shipment_items x JOIN shipments s ON s.id = x.shipment_id
                       WHERE x.order_item_id = i.id AND s.status <> 'cancelled'), 0) AS units
            FROM order_items i WHERE i.order_id = $2
        ) left_over WHERE left_over.units > 0
        """,
        shipment_id, order.id, order.number, tracking_number,
    )  # fmt: skip
    if done == "INSERT 0 0":
        raise NothingToShip
    for before, after in ((None, "pending"), ("pending", "ready"), ("ready", "shipped")):
        if before is not None:
            SHIPMENT.require(before, after)
        await orders.record(uow, order.id, orders.step(uow, "shipment", before, after, subject_id=shipment_id))
    return shipment_id


async def deliver_all(uow: Uow, order: OrderRow) -> list[UUID]:
    """Every shipment that is under way has arrived; their ids. Raises `IllegalTransition` when none is."""
    rows = await uow.sql.fetch(
        "SELECT id, status FROM shipments WHERE order_id = $1 ORDER BY id FOR NO KEY UPDATE", order.id
    )
    shipments = [ShipmentRow(**row) for row in rows if row["status"] in {"shipped", "pending", "ready"}]
    if not shipments:
        raise SHIPMENT.refusal(rows[-1]["status"] if rows else "pending", "delivered")
    for shipment in shipments:
        SHIPMENT.require(shipment.status, "delivered")
        await uow.sql.execute(
            """
            WITH heard AS (
                INSERT INTO shipment_events (shipment_id, status, description) VALUES ($1, 'delivered', 'by staff')
            )
            UPDATE shipments SET status = 'delivered', tracking_status = 'delivered', delivered_at = now()
            WHERE id = $1 AND status = $2
            """,
            shipment.id, shipment.status,
        )  # fmt: skip
        await orders.record(
            uow, order.id, orders.step(uow, "shipment", shipment.status, "delivered", subject_id=shipment.id)
        )
    return [shipment.id for shipment in shipments]


async def derive_status(uow: Uow, order: OrderRow) -> str:
    """Count units, store the order's fulfilment axis, answer it. The only writer of that axis."""
    row = await uow.sql.fetchrow(
        """
        SELECT (SELECT coalesce(sum(i.quantity - i.quantity_cancelled), 0)::bigint
                FROM order_items i WHERE i.order_id = $1) AS ordered,
               coalesce(sum(x.quantity) FILTER (WHERE s.status IN ('shipped', 'delivered')), 0)::bigint AS shipped,
               coalesce(sum(x.quantity) FILTER (WHERE s.status = 'delivered'), 0)::bigint AS delivered
        FROM shipments s JOIN shipment_items x ON x.shipment_id = s.id WHERE s.order_id = $1
        """,
        order.id,
    )
    status = fulfillment_status(**row)
    await orders.set_axis(uow, order, "fulfillment_status", status)
    return status


async def store_methods(uow: Uow) -> set[str]:
    """The codes of the store's active ways of delivery."""
    rows = await uow.sql.fetch(
        "SELECT code FROM shipping_methods WHERE store_id = $1 AND is_active", uow.scope.store.id
    )
    return {row["code"] for row in rows}
