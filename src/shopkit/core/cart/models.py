"""Carts and their lines (F1, F2, F4)."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from shopkit.core.cart.states import CART
from shopkit.core.kernel.tables import (
    Minor,
    TenantRow,
    Timestamps,
    belongs_to,
    check,
    currency_check,
    one_of,
    unique,
)


class Cart(Timestamps, TenantRow):
    """A cart; reached by a token that is computed, never stored. `completing_at` locks it while an order is started."""

    __tablename__ = "carts"
    __table_args__ = (
        belongs_to("store_id", "stores"),
        belongs_to("customer_id", "customers"),
        one_of("status", CART.states),
        currency_check(),
        Index("ix_carts_expiry", "tenant_id", "status", "expires_at",
              postgresql_where=text("status IN ('active', 'abandoned')")),
    )  # fmt: skip

    store_id: Mapped[UUID]
    customer_id: Mapped[UUID | None]
    status: Mapped[str] = mapped_column(server_default="active")
    currency: Mapped[str]
    locale: Mapped[str]
    token_epoch: Mapped[int] = mapped_column(server_default="0")
    contact: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    shipping_address: Mapped[dict[str, Any] | None]
    billing_address: Mapped[dict[str, Any] | None]
    shipping_option: Mapped[str | None]
    payment_method: Mapped[str | None]
    note: Mapped[str] = mapped_column(server_default="")
    merged_into_id: Mapped[UUID | None]
    expires_at: Mapped[datetime]
    completing_at: Mapped[datetime | None]
    lock_version: Mapped[int] = mapped_column(server_default="0")


class CartItem(Timestamps, TenantRow):
    """A line: one variant and customisation. `unit_price` is the last price shown; `snapshot` outlives the product."""

    __tablename__ = "cart_items"
    __table_args__ = (
        belongs_to("cart_id", "carts", "CASCADE"),
        belongs_to("variant_id", "product_variants"),
        belongs_to("vendor_id", "vendors"),
        unique("cart_id", "variant_id", "customisation_hash", nulls_not_distinct=True),
        check("quantity_range", "quantity > 0 AND quantity <= 100000"),
    )

    cart_id: Mapped[UUID]
    variant_id: Mapped[UUID]
    vendor_id: Mapped[UUID]
    quantity: Mapped[int]
    customisation: Mapped[dict[str, Any] | None]
    customisation_hash: Mapped[str | None]
    unit_price: Mapped[Minor]
    snapshot: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
