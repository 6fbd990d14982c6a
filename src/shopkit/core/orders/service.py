"""Write orders: insert one as a document, move it along its lifecycle. Nothing else changes an order's status."""

from uuid import UUID

import msgspec
from msgspec import Struct

from shopkit.core.kernel.ids import uuid7
from shopkit.core.kernel.uow import Uow
from shopkit.core.orders.errors import OrderNotFound
from shopkit.core.orders.schemas import OrderDoc, Step
from shopkit.core.orders.states import ORDER
from shopkit.sdk.errors import Invalid

INSERT = """
WITH given AS (
    SELECT $1::jsonb AS doc
), made AS (
    INSERT INTO orders (id, store_id, customer_id, cart_id, number, status, payment_status, fulfillment_status,
        currency, subtotal, discount_total, shipping_total, tax_total, tax_included, fee_total, total, tax_lines,
        locale, contact_name, contact_phone, contact_email, shipping_method, payment_method, customer_note,
        shipping_address_id, billing_address_id, placed_at, confirmed_at)
    SELECT g.id, g.store_id, g.customer_id, g.cart_id, g.number, g.status, g.payment_status, g.fulfillment_status,
        g.currency, g.subtotal, g.discount_total, g.shipping_total, g.tax_total, g.tax_included, g.fee_total, g.total,
        g.tax_lines, g.locale, g.contact_name, g.contact_phone, g.contact_email, g.shipping_method, g.payment_method,
        g.customer_note, CASE WHEN g.shipping_address IS NOT NULL THEN $2::uuid END,
        CASE WHEN g.billing_address = g.shipping_address THEN $2::uuid
            WHEN g.billing_address IS NOT NULL THEN $3::uuid END, g.placed_at, g.confirmed_at
    FROM given, jsonb_to_record(doc) AS g(id uuid, store_id uuid, customer_id uuid, cart_id uuid, number text,
        status text, payment_status text, fulfillment_status text, currency text, subtotal bigint,
        discount_total bigint, shipping_total bigint, tax_total bigint, tax_included bigint, fee_total bigint,
        total bigint, tax_lines jsonb, locale text, contact_name text, contact_phone text, contact_email text,
        shipping_method jsonb, payment_method text, customer_note text, shipping_address jsonb, billing_address jsonb,
        placed_at timestamptz, confirmed_at timestamptz)
), lines AS (
    INSERT INTO order_items (id, order_id, position, product_id, variant_id, vendor_id, title, variant_title, sku,
        options, image_url, is_tracked, quantity, unit_price, compare_at, subtotal, discount, tax, tax_included,
        tax_rate, tax_name, total, customisation, product_snapshot)
    SELECT i.id, (doc->>'id')::uuid, i.position, i.product_id, i.variant_id, i.vendor_id, i.title, i.variant_title,
        i.sku, i.options, i.image_url, i.is_tracked, i.quantity, i.unit_price, i.compare_at, i.subtotal, i.discount,
        i.tax, i.tax_included, i.tax_rate, i.tax_name, i.total, i.customisation, i.product_snapshot
    FROM given, jsonb_to_recordset(doc->'items') AS i(id uuid, position int, product_id uuid, variant_id uuid,
        vendor_id uuid, title text, variant_title text, sku text, options jsonb, image_url text, is_tracked boolean,
        quantity int, unit_price bigint, compare_at bigint, subtotal bigint, discount bigint, tax bigint,
        tax_included bigint, tax_rate numeric, tax_name text, total bigint, customisation jsonb, product_snapshot jsonb)
), addresses AS (
    INSERT INTO order_addresses (id, order_id, type, name, phone, country_code, admin1, admin2, admin3, area,
        postal_code, line1, line2, landmark)
    SELECT pair.id, (doc->>'id')::uuid, pair.type, a.name, a.phone, a.country_code, a.admin1, a.admin2, a.admin3,
        a.area, a.postal_code, a.line1, a.line2, a.landmark
    FROM given, LATERAL (VALUES ($2::uuid, 'shipping', doc->'shipping_address'),
                                ($3::uuid, 'billing', doc->'billing_address')) AS pair(id, type, address),
        jsonb_to_record(pair.address) AS a(name text, phone text, country_code text, admin1 text, admin2 text,
            admin3 text, area text, postal_code text, line1 text, line2 text, landmark text)
    WHERE pair.address <> 'null' AND (pair.type = 'shipping' OR pair.address <> doc->'shipping_address')
)
INSERT INTO order_status_history
    (order_id, axis, subject_id, from_status, to_status, actor_type, actor_id, reason, request_id)
SELECT (doc->>'id')::uuid, h.axis, h.subject_id, h.from_status, h.to_status, h.actor_type, h.actor_id, h.reason, $4
FROM given, ROWS FROM (jsonb_to_recordset(doc->'history') AS (axis text, subject_id uuid, from_status text,
    to_status text, actor_type text, actor_id text, reason text)) WITH ORDINALITY
    AS h(axis, subject_id, from_status, to_status, actor_type, actor_id, reason, place)
ORDER BY h.place
"""


async def insert(uow: Uow, doc: OrderDoc) -> None:
    """Store a new order with lines, addresses and history in one statement. A number that exists is a collision."""
    await uow.sql.execute(INSERT, msgspec.json.encode(doc), uuid7(), uuid7(), uow.scope.request_id)


def step(
    uow: Uow, axis: str, from_status: str | None, to_status: str, *, subject_id: UUID | None = None, reason: str = ""
) -> Step:
    """A row of the history, done by the scope's actor."""
    actor = uow.scope.actor
    return Step(
        axis=axis,
        subject_id=subject_id,
        from_status=from_status,
        to_status=to_status,
        actor_type=actor.kind,
        actor_id=actor.id,
        reason=reason,
    )


RECORD = """
INSERT INTO order_status_history
    (order_id, axis, subject_id, from_status, to_status, actor_type, actor_id, reason, request_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""


async def record(uow: Uow, order_id: UUID, step_: Step) -> None:
    """Append to the history of an order."""
    await uow.sql.execute(
        RECORD, order_id, step_.axis, step_.subject_id, step_.from_status, step_.to_status, step_.actor_type,
        step_.actor_id, step_.reason, uow.scope.request_id,
    )  # fmt: skip


class OrderRow(Struct, frozen=True, kw_only=True):
    """The order's own row, locked."""

    id: UUID
    number: str
    status: str
    payment_status: str
    fulfillment_status: str
    on_hold: bool
    cart_id: UUID | None
    currency: str
    total: int
    placed: bool


async def lock(uow: Uow, number: str) -> OrderRow:
    """Lock the order of the scope's store. Raises `OrderNotFound`. Lock order: cart, order, payments, stock."""
    row = await uow.sql.fetchrow(
        """
        SELECT id, number, status, payment_status, fulfillment_status, on_hold, cart_id, currency, total,
               placed_at IS NOT NULL AS placed
        FROM orders WHERE store_id = $1 AND number = $2 FOR NO KEY UPDATE
        """,
        uow.scope.store.id,
        number,
    )
    if row is None:
        raise OrderNotFound
    return OrderRow(**row)


async def advance(uow: Uow, order: OrderRow, to: str, *, reason: str = "") -> None:
    """Move the order along its lifecycle: compare-and-set, milestone and history. Raises `IllegalTransition` (I22).

    The caller publishes the fact.
    """
    ORDER.require(order.status, to)
    done = await uow.sql.execute(
        """
        UPDATE orders SET status = $3,
            confirmed_at = CASE WHEN $3 = 'confirmed' THEN now() ELSE confirmed_at END,
            processing_at = CASE WHEN $3 = 'processing' THEN now() ELSE processing_at END,
            completed_at = CASE WHEN $3 = 'completed' THEN now() ELSE completed_at END,
            cancelled_at = CASE WHEN $3 = 'cancelled' THEN now() ELSE cancelled_at END,
            cancelled_by = CASE WHEN $3 = 'cancelled' THEN $4 ELSE cancelled_by END,
            cancel_reason = CASE WHEN $3 = 'cancelled' THEN $5 ELSE cancel_reason END
        WHERE id = $1 AND status = $2
        """,
        order.id, order.status, to, uow.scope.actor.kind, reason,
    )  # fmt: skip
    if done != "UPDATE 1":
        raise ORDER.refusal(order.status, to)
    await record(uow, order.id, step(uow, "order", order.status, to, reason=reason))


async def set_axis(uow: Uow, order: OrderRow, axis: str, to: str, *, reason: str = "") -> None:
    """Store a derived status (`payment_status` or `fulfillment_status`) with its history, if it changed."""
    current = getattr(order, axis)
    if current == to:
        return
    await uow.sql.execute(f"UPDATE orders SET {axis} = $2 WHERE id = $1", order.id, to)
    await record(uow, order.id, step(uow, axis, current, to, reason=reason))


async def add_note(uow: Uow, order_id: UUID, body: str) -> None:
    """Staff write something on the order."""
    if not 1 <= len(body) <= 4000:
        raise Invalid("A note has 1 to 4,000 characters.")
    actor = uow.scope.actor
    await uow.sql.execute(
        "INSERT INTO order_notes (order_id, body, actor_type, actor_id) VALUES ($1, $2, $3, $4)",
        order_id, body, actor.kind, actor.id,
    )  # fmt: skip
