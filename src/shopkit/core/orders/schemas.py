"""An order as one document: what placement writes, what is read back, what views are made from.

Field names are the columns', so that one JSON text carries it into and out of PostgreSQL. Amounts are minor units.
"""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from msgspec import Struct, field

from shopkit.core.customers.address import Address


class OrderLine(Struct, frozen=True, kw_only=True):
    """A line as it was sold."""

    id: UUID
    position: int
    product_id: UUID | None
    variant_id: UUID | None
    vendor_id: UUID
    title: str
    variant_title: str
    sku: str | None
    options: dict[str, str]
    image_url: str | None
    is_tracked: bool
    quantity: int
    quantity_cancelled: int = 0
    unit_price: int
    compare_at: int | None
    subtotal: int
    discount: int
    tax: int
    tax_included: int
    tax_rate: Decimal
    tax_name: str
    total: int
    customisation: dict[str, str] | None
    product_snapshot: dict[str, str | None] = {}


class ShippingChoice(Struct, frozen=True, kw_only=True):
    """The way of delivery that was chosen, readable for ever."""

    code: str
    name: str
    price: int
    eta_min_days: int | None = None
    eta_max_days: int | None = None


class TaxLine(Struct, frozen=True, kw_only=True):
    """One tax of the order: what it is called, its rate, what it comes to."""

    name: str
    rate: Decimal
    added: int
    included: int


class Step(Struct, frozen=True, kw_only=True):
    """A row of the history."""

    axis: str
    subject_id: UUID | None = None
    from_status: str | None = None
    to_status: str
    actor_type: str
    actor_id: str | None = None
    reason: str = ""
    created_at: datetime | None = None


class PaymentLine(Struct, frozen=True, kw_only=True):
    """An attempt to pay."""

    id: UUID
    number: str
    provider: str
    status: str
    amount: int
    currency: str


class ShipmentLine(Struct, frozen=True, kw_only=True):
    """A shipment."""

    id: UUID
    number: str
    status: str
    carrier: str
    tracking_status: str
    tracking_number: str | None = None
    tracking_url: str | None = None
    shipped_at: datetime | None = None
    delivered_at: datetime | None = None


class OrderDoc(Struct, frozen=True, kw_only=True):
    """The whole order."""

    id: UUID
    store_id: UUID
    customer_id: UUID | None
    cart_id: UUID | None
    number: str
    token_epoch: int = 0
    status: str
    payment_status: str
    fulfillment_status: str
    on_hold: bool = False
    currency: str
    subtotal: int
    discount_total: int
    shipping_total: int
    tax_total: int
    tax_included: int
    fee_total: int = 0
    total: int
    tax_lines: list[TaxLine] = []
    locale: str
    contact_name: str
    contact_phone: str | None
    contact_email: str | None
    shipping_method: ShippingChoice | None
    payment_method: str
    customer_note: str = ""
    placed_at: datetime | None
    confirmed_at: datetime | None = None
    processing_at: datetime | None = None
    completed_at: datetime | None = None
    cancelled_at: datetime | None = None
    cancel_reason: str | None = None
    created_at: datetime
    items: list[OrderLine]
    shipping_address: Address | None
    billing_address: Address | None
    history: list[Step] = []
    payments: list[PaymentLine] = []
    shipments: list[ShipmentLine] = field(default_factory=list)
