"""Read orders: one as a document, many as a list."""

from typing import Any
from uuid import UUID

import msgspec

from shopkit.core.kernel.db import rows_of
from shopkit.core.kernel.uow import Uow
from shopkit.core.orders.errors import OrderNotFound
from shopkit.core.orders.schemas import OrderDoc

_ADDRESS = """(SELECT jsonb_build_object('name', a.name, 'phone', a.phone, 'country_code', a.country_code,
    'admin1', coalesce(a.admin1, ''), 'admin2', coalesce(a.admin2, ''), 'admin3', coalesce(a.admin3, ''),
    'area', a.area, 'postal_code', a.postal_code, 'line1', a.line1, 'line2', a.line2, 'landmark', a.landmark)
    FROM order_addresses a WHERE a.id = {column})"""

DOCUMENT = f"""
SELECT (to_jsonb(o) || jsonb_build_object(
    'items', (SELECT jsonb_agg(to_jsonb(i) || jsonb_build_object('tax_rate', i.tax_rate::text) ORDER BY i.position)
              FROM order_items i WHERE i.order_id = o.id),
    'shipping_address', {_ADDRESS.format(column="o.shipping_address_id")},
    'billing_address', {_ADDRESS.format(column="o.billing_address_id")},
    'history', (SELECT coalesce(jsonb_agg(to_jsonb(h) ORDER BY h.position), '[]')
                FROM order_status_history h WHERE h.order_id = o.id),
    'payments', (SELECT coalesce(jsonb_agg(to_jsonb(p) ORDER BY p.created_at, p.id), '[]')
                 FROM payments p WHERE p.order_id = o.id),
    'shipments', (SELECT coalesce(jsonb_agg(to_jsonb(s) ORDER BY s.created_at, s.id), '[]')
                  FROM shipments s WHERE s.order_id = o.id)
))::text FROM orders o
"""


async def get(uow: Uow, order_id: UUID) -> OrderDoc:
    """The order. Raises `OrderNotFound`."""
    return _document(await uow.sql.fetchval(f"{DOCUMENT} WHERE o.id = $1", order_id))


async def get_by_number(uow: Uow, number: str) -> OrderDoc:
    """The order of the scope's store with this number. Raises `OrderNotFound`."""
    return _document(
        await uow.sql.fetchval(f"{DOCUMENT} WHERE o.store_id = $1 AND o.number = $2", uow.scope.store.id, number)
    )


async def find_by_cart(uow: Uow, cart_id: UUID) -> OrderDoc | None:
    """The order that this cart has become, if it has."""
    text = await uow.sql.fetchval(f"{DOCUMENT} WHERE o.cart_id = $1 AND o.placed_at IS NOT NULL", cart_id)
    return None if text is None else _document(text)


_decoder = msgspec.json.Decoder(OrderDoc)


def _document(text: str | None) -> OrderDoc:
    if text is None:
        raise OrderNotFound
    return _decoder.decode(text)


async def newest(
    uow: Uow, *, status: str | None = None, phone: str | None = None, limit: int = 50
) -> list[dict[str, Any]]:
    """The store's newest orders, for staff; drafts only when asked for by status."""
    return rows_of(
        await uow.sql.fetch(
            """
            SELECT o.id, o.number, o.status, o.payment_status, o.fulfillment_status, o.total, o.currency,
                   o.contact_name, o.contact_phone, o.payment_method, o.placed_at, o.created_at
            FROM orders o
            WHERE o.store_id = $1 AND CASE WHEN $2::text IS NULL THEN o.status <> 'draft' ELSE o.status = $2 END
              AND ($3::text IS NULL OR o.contact_phone = $3) AND o.archived_at IS NULL
            ORDER BY o.created_at DESC, o.id DESC LIMIT $4
            """,
            uow.scope.store.id,
            status,
            phone,
            limit,
        )
    )
