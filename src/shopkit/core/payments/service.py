"""Attempts and ledger: open, move along the lifecycle, post. The one writer of the order's payment axis."""

from uuid import UUID

import asyncpg
from msgspec import Struct

from shopkit.core.kernel.ids import uuid7
from shopkit.core.kernel.uow import Uow
from shopkit.core.orders import service as orders
from shopkit.core.orders.schemas import PaymentLine
from shopkit.core.orders.service import OrderRow
from shopkit.core.payments.errors import NoSuchPayment
from shopkit.core.payments.states import PAYMENT, payment_status

OPEN = ("pending", "requires_action", "processing", "awaiting_verification", "awaiting_collection", "authorized")


class PaymentRow(Struct, frozen=True, kw_only=True):
    """An attempt, locked."""

    id: UUID
    status: str
    provider: str
    environment: str
    amount: int
    currency: str


async def insert(uow: Uow, order_id: UUID, payment: PaymentLine) -> None:
    """Store an attempt; the caller writes its history."""
    await uow.sql.execute(
        """
        INSERT INTO payments (id, order_id, number, provider, amount, currency, status)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        """,
        payment.id, order_id, payment.number, payment.provider, payment.amount, payment.currency, payment.status,
    )  # fmt: skip


async def lock(uow: Uow, order_id: UUID) -> list[PaymentRow]:
    """Lock the order's attempts, oldest first; the order is locked already."""
    rows = await uow.sql.fetch(
        """
        SELECT id, status, provider, environment, amount, currency FROM payments
        WHERE order_id = $1 ORDER BY id FOR NO KEY UPDATE
        """,
        order_id,
    )
    return [PaymentRow(**row) for row in rows]


def awaiting(payments: list[PaymentRow], status: str) -> PaymentRow:
    """The attempt in this state. Raises `NoSuchPayment`."""
    found = next((payment for payment in payments if payment.status == status), None)
    if found is None:
        raise NoSuchPayment(details={"needed": status, "statuses": [payment.status for payment in payments]})
    return found


async def advance(uow: Uow, order_id: UUID, payment: PaymentRow, to: str, *, reason: str = "") -> None:
    """Move an attempt along its lifecycle: compare-and-set and history. Raises `IllegalTransition`."""
    PAYMENT.require(payment.status, to)
    done = await uow.sql.execute(
        """
        UPDATE payments SET status = $3, succeeded_at = CASE WHEN $3 = 'succeeded' THEN now() ELSE succeeded_at END
        WHERE id = $1 AND status = $2
        """,
        payment.id, payment.status, to,
    )  # fmt: skip
    if done != "UPDATE 1":
        raise PAYMENT.refusal(payment.status, to)
    await orders.record(
        uow, order_id, orders.step(uow, "payment", payment.status, to, subject_id=payment.id, reason=reason)
    )


async def post(uow: Uow, order_id: UUID, payment: PaymentRow, kind: str, provider_ref: str) -> bool:
    """Write a ledger row for the attempt's amount; False if this transaction was posted before (I12)."""
    actor = uow.scope.actor
    try:
        async with uow.savepoint():
            await uow.sql.execute(
                """
                INSERT INTO payment_transactions (id, payment_id, order_id, kind, provider, environment, provider_ref,
                    amount, currency, actor_type, actor_id)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
                """,
                uuid7(), payment.id, order_id, kind, payment.provider, payment.environment, provider_ref,
                payment.amount, payment.currency, actor.kind, actor.id,
            )  # fmt: skip
    except asyncpg.UniqueViolationError:
        return False
    return True


async def derive_status(uow: Uow, order: OrderRow, *, is_cancelled: bool = False) -> str:
    """Sum the ledger, store the order's payment axis, answer it. The only writer of that axis."""
    row = await uow.sql.fetchrow(
        """
        SELECT coalesce(sum(amount) FILTER (WHERE kind IN ('capture', 'collect')), 0)::bigint AS captured,
               coalesce(sum(amount) FILTER (WHERE kind IN ('refund', 'chargeback')), 0)::bigint AS refunded,
               EXISTS (SELECT FROM payments p WHERE p.order_id = $1
                       AND p.status IN ('requires_action', 'processing', 'awaiting_verification')) AS has_open
        FROM payment_transactions WHERE order_id = $1
        """,
        order.id,
    )
    status = payment_status(total=order.total, **row, is_cancelled=is_cancelled)
    await orders.set_axis(uow, order, "payment_status", status)
    return status
