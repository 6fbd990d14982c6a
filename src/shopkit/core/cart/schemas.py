"""The cart's row, and what a customer may say about it."""

from datetime import datetime
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from shopkit.core.customers.address import Address
from shopkit.core.kernel.inputs import Command, Line, Paragraph


class ContactInput(Command, frozen=True, kw_only=True):
    """Who buys. All may be missing while the cart is edited; placing asks for name and phone."""

    name: Line | None = None
    phone: Line | None = None
    """Any common spelling; answered as E.164."""
    email: Line | None = None


class Contact(Struct, frozen=True, kw_only=True):
    """Who buys, normalised."""

    name: str | None = None
    phone: str | None = None
    email: str | None = None


class CartRow(Struct, frozen=True, kw_only=True):
    """A cart as it is stored, without its lines."""

    id: UUID
    status: str
    currency: str
    token_epoch: int
    contact: Contact
    shipping_address: Address | None
    billing_address: Address | None
    shipping_option: str | None
    payment_method: str | None
    note: str
    customer_id: UUID | None
    expires_at: datetime


class CartChange(Command, frozen=True, kw_only=True):
    """Any of these, in any order; what is left out stays, null clears."""

    contact: ContactInput | UnsetType | None = UNSET
    shipping_address: Address | UnsetType | None = UNSET
    billing_address: Address | UnsetType | None = UNSET
    shipping_option: Line | UnsetType | None = UNSET
    payment_method: Line | UnsetType | None = UNSET
    coupon_codes: list[str] | UnsetType = UNSET
    """Coupons come later: only an empty list is taken."""
    note: Paragraph | UnsetType = UNSET
