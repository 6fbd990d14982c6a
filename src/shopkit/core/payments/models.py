"""Attempts and ledger (G1, G2, D25, D27)."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from shopkit.core.kernel.tables import (
    APPEND_ONLY,
    Minor,
    TenantRow,
    Timestamps,
    belongs_to,
    check,
    currency_check,
    func,
    one_of,
    unique,
)
from shopkit.core.payments.states import PAYMENT

ENVIRONMENTS = ("live", "sandbox")


class Payment(Timestamps, TenantRow):
    """One attempt to pay an order by one provider; an order with attempts is never deleted."""

    __tablename__ = "payments"
    __table_args__ = (
        belongs_to("order_id", "orders"),
        unique("order_id", "number"),  # begins with the order's number, which is unique in its store
        unique("provider", "provider_ref", where="provider_ref IS NOT NULL"),
        one_of("status", PAYMENT.states),
        one_of("environment", ENVIRONMENTS),
        check("amount_positive", "amount > 0"),
        currency_check(),
    )

    order_id: Mapped[UUID]
    number: Mapped[str]
    provider: Mapped[str]
    environment: Mapped[str] = mapped_column(server_default="live")
    amount: Mapped[Minor]
    currency: Mapped[str]
    status: Mapped[str] = mapped_column(server_default="pending")
    provider_ref: Mapped[str | None]
    refs: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    method_type: Mapped[str | None]
    method_display: Mapped[str | None]
    failure_reason: Mapped[str | None]
    expires_at: Mapped[datetime | None]
    succeeded_at: Mapped[datetime | None]
    attributes: Mapped[dict[str, Any]] = mapped_column("metadata", server_default="{}")


LEDGER_KINDS = (
    "authorize", "capture", "collect", "remit", "void", "refund", "chargeback", "fee", "adjustment",
)  # fmt: skip


class PaymentTransaction(TenantRow):
    """Money that verifiably moved: a row per provider transaction and kind, once (I12)."""

    __tablename__ = "payment_transactions"
    __table_args__ = (
        belongs_to("payment_id", "payments"),
        belongs_to("order_id", "orders"),
        unique("provider", "environment", "provider_ref", "kind"),
        one_of("kind", LEDGER_KINDS),
        one_of("environment", ENVIRONMENTS),
        check("amount_positive", "amount > 0"),
        currency_check(),
        {"info": APPEND_ONLY},
    )

    payment_id: Mapped[UUID]
    order_id: Mapped[UUID]
    kind: Mapped[str]
    provider: Mapped[str]
    environment: Mapped[str]
    provider_ref: Mapped[str]
    amount: Mapped[Minor]
    currency: Mapped[str]
    actor_type: Mapped[str]
    actor_id: Mapped[str | None]
    attributes: Mapped[dict[str, Any]] = mapped_column("metadata", server_default="{}")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
