"""The promises of stock, money and orders as questions to the database: each SELECT answers the rows that break one.

Read by tests after every step and by whoever looks after a shop. They report and repair nothing. As the app role they
see one tenant, as the owner all of them. The ids are those of the constraints, the tests and the alerts.
"""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

import asyncpg
from msgspec import Struct

from shopkit.core.kernel.states import Lifecycle
from shopkit.core.orders.states import ORDER
from shopkit.core.payments.states import PAYMENT
from shopkit.core.shipping.states import SHIPMENT


class Invariant(Struct, frozen=True, kw_only=True):
    """One promise. `sql` answers `(tenant_id, subject_id, found)` for every row that breaks it."""

    id: str
    meaning: str
    sql: str


class Violation(Struct, frozen=True, kw_only=True):
    """A row that breaks a promise."""

    invariant: str
    tenant_id: UUID | None
    subject_id: UUID | None
    found: str
    """What is there, for people."""


BOUNDS: Final = """
SELECT s.tenant_id, s.id AS subject_id,
       format('stock %s, reserved %s, oversell limit %s', s.stock, s.reserved, s.oversell_limit) AS found
FROM inventory_stocks s
WHERE s.stock < 0 OR s.reserved < 0 OR s.oversell_limit < 0 OR s.reserved > s.stock + s.oversell_limit
"""

COUNTER: Final = """
SELECT s.tenant_id, s.id AS subject_id, format('reserved %s, held %s', s.reserved, coalesce(h.units, 0)) AS found
FROM inventory_stocks s
LEFT JOIN (SELECT tenant_id, stock_id, sum(quantity) AS units FROM inventory_reservations
           WHERE status = 'active' GROUP BY 1, 2) h ON h.tenant_id = s.tenant_id AND h.stock_id = s.id
WHERE s.reserved <> coalesce(h.units, 0)
UNION ALL
SELECT r.tenant_id, r.id, 'the hold names another variant than its stock row'
FROM inventory_reservations r JOIN inventory_stocks s ON s.tenant_id = r.tenant_id AND s.id = r.stock_id
WHERE s.variant_id <> r.variant_id
"""

LEVEL: Final = """
SELECT s.tenant_id, s.id AS subject_id, format('stock %s, ledger %s', s.stock, coalesce(t.units, 0)) AS found
FROM inventory_stocks s
LEFT JOIN (SELECT tenant_id, stock_id, sum(stock_delta) AS units FROM inventory_transactions GROUP BY 1, 2) t
    ON t.tenant_id = s.tenant_id AND t.stock_id = s.id
WHERE s.stock <> coalesce(t.units, 0)
"""

ASKED: Final = """
SELECT i.tenant_id, i.order_id, i.variant_id, sum(i.quantity - i.quantity_cancelled) AS units
FROM order_items i JOIN orders o ON o.tenant_id = i.tenant_id AND o.id = i.order_id
WHERE i.is_tracked AND o.placed_at IS NOT NULL AND o.status <> 'cancelled' GROUP BY 1, 2, 3
"""
"""Units of tracked variants on placed, uncancelled orders."""

COVERING: Final = """
SELECT r.tenant_id, r.order_id, r.variant_id, sum(r.quantity) AS units
FROM inventory_reservations r JOIN orders o ON o.tenant_id = r.tenant_id AND o.id = r.order_id
WHERE r.status IN ('active', 'consumed') AND o.placed_at IS NOT NULL AND o.status <> 'cancelled' GROUP BY 1, 2, 3
"""
"""Units held for such orders or gone to them."""

COVERED: Final = f"""
SELECT coalesce(a.tenant_id, c.tenant_id) AS tenant_id, coalesce(a.order_id, c.order_id) AS subject_id,
       format('variant %s: ordered %s, covered %s', coalesce(a.variant_id, c.variant_id), coalesce(a.units, 0),
              coalesce(c.units, 0)) AS found
FROM ({ASKED}) a
FULL JOIN ({COVERING}) c ON c.tenant_id = a.tenant_id AND c.order_id = a.order_id AND c.variant_id = a.variant_id
WHERE coalesce(a.units, 0) <> coalesce(c.units, 0)
UNION ALL
SELECT r.tenant_id, r.id, format('still held for order %s, which is cancelled', o.number)
FROM inventory_reservations r JOIN orders o ON o.tenant_id = r.tenant_id AND o.id = r.order_id
WHERE r.status = 'active' AND o.status = 'cancelled'
UNION ALL
SELECT r.tenant_id, r.id, format('still held for a cart that is %s', c.status)
FROM inventory_reservations r JOIN carts c ON c.tenant_id = r.tenant_id AND c.id = r.cart_id
WHERE r.status = 'active' AND c.status IN ('converted', 'merged')
"""

ONE_END: Final = """
SELECT r.tenant_id, r.id AS subject_id, format('%s, ended at %s', r.status, r.ended_at) AS found
FROM inventory_reservations r WHERE (r.status = 'active') <> (r.ended_at IS NULL)
UNION ALL
SELECT s.tenant_id, s.id, format('reserved %s, ledger %s', s.reserved, coalesce(t.units, 0))
FROM inventory_stocks s
LEFT JOIN (SELECT tenant_id, stock_id, sum(reserved_delta) AS units FROM inventory_transactions GROUP BY 1, 2) t
    ON t.tenant_id = s.tenant_id AND t.stock_id = s.id
WHERE s.reserved <> coalesce(t.units, 0)
UNION ALL
SELECT s.tenant_id, s.id, format('consumed %s, sold by the ledger %s, no longer held %s', coalesce(r.units, 0),
                                 coalesce(t.sold, 0), coalesce(t.let_go, 0))
FROM inventory_stocks s
LEFT JOIN (SELECT tenant_id, stock_id, sum(quantity) AS units FROM inventory_reservations
           WHERE status = 'consumed' GROUP BY 1, 2) r ON r.tenant_id = s.tenant_id AND r.stock_id = s.id
LEFT JOIN (SELECT tenant_id, stock_id, -sum(stock_delta) AS sold, -sum(reserved_delta) AS let_go
           FROM inventory_transactions WHERE type = 'sale' GROUP BY 1, 2) t
    ON t.tenant_id = s.tenant_id AND t.stock_id = s.id
WHERE coalesce(r.units, 0) <> coalesce(t.sold, 0) OR coalesce(r.units, 0) <> coalesce(t.let_go, 0)
"""

ALL_OR_NOTHING: Final = f"""
SELECT a.tenant_id, a.order_id AS subject_id,
       format('%s of %s variants are held', count(c.units), count(*)) AS found
FROM ({ASKED}) a
LEFT JOIN ({COVERING}) c ON c.tenant_id = a.tenant_id AND c.order_id = a.order_id AND c.variant_id = a.variant_id
WHERE a.units > 0 GROUP BY 1, 2 HAVING count(c.units) NOT IN (0, count(*))
UNION ALL
SELECT r.tenant_id, coalesce(r.order_id, r.cart_id), format('%s holds on stock row %s', count(*), r.stock_id)
FROM inventory_reservations r WHERE r.status = 'active'
GROUP BY r.tenant_id, r.order_id, r.cart_id, r.stock_id HAVING count(*) > 1
"""

ADDS_UP: Final = """
SELECT o.tenant_id, o.id AS subject_id, format('total %s of %s', o.total, to_jsonb(sums)) AS found
FROM orders o
JOIN (SELECT tenant_id, order_id, sum(subtotal) AS subtotal, sum(discount) AS discount, sum(tax) AS tax,
             sum(tax_included) AS tax_included, sum(total) AS total, min(least(subtotal, discount, tax, total)) AS least
      FROM order_items GROUP BY 1, 2) sums ON sums.tenant_id = o.tenant_id AND sums.order_id = o.id
WHERE o.total <> o.subtotal - o.discount_total + o.shipping_total + o.tax_total + o.fee_total
   OR o.subtotal <> sums.subtotal OR o.discount_total <> sums.discount OR sums.least < 0
   OR o.tax_total < sums.tax OR o.tax_included < sums.tax_included
   OR o.total <> sums.total + o.shipping_total + (o.tax_total - sums.tax) + o.fee_total
   OR (SELECT coalesce(sum((line->>'added')::bigint), 0) FROM jsonb_array_elements(o.tax_lines) line) <> o.tax_total
   OR (SELECT coalesce(sum((line->>'included')::bigint), 0)
       FROM jsonb_array_elements(o.tax_lines) line) <> o.tax_included
"""

ONE_POSTING: Final = """
SELECT t.tenant_id, min(t.payment_id::text)::uuid AS subject_id,
       format('%s times %s %s by %s', count(*), t.kind, t.provider_ref, t.provider) AS found
FROM payment_transactions t
GROUP BY t.tenant_id, t.provider, t.environment, t.provider_ref, t.kind HAVING count(*) > 1
UNION ALL
SELECT p.tenant_id, p.id, format('asked for %s, took %s', p.amount, sum(t.amount))
FROM payments p JOIN payment_transactions t ON t.tenant_id = p.tenant_id AND t.payment_id = p.id
WHERE t.kind IN ('capture', 'collect') GROUP BY p.tenant_id, p.id HAVING sum(t.amount) > p.amount
"""

# Grants instead of rows: what cannot be changed need not be compared. A sum that no longer fits is I3, I6 or I22.
LEDGERS_GROW: Final = """
SELECT NULL::uuid AS tenant_id, NULL::uuid AS subject_id,
       format('%s may %s %s', g.grantee, g.privilege_type, g.table_name) AS found
FROM information_schema.role_table_grants g
JOIN pg_class c ON c.oid = format('%I.%I', g.table_schema, g.table_name)::regclass
WHERE g.table_schema = 'public' AND g.privilege_type IN ('UPDATE', 'DELETE', 'TRUNCATE')
  AND g.table_name IN ('inventory_transactions', 'payment_transactions', 'order_status_history')
  AND g.grantee <> pg_get_userbyid(c.relowner)
"""

ONE_CART_ONE_ORDER: Final = """
SELECT o.tenant_id, o.cart_id AS subject_id, format('%s orders', count(*)) AS found
FROM orders o WHERE o.cart_id IS NOT NULL AND (o.status <> 'cancelled' OR o.placed_at IS NOT NULL)
GROUP BY 1, 2 HAVING count(*) > 1
UNION ALL
SELECT c.tenant_id, c.id, 'converted, but there is no placed order'
FROM carts c WHERE c.status = 'converted'
  AND NOT EXISTS (SELECT FROM orders o WHERE o.tenant_id = c.tenant_id AND o.cart_id = c.id AND o.placed_at IS NOT NULL)
UNION ALL
SELECT c.tenant_id, c.id, format('%s, but order %s was placed from it', c.status, o.number)
FROM carts c JOIN orders o ON o.tenant_id = c.tenant_id AND o.cart_id = c.id
WHERE o.placed_at IS NOT NULL AND c.status <> 'converted'
"""

NUMBERS: Final = """
SELECT o.tenant_id, o.store_id AS subject_id, format('%s orders have the number %s', count(*), o.number) AS found
FROM orders o GROUP BY o.tenant_id, o.store_id, o.number HAVING count(*) > 1
UNION ALL
SELECT p.tenant_id, o.store_id, format('%s payments have the number %s', count(*), p.number)
FROM payments p JOIN orders o ON o.tenant_id = p.tenant_id AND o.id = p.order_id
GROUP BY p.tenant_id, o.store_id, p.number HAVING count(*) > 1
UNION ALL
SELECT o.tenant_id, o.id, 'placed without a number' FROM orders o WHERE o.placed_at IS NOT NULL AND o.number = ''
"""


def _drawn(lifecycles: Mapping[str, Lifecycle]) -> str:
    """`VALUES` of every first step and every drawn edge, by the axis of the history."""
    edges = [
        (axis, f"'{before}'", f"'{after}'")
        for axis, lifecycle in lifecycles.items()
        for before, allowed in lifecycle.edges.items()
        for after in sorted(allowed)
    ]
    edges += [
        (axis, "NULL", f"'{first}'") for axis, lifecycle in lifecycles.items() for first in sorted(lifecycle.initial)
    ]
    return ", ".join(f"('{axis}', {before}, {after})" for axis, before, after in edges)


DRAWN_EDGES: Final = f"""
WITH steps AS (
    SELECT h.*, h.axis IN ('payment_status', 'fulfillment_status') AS is_derived,
           lag(h.to_status) OVER one AS before, lead(h.to_status) OVER one IS NULL AS is_last
    FROM order_status_history h
    WINDOW one AS (PARTITION BY h.tenant_id, h.order_id, h.axis, h.subject_id ORDER BY h.position)
), present AS (
    SELECT tenant_id, id AS order_id, 'order' AS axis, NULL::uuid AS subject_id, status FROM orders
    UNION ALL SELECT tenant_id, id, 'payment_status', NULL, payment_status FROM orders
    UNION ALL SELECT tenant_id, id, 'fulfillment_status', NULL, fulfillment_status FROM orders
    UNION ALL SELECT tenant_id, order_id, 'payment', id, status FROM payments
    UNION ALL SELECT tenant_id, order_id, 'shipment', id, status FROM shipments
), drawn(axis, before, after) AS (
    VALUES {_drawn({"order": ORDER, "payment": PAYMENT, "shipment": SHIPMENT})}
)
SELECT s.tenant_id, s.order_id AS subject_id,
       format('%s went from %s to %s, but was %s', s.axis, s.from_status, s.to_status, s.before) AS found
FROM steps s WHERE s.from_status IS DISTINCT FROM s.before AND NOT (s.is_derived AND s.before IS NULL)
UNION ALL
SELECT s.tenant_id, s.order_id, format('%s went from %s to %s, which is not drawn', s.axis, s.from_status, s.to_status)
FROM steps s WHERE NOT s.is_derived AND NOT EXISTS (
    SELECT FROM drawn d WHERE d.axis = s.axis AND d.before IS NOT DISTINCT FROM s.from_status AND d.after = s.to_status)
UNION ALL
SELECT p.tenant_id, p.order_id,
       format('%s is %s, its history says %s', p.axis, p.status, coalesce(s.to_status, 'nothing'))
FROM present p
LEFT JOIN steps s ON s.is_last AND s.tenant_id = p.tenant_id AND s.order_id = p.order_id AND s.axis = p.axis
    AND s.subject_id IS NOT DISTINCT FROM p.subject_id
WHERE s.to_status IS DISTINCT FROM p.status
  AND NOT (s.to_status IS NULL AND p.axis IN ('payment_status', 'fulfillment_status'))
"""

# The definitions of `payments.states` and `shipping.states` once more, in SQL. Returns are to come.
DERIVED: Final = """
WITH money AS (
    SELECT o.tenant_id, o.id, o.number, o.total, o.status, o.payment_status,
           coalesce(sum(t.amount) FILTER (WHERE t.kind IN ('capture', 'collect')), 0) AS captured,
           coalesce(sum(t.amount) FILTER (WHERE t.kind IN ('refund', 'chargeback')), 0) AS refunded
    FROM orders o LEFT JOIN payment_transactions t ON t.tenant_id = o.tenant_id AND t.order_id = o.id
    WHERE o.placed_at IS NOT NULL GROUP BY o.tenant_id, o.id
), paid AS (
    SELECT *, CASE
        WHEN refunded > 0 AND refunded >= captured THEN 'refunded'
        WHEN refunded > 0 THEN 'partially_refunded'
        WHEN captured > total THEN 'overpaid'
        WHEN captured = total THEN 'paid'
        WHEN captured > 0 THEN 'partially_paid'
        WHEN status = 'cancelled' THEN 'voided'
        WHEN EXISTS (SELECT FROM payments p WHERE p.tenant_id = money.tenant_id AND p.order_id = money.id
                     AND p.status IN ('requires_action', 'processing', 'awaiting_verification')) THEN 'pending'
        ELSE 'unpaid' END AS defined
    FROM money
), goods AS (
    SELECT o.tenant_id, o.id, o.fulfillment_status,
           (SELECT coalesce(sum(i.quantity - i.quantity_cancelled), 0) FROM order_items i
            WHERE i.tenant_id = o.tenant_id AND i.order_id = o.id) AS ordered,
           coalesce(sum(x.quantity) FILTER (WHERE s.status IN ('shipped', 'delivered')), 0) AS shipped,
           coalesce(sum(x.quantity) FILTER (WHERE s.status = 'delivered'), 0) AS delivered
    FROM orders o
    LEFT JOIN shipments s ON s.tenant_id = o.tenant_id AND s.order_id = o.id
    LEFT JOIN shipment_items x ON x.tenant_id = s.tenant_id AND x.shipment_id = s.id
    WHERE o.placed_at IS NOT NULL AND o.fulfillment_status NOT IN ('partially_returned', 'returned')
    GROUP BY o.tenant_id, o.id
), gone AS (
    SELECT *, CASE
        WHEN ordered = 0 THEN 'not_required'
        WHEN delivered >= ordered THEN 'delivered'
        WHEN delivered > 0 THEN 'partially_delivered'
        WHEN shipped >= ordered THEN 'shipped'
        WHEN shipped > 0 THEN 'partially_shipped'
        ELSE 'unfulfilled' END AS defined
    FROM goods
)
SELECT tenant_id, id AS subject_id, format('payment status %s, by definition %s', payment_status, defined) AS found
FROM paid WHERE payment_status <> defined
UNION ALL
SELECT tenant_id, id, format('fulfilment status %s, by definition %s', fulfillment_status, defined)
FROM gone WHERE fulfillment_status <> defined
  AND NOT (fulfillment_status = 'not_required' AND shipped = 0)  -- nothing physical was in it
"""

INVARIANTS: Final = (
    Invariant(id="I1", sql=BOUNDS, meaning="Stock and promises keep their bounds."),
    Invariant(id="I2", sql=COUNTER, meaning="What a stock row has reserved is the sum of its holds."),
    Invariant(id="I3", sql=LEVEL, meaning="A level is the sum of its ledger."),
    Invariant(id="I4", sql=COVERED, meaning="Every tracked line is covered, and nothing that ended holds stock."),
    Invariant(id="I6", sql=ONE_END, meaning="A hold ends once and moves the counters once."),
    Invariant(id="I8", sql=ALL_OR_NOTHING, meaning="An order holds all or nothing, each stock row once."),
    Invariant(id="I10", sql=ADDS_UP, meaning="An order's total is the sum of its parts."),
    Invariant(id="I12", sql=ONE_POSTING, meaning="Money that moved is posted once."),
    Invariant(id="I17", sql=LEDGERS_GROW, meaning="Nobody who serves may change or delete a ledger's rows."),
    Invariant(id="I19", sql=ONE_CART_ONE_ORDER, meaning="A cart becomes one order."),
    Invariant(id="I21", sql=NUMBERS, meaning="Numbers are unique."),
    Invariant(id="I22", sql=DRAWN_EDGES, meaning="Replaying the history along drawn edges gives the present state."),
    Invariant(id="I22", sql=DERIVED, meaning="Derived statuses equal their definition."),
)  # fmt: skip


async def violations(sql: asyncpg.Connection) -> list[Violation]:
    """Ask every question; each sees one committed instant. As long as a scan of the orders: not for the hot path."""
    return [
        Violation(invariant=invariant.id, **row) for invariant in INVARIANTS for row in await sql.fetch(invariant.sql)
    ]
