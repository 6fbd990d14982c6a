"""Stock levels, holds, ledger (IV1, IV2, IV4, IV5)."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Computed, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from shopkit.core.inventory.states import RESERVATION
from shopkit.core.kernel.tables import APPEND_ONLY, TenantRow, Timestamps, belongs_to, check, func, one_of, unique


class InventoryStock(Timestamps, TenantRow):
    """How many units of a variant lie at a location (`stock`) and how many are promised (`reserved`)."""

    __tablename__ = "inventory_stocks"
    __table_args__ = (
        belongs_to("variant_id", "product_variants"),
        belongs_to("location_id", "store_locations"),
        unique("variant_id", "location_id"),
        check(
            "bounds_i1", "stock >= 0 AND reserved >= 0 AND reserved <= stock + oversell_limit AND oversell_limit >= 0"
        ),
        {"postgresql_with": {"fillfactor": 70}},
    )

    variant_id: Mapped[UUID]
    location_id: Mapped[UUID]
    stock: Mapped[int] = mapped_column(server_default="0")
    reserved: Mapped[int] = mapped_column(server_default="0")
    oversell_limit: Mapped[int] = mapped_column(server_default="0")
    """How many units may be promised beyond what is there (backorder)."""
    available: Mapped[int] = mapped_column(Computed("stock - reserved", persisted=True))
    reorder_level: Mapped[int] = mapped_column(server_default="10")
    reorder_quantity: Mapped[int | None]
    restocked_at: Mapped[datetime | None]


class InventoryReservation(Timestamps, TenantRow):
    """A hold on a stock row for a cart or an order; `expires_at` null holds until the order ends."""

    __tablename__ = "inventory_reservations"
    __table_args__ = (
        belongs_to("stock_id", "inventory_stocks"),
        belongs_to("variant_id", "product_variants"),
        belongs_to("cart_id", "carts"),
        belongs_to("order_id", "orders"),
        one_of("status", RESERVATION.states),
        check("quantity_positive", "quantity > 0"),
        check("one_owner", "(cart_id IS NULL) <> (order_id IS NULL)"),
        Index("ix_inventory_reservations_due", "tenant_id", "variant_id", "expires_at",
              postgresql_where=text("status = 'active' AND expires_at IS NOT NULL")),
    )  # fmt: skip

    stock_id: Mapped[UUID]
    variant_id: Mapped[UUID]
    cart_id: Mapped[UUID | None]
    order_id: Mapped[UUID | None]
    quantity: Mapped[int]
    status: Mapped[str] = mapped_column(server_default="active")
    expires_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


LEDGER_TYPES = ("restock", "sale", "reservation", "release", "adjustment", "return", "transfer", "damage")


class InventoryTransaction(TenantRow):
    """The ledger: each change of a stock row. `stock_delta` sums to `stock` (I3), `reserved_delta` to `reserved`."""

    __tablename__ = "inventory_transactions"
    __table_args__ = (
        belongs_to("stock_id", "inventory_stocks"),
        one_of("type", LEDGER_TYPES),
        check("changes_something", "stock_delta <> 0 OR reserved_delta <> 0"),
        {"info": APPEND_ONLY},
    )

    stock_id: Mapped[UUID]
    type: Mapped[str]
    stock_delta: Mapped[int] = mapped_column(server_default="0")
    reserved_delta: Mapped[int] = mapped_column(server_default="0")
    reference_id: Mapped[UUID | None]
    """The cart, order or shipment behind the change."""
    reason: Mapped[str] = mapped_column(server_default="")
    actor_type: Mapped[str]
    actor_id: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
