"""A buyer's cart: every edit is one transaction that ends with the cart as it now stands."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET, Struct

from shopkit.core.cart import service as carts
from shopkit.core.cart.errors import CartNotFound, VariantUnavailable
from shopkit.core.cart.schemas import CartChange, CartRow, Contact, ContactInput
from shopkit.core.cart.service import LineInput
from shopkit.core.cart.settings import CartSettings
from shopkit.core.checkout import queries
from shopkit.core.checkout.basket import Basket, Choices
from shopkit.core.checkout.schemas import AddItem, CartView
from shopkit.core.checkout.views import cart_view
from shopkit.core.customers import address as addresses
from shopkit.core.customers.contact import InvalidContact, normalise_email, normalise_phone
from shopkit.core.inventory import service as inventory
from shopkit.core.inventory.settings import InventorySettings
from shopkit.core.kernel.uow import Uow
from shopkit.core.payments import methods
from shopkit.core.settings import service as settings
from shopkit.core.shipping import service as shipping
from shopkit.sdk.errors import FieldError, Invalid


def line_input(item: AddItem) -> LineInput:
    """A line as the cart's service takes it."""
    return LineInput(variant_id=item.variant_id, quantity=item.quantity, customisation=item.customisation)


def normalise_contact(uow: Uow, given: ContactInput | None) -> Contact:
    """Phone as E.164, e-mail in lower case. Raises `Invalid` with a pointer for each that is wrong."""
    if given is None:
        return Contact()
    # A name of blanks is none: the order would be addressed to nobody.
    name = " ".join((given.name or "").split()) or None
    found: dict[str, str | None] = {"name": name, "phone": None, "email": None}
    errors = []
    try:
        found["phone"] = normalise_phone(given.phone, uow.scope.store.country_code) if given.phone else None
    except InvalidContact as error:
        errors.append(FieldError(field="/contact/phone", code=error.code, message=str(error)))
    try:
        found["email"] = normalise_email(given.email) if given.email else None
    except InvalidContact as error:
        errors.append(FieldError(field="/contact/email", code=error.code, message=str(error)))
    if errors:
        raise Invalid(errors=errors)
    return Contact(**found)


async def basket_of(uow: Uow, cart: CartRow) -> Basket:
    """The cart's basket, read now."""
    return await _basket(uow, cart, await queries.of_cart(uow, cart.id, cart.currency))


async def _basket(uow: Uow, cart: CartRow, data: queries.BasketData) -> Basket:
    choices = Choices(
        contact=cart.contact,
        shipping_address=cart.shipping_address,
        billing_address=cart.billing_address,
        shipping_option=cart.shipping_option,
        payment_method=cart.payment_method,
        note=cart.note,
    )
    codes = tuple(method.code for method in await methods.offered(uow))
    return Basket(data, choices, uow.scope.store, codes, uow.scope.locale, currency=cart.currency)


async def read(uow: Uow, cart_id: UUID, epoch: int) -> tuple[CartRow, Basket]:
    """The cart and its basket in one statement. Raises `CartNotFound`; a cart past its time is still shown."""
    data = await queries.with_cart(uow, cart_id)
    if data.cart is None or data.cart.token_epoch != epoch:
        raise CartNotFound
    return data.cart, await _basket(uow, data.cart, data)


async def show(uow: Uow, cart_id: UUID, epoch: int) -> CartView:
    """The cart as it stands now."""
    cart, basket = await read(uow, cart_id, epoch)
    return cart_view(cart, basket, uow.scope.locale)


async def create(uow: Uow, items: list[AddItem]) -> tuple[CartRow, CartView]:
    """A new cart, perhaps with something in it."""
    cart = await carts.create(uow)
    if not items:
        nothing = queries.BasketData(now=cart.expires_at, lines=[], rates=[], taxes=[])
        return cart, cart_view(cart, await _basket(uow, cart, nothing), uow.scope.locale)
    await carts.add_lines(uow, cart.id, [line_input(item) for item in items], at="/items")
    return cart, await _finish(uow, cart, places(items))


async def add(uow: Uow, cart_id: UUID, epoch: int, item: AddItem) -> CartView:
    """Put something in. Raises `OutOfStock`, `VariantUnavailable`, `TooManyLines`."""
    cart = await carts.open_and_add(uow, cart_id, epoch, line_input(item))
    return await _finish(uow, cart, {item.variant_id: ""})


async def set_quantity(uow: Uow, cart_id: UUID, epoch: int, item_id: UUID, quantity: int) -> CartView:
    """Change a line. Raises `OutOfStock` for more than there is."""
    cart = await carts.open_for_edit(uow, cart_id, epoch)
    await carts.set_quantity(uow, cart.id, item_id, quantity)
    return await _finish(uow, cart, {}, item_id)


async def remove(uow: Uow, cart_id: UUID, epoch: int, item_id: UUID) -> CartView:
    """Take a line out."""
    cart = await carts.open_for_edit(uow, cart_id, epoch)
    await carts.remove(uow, cart.id, item_id)
    return await _finish(uow, cart, {})


async def change(uow: Uow, cart_id: UUID, epoch: int, given: CartChange) -> CartView:
    """Contact, addresses, choices, in any order. Raises `Invalid` with pointers; then nothing changed."""
    values = await _checked(uow, given)
    columns = {
        name: msgspec.json.encode(value) if isinstance(value, Struct) else value for name, value in values.items()
    }
    cart = await carts.open_for_edit(uow, cart_id, epoch, columns)
    return await _finish(uow, cart, {}, chosen=values.get("shipping_option"))


async def _checked(uow: Uow, given: CartChange) -> dict[str, Any]:
    """The given values, normalised. Raises `Invalid` with everything that is wrong with any of them."""
    values: dict[str, Any] = {}
    errors: list[FieldError] = []
    if given.contact is not UNSET:
        try:
            values["contact"] = normalise_contact(uow, given.contact)
        except Invalid as error:
            errors += error.errors
    for name in ("shipping_address", "billing_address"):
        address = getattr(given, name)
        if address is not UNSET:
            try:
                values[name] = None if address is None else addresses.accept(address, at=f"/{name}")
            except Invalid as error:
                errors += error.errors
    if given.shipping_option is not UNSET:
        values["shipping_option"] = given.shipping_option
    if given.payment_method is not UNSET:
        values["payment_method"] = given.payment_method
        known = {method.code for method in await methods.offered(uow)}
        if given.payment_method is not None and given.payment_method not in known:
            errors.append(unknown_option("/payment_method"))
    if given.coupon_codes:
        errors.append(FieldError(field="/coupon_codes", code="unknown_option", message="There are no coupons yet."))
    if given.note is not UNSET:
        values["note"] = given.note
    if errors:
        # A way of delivery is otherwise checked with the basket, which knows them all; here it is one more error.
        if values.get("shipping_option") not in {None, *(await shipping.store_methods(uow))}:
            errors.append(unknown_option("/shipping_option"))
        raise Invalid(errors=errors)
    return values


def unknown_option(field: str) -> FieldError:
    """A choice that the store does not have."""
    return FieldError(field=field, code="unknown_option", message="No such choice.")


async def _finish(
    uow: Uow,
    cart: CartRow,
    added: Mapping[UUID, str],
    item_id: UUID | None = None,
    *,
    chosen: str | None = None,
) -> CartView:
    """What every edit ends with: limits, holds where the store wants them, the prices that were shown, the view.

    `added` says where in the body each variant stands, for errors; `chosen` is a way of delivery to be known.
    """
    basket = await basket_of(uow, cart)
    if chosen is not None and chosen not in basket.method_codes:
        raise Invalid(errors=[FieldError(field="/shipping_option", code="unknown_option", message="No such choice.")])
    changed = {**added, **{line.variant_id: "" for line in basket.lines if line.id == item_id}}
    await check_lines(uow, basket, changed)
    holding = await settings.get(uow, InventorySettings)
    if holding.hold_on_add:
        available = {variant: units for variant, units in basket.demand.items() if variant not in basket.short}
        await inventory.hold_for_cart(uow, cart.id, available, seconds=holding.hold_seconds)
    stale = {
        line.id: line.amount for line in basket.lines if line.amount is not None and line.shown_price != line.amount
    }
    if stale:
        await carts.refresh_prices(uow, cart.id, stale)
    return cart_view(cart, basket, uow.scope.locale)


def places(items: Sequence[AddItem]) -> dict[UUID, str]:
    """Where each variant stands first in a list of items, as a pointer."""
    found: dict[UUID, str] = {}
    for place, item in enumerate(items):
        found.setdefault(item.variant_id, f"/items/{place}")
    return found


async def check_lines(uow: Uow, basket: Basket, changed: Mapping[UUID, str]) -> None:
    """Refuse what cannot be put in: `changed` says which variants are meant and where they stand in the body.

    Raises `TooManyLines`, `VariantUnavailable`, `Invalid` or `OutOfStock`.
    """
    options = await settings.get(uow, CartSettings)
    carts.check_size(len(basket.lines), options)
    for line in basket.lines:
        if line.variant_id not in changed:
            continue
        if not line.is_available:
            raise VariantUnavailable(details={"variant_id": str(line.variant_id)})
        if line.quantity > options.max_quantity or basket.exceeds_limit(line):
            most = min(options.max_quantity, line.max_per_order or options.max_quantity)
            field = f"{changed[line.variant_id]}/quantity"
            raise Invalid(errors=[FieldError(field=field, code="too_many_per_order", message=f"At most {most}.")])
    short = {variant: units for variant, units in basket.short.items() if variant in changed}
    if short:
        raise inventory.out_of_stock(short)
