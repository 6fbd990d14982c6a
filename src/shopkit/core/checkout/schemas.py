"""What buyers send and see: carts, choices, orders."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, field

from shopkit.core.cart.schemas import ContactInput
from shopkit.core.customers.address import Address
from shopkit.core.kernel.inputs import Command, GivenMoney, Id, Line, Paragraph, View
from shopkit.core.kernel.views import MoneyView
from shopkit.sdk.errors import FieldError

Quantity = Annotated[int, Meta(ge=1, le=1000)]
Customisation = Annotated[dict[Line, Line], Meta(max_length=20)]


class AddItem(Command, frozen=True, kw_only=True):
    """Put a variant into the cart; the same variant and customisation sums."""

    variant_id: Id
    quantity: Quantity
    customisation: Customisation | None = None


class NewCart(Command, frozen=True, kw_only=True):
    """A new cart, perhaps with something in it."""

    items: Annotated[list[AddItem], Meta(max_length=100)] = field(default_factory=list)


class SetQuantity(Command, frozen=True, kw_only=True):
    """How many units a line shall have."""

    quantity: Quantity


class Complete(Command, frozen=True, kw_only=True):
    """Place the order, if it costs what the customer accepted."""

    expected_total: GivenMoney


class QuickOrder(Command, frozen=True, kw_only=True):
    """An order in one request."""

    items: Annotated[list[AddItem], Meta(min_length=1, max_length=100)]
    contact: ContactInput
    shipping_address: Address | None = None
    billing_address: Address | None = None
    payment_method: Line
    shipping_option: Line | None = None
    """Without one, the first that is offered."""
    expected_total: GivenMoney | None = None
    note: Paragraph = ""


class PayAgain(Command, frozen=True, kw_only=True):
    """Pay an unpaid order again, or otherwise."""

    payment_method: Line


class CartItemView(View, frozen=True, kw_only=True):
    """A line of a cart."""

    id: UUID
    variant_id: UUID
    product_slug: str | None
    title: str
    variant_title: str
    sku: str | None
    options: dict[str, str]
    image_url: str | None
    quantity: int
    customisation: dict[str, str] | None
    unit_price: MoneyView | None
    compare_at: MoneyView | None
    total: MoneyView | None
    price_changed: bool
    """The price differs from the one shown before."""
    available: bool
    """Whether it can be bought now, in this quantity."""


class TotalsView(View, frozen=True, kw_only=True):
    """What it comes to. `tax` is added to the prices, `tax_included` lies within them."""

    subtotal: MoneyView
    discount: MoneyView
    shipping: MoneyView
    tax: MoneyView
    tax_included: MoneyView
    total: MoneyView


class ContactView(View, frozen=True, kw_only=True):
    """Who buys; the phone as E.164."""

    name: str | None
    phone: str | None
    email: str | None


class CartView(View, frozen=True, kw_only=True):
    """A cart as it stands now."""

    id: UUID
    token: str | None = None
    """Given once, when the cart is made; send it back as `X-Cart-Token`."""
    status: Literal["active", "abandoned", "merged", "converted"]
    currency: str
    items: list[CartItemView]
    totals: TotalsView
    contact: ContactView
    shipping_address: Address | None
    billing_address: Address | None
    shipping_option: str | None
    payment_method: str | None
    coupon_codes: list[str] = field(default_factory=list)
    note: str
    requirements: list[FieldError]
    """What is still needed before the order can be placed."""
    expires_at: datetime


class ShippingOptionView(View, frozen=True, kw_only=True):
    """A way of delivery; `eta_days` is the longest expected time."""

    code: str
    name: str
    price: MoneyView
    eta_days: int | None
    eta_min_days: int | None


class ShippingOptions(View, frozen=True, kw_only=True):
    """What can be chosen now."""

    items: list[ShippingOptionView]


class PaymentMethodView(View, frozen=True, kw_only=True):
    """A way to pay."""

    code: str
    name: str
    kind: Literal["redirect", "component", "offline", "cod"]


class PaymentMethods(View, frozen=True, kw_only=True):
    """What can be chosen now."""

    items: list[PaymentMethodView]


class OrderItemView(View, frozen=True, kw_only=True):
    """A line of an order, as it was sold."""

    id: UUID
    variant_id: UUID | None
    title: str
    variant_title: str
    sku: str | None
    options: dict[str, str]
    image_url: str | None
    quantity: int
    unit_price: MoneyView
    total: MoneyView
    customisation: dict[str, str] | None


class TimelineEntry(View, frozen=True, kw_only=True):
    """Something that happened to the order."""

    axis: str
    status: str
    at: datetime


class PaymentView(View, frozen=True, kw_only=True):
    """An attempt to pay."""

    id: UUID
    method: str
    status: str
    amount: MoneyView


class ShipmentView(View, frozen=True, kw_only=True):
    """A parcel."""

    number: str
    status: str
    carrier: str
    tracking_status: str
    tracking_number: str | None
    tracking_url: str | None
    shipped_at: datetime | None
    delivered_at: datetime | None


class ShippingChoiceView(View, frozen=True, kw_only=True):
    """The chosen way of delivery."""

    code: str
    name: str
    price: MoneyView
    eta_days: int | None


class OrderView(View, frozen=True, kw_only=True):
    """What the buyer may see of the order."""

    id: UUID
    number: str
    token: str | None = None
    """Proof that the order is yours; send it back as `X-Order-Token`."""
    status: str
    payment_status: str
    fulfillment_status: str
    display_status: str
    currency: str
    items: list[OrderItemView]
    totals: TotalsView
    contact: ContactView
    shipping_address: Address | None
    billing_address: Address | None
    shipping_option: ShippingChoiceView | None
    payment_method: str
    note: str
    timeline: list[TimelineEntry]
    payments: list[PaymentView]
    shipments: list[ShipmentView]
    downloads: list[str] = field(default_factory=list)
    placed_at: datetime | None


class Next(View, frozen=True, kw_only=True):
    """What the client does next: nothing, or go to a gateway's page."""

    kind: Literal["none", "redirect"] = "none"
    url: str | None = None


class Placed(View, frozen=True, kw_only=True):
    """The order, and what comes next."""

    order: OrderView
    next: Next = Next()
