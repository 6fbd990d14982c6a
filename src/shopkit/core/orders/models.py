"""Orders, lines, addresses, history, numbers, notes (F6–F13)."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Identity, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from shopkit.core.customers.models import AddressColumns
from shopkit.core.kernel.tables import (
    APPEND_ONLY,
    Big,
    Minor,
    Rate,
    TenantRow,
    Timestamps,
    belongs_to,
    check,
    currency_check,
    func,
    one_of,
    unique,
)
from shopkit.core.orders.states import FULFILLMENT_STATUSES, ORDER, PAYMENT_STATUSES


class Order(Timestamps, TenantRow):
    """An order. Amounts are minor units of `currency`; `tax_included` is the tax inside the prices (I10)."""

    __tablename__ = "orders"
    __table_args__ = (
        belongs_to("store_id", "stores"),
        belongs_to("customer_id", "customers"),
        belongs_to("cart_id", "carts"),
        belongs_to("shipping_address_id", "order_addresses", is_circular=True),
        belongs_to("billing_address_id", "order_addresses", is_circular=True),
        unique("store_id", "number"),
        # I19: a cart has one order that is placed or may still be.
        unique("cart_id", where="status <> 'cancelled' OR placed_at IS NOT NULL"),
        one_of("status", ORDER.states),
        one_of("payment_status", PAYMENT_STATUSES),
        one_of("fulfillment_status", FULFILLMENT_STATUSES),
        currency_check(),
        check(
            "amounts_not_negative",
            "least(subtotal, discount_total, shipping_total, tax_total, tax_included, fee_total, total) >= 0",
        ),
        check(
            "total_adds_up_i10",
            "total = subtotal - discount_total + shipping_total + tax_total + fee_total AND total <= 1000000000000000",
        ),
        check("placed_when_not_draft", "status IN ('draft', 'cancelled') OR placed_at IS NOT NULL"),
        check("contact_phone_e164", r"contact_phone ~ '^\+[1-9][0-9]{1,14}$'"),
        Index("ix_orders_newest", "tenant_id", "store_id", text("created_at DESC"), text("id DESC")),
        # Nearly all orders have none, and filters name a key: `metadata @> … AND metadata <> '{}'`.
        Index("ix_orders_metadata", "metadata", postgresql_using="gin", postgresql_where=text("metadata <> '{}'")),
    )

    store_id: Mapped[UUID]
    customer_id: Mapped[UUID | None]
    cart_id: Mapped[UUID | None]
    number: Mapped[str]
    token_epoch: Mapped[int] = mapped_column(server_default="0")
    status: Mapped[str] = mapped_column(server_default="draft")
    payment_status: Mapped[str] = mapped_column(server_default="unpaid")
    fulfillment_status: Mapped[str] = mapped_column(server_default="unfulfilled")
    on_hold: Mapped[bool] = mapped_column(server_default="false")
    hold_reason: Mapped[str | None]
    archived_at: Mapped[datetime | None]
    last_payment_outcome: Mapped[str | None]
    currency: Mapped[str]
    subtotal: Mapped[Minor]
    discount_total: Mapped[Minor] = mapped_column(server_default="0")
    shipping_total: Mapped[Minor] = mapped_column(server_default="0")
    tax_total: Mapped[Minor] = mapped_column(server_default="0")
    """Tax added to the prices."""
    tax_included: Mapped[Minor] = mapped_column(server_default="0")
    """Tax contained in the prices."""
    fee_total: Mapped[Minor] = mapped_column(server_default="0")
    total: Mapped[Minor]
    tax_lines: Mapped[list[Any]] = mapped_column(server_default="[]")
    locale: Mapped[str]
    contact_name: Mapped[str]
    contact_email: Mapped[str | None]
    contact_phone: Mapped[str | None]
    shipping_address_id: Mapped[UUID | None]
    billing_address_id: Mapped[UUID | None]
    shipping_method: Mapped[dict[str, Any] | None]
    """What was chosen, readable for ever: `{code, name, price, eta_days}`."""
    payment_method: Mapped[str]
    customer_note: Mapped[str] = mapped_column(server_default="")
    traffic_source: Mapped[str | None]
    estimated_delivery_at: Mapped[datetime | None]
    placed_at: Mapped[datetime | None]
    confirmed_at: Mapped[datetime | None]
    processing_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]
    cancelled_by: Mapped[str | None]
    cancel_reason: Mapped[str | None]
    attributes: Mapped[dict[str, Any]] = mapped_column("metadata", server_default="{}")


class OrderItem(TenantRow):
    """A line as it was sold; nothing here follows the catalogue (I23). `total` = subtotal − discount + tax added."""

    __tablename__ = "order_items"
    __table_args__ = (
        belongs_to("order_id", "orders"),
        belongs_to("product_id", "products", "SET NULL (product_id)"),
        belongs_to("variant_id", "product_variants", "SET NULL (variant_id)"),
        belongs_to("vendor_id", "vendors"),
        unique("order_id", "position"),
        check("quantity_positive", "quantity > 0"),
        check("cancelled_within", "quantity_cancelled >= 0 AND quantity_cancelled <= quantity"),
        check("amounts_not_negative", "least(unit_price, subtotal, discount, tax, tax_included, total) >= 0"),
        check("line_adds_up", "subtotal = unit_price * quantity AND total = subtotal - discount + tax"),
    )

    order_id: Mapped[UUID]
    position: Mapped[int]
    product_id: Mapped[UUID | None]
    variant_id: Mapped[UUID | None]
    vendor_id: Mapped[UUID]
    title: Mapped[str]
    variant_title: Mapped[str] = mapped_column(server_default="")
    sku: Mapped[str | None]
    options: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    image_url: Mapped[str | None]
    is_tracked: Mapped[bool]
    """Whether stock is held for it."""
    quantity: Mapped[int]
    quantity_cancelled: Mapped[int] = mapped_column(server_default="0")
    unit_price: Mapped[Minor]
    compare_at: Mapped[Minor | None]
    subtotal: Mapped[Minor]
    discount: Mapped[Minor] = mapped_column(server_default="0")
    tax: Mapped[Minor] = mapped_column(server_default="0")
    tax_included: Mapped[Minor] = mapped_column(server_default="0")
    tax_rate: Mapped[Rate] = mapped_column(server_default="0")
    tax_name: Mapped[str] = mapped_column(server_default="")
    total: Mapped[Minor]
    customisation: Mapped[dict[str, Any] | None]
    product_snapshot: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    attributes: Mapped[dict[str, Any]] = mapped_column("metadata", server_default="{}")


class OrderAddress(AddressColumns, TenantRow):
    """Where it goes and who is billed, as it was at placement (D12)."""

    __tablename__ = "order_addresses"
    __table_args__ = (
        belongs_to("order_id", "orders"),
        unique("order_id", "type"),
        one_of("type", ("shipping", "billing")),
    )

    order_id: Mapped[UUID]
    type: Mapped[str]


AXES = ("order", "payment_status", "fulfillment_status", "payment", "shipment")


class OrderStatusHistory(TenantRow):
    """Every transition on every axis; replaying it gives the present state (I22)."""

    __tablename__ = "order_status_history"
    __table_args__ = (
        belongs_to("order_id", "orders"),
        one_of("axis", AXES),
        {"info": APPEND_ONLY},
    )

    position: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    order_id: Mapped[UUID]
    axis: Mapped[str]
    subject_id: Mapped[UUID | None]
    """The payment or shipment; null where the order itself changed."""
    from_status: Mapped[str | None]
    to_status: Mapped[str]
    actor_type: Mapped[str]
    actor_id: Mapped[str | None]
    reason: Mapped[str] = mapped_column(server_default="")
    request_id: Mapped[str] = mapped_column(server_default="")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class OrderNumberCounter(TenantRow):
    """The next number of a store; taken in a transaction of its own, so gaps are allowed (I21)."""

    __tablename__ = "order_number_counters"
    __table_args__ = (belongs_to("store_id", "stores"), unique("store_id"))

    store_id: Mapped[UUID]
    next_number: Mapped[Big] = mapped_column(server_default="1001")


class OrderNote(TenantRow):
    """What staff wrote on an order."""

    __tablename__ = "order_notes"
    __table_args__ = (belongs_to("order_id", "orders"), check("body_not_empty", "length(body) BETWEEN 1 AND 4000"))

    order_id: Mapped[UUID]
    body: Mapped[str]
    is_for_customer: Mapped[bool] = mapped_column(server_default="false")
    actor_type: Mapped[str]
    actor_id: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
