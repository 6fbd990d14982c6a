"""Place an order (`states.md` 5.4). For what is paid on delivery everything happens in one transaction.

Order of statements: the number before it, every insert first, the stock last (`invariants.md` 10, 11).
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import TypeVar
from uuid import UUID

import msgspec

from shopkit.core.cart import service as carts
from shopkit.core.cart.errors import CartClosed, VariantUnavailable
from shopkit.core.cart.schemas import CartRow, Contact
from shopkit.core.checkout import queries
from shopkit.core.checkout.basket import Basket, Choices
from shopkit.core.checkout.carts import basket_of, check_lines, line_input, normalise_contact, places
from shopkit.core.checkout.errors import CartChanged, RequirementsMissing
from shopkit.core.checkout.process import CheckoutShop
from shopkit.core.checkout.schemas import Complete, QuickOrder
from shopkit.core.checkout.views import cart_view
from shopkit.core.customers import address as addresses
from shopkit.core.customers import service as customers
from shopkit.core.inventory import service as inventory
from shopkit.core.kernel import idempotency
from shopkit.core.kernel.idempotency import Key
from shopkit.core.kernel.ids import uuid7
from shopkit.core.kernel.retry import transact
from shopkit.core.kernel.scope import Scope
from shopkit.core.kernel.uow import Uow
from shopkit.core.orders import numbers
from shopkit.core.orders import queries as order_queries
from shopkit.core.orders import service as orders
from shopkit.core.orders.schemas import OrderDoc, OrderLine, PaymentLine, ShippingChoice, Step, TaxLine
from shopkit.core.orders.settings import OrderSettings
from shopkit.core.payments import methods
from shopkit.core.payments import service as payments
from shopkit.core.payments.settings import CodSettings
from shopkit.core.settings import service as settings
from shopkit.sdk.errors import FieldError, Invalid
from shopkit.sdk.events import OrderConfirmed, OrderPlaced, PaymentOpened
from shopkit.sdk.money import Money

T = TypeVar("T")


async def complete(
    shop: CheckoutShop, scope: Scope, *, cart_id: UUID, epoch: int, command: Complete, key: Key
) -> OrderDoc:
    """Turn the cart into an order. Completing it again, with any key, answers the same order (I19, I20)."""
    number = await shop.numbers.take(scope)

    async def work(uow: Uow) -> OrderDoc:
        if (stored := await idempotency.begin(uow, key)) and stored.subject_id:
            return await order_queries.get(uow, stored.subject_id)
        try:
            cart = await carts.open_for_edit(uow, cart_id, epoch)
        except CartClosed:
            order = await order_queries.find_by_cart(uow, cart_id)
            if order is None:
                raise
            await idempotency.store(uow, key, subject_id=order.id)
            return order
        basket = await basket_of(uow, cart)
        if basket.lines:
            _check_total(uow, cart, basket, command.expected_total.money)
        _check_requirements(basket)
        return await _place(uow, basket, cart, number, key)

    return await transact(shop, scope, work)


async def quick(shop: CheckoutShop, scope: Scope, command: QuickOrder, key: Key) -> OrderDoc:
    """An order in one request, without a cart."""
    number = await shop.numbers.take(scope)

    async def work(uow: Uow) -> OrderDoc:
        if (stored := await idempotency.begin(uow, key)) and stored.subject_id:
            return await order_queries.get(uow, stored.subject_id)
        basket = await _quick_basket(uow, command)
        await check_lines(uow, basket, places(command.items))
        if command.expected_total is not None:
            _check_total(uow, None, basket, command.expected_total.money)
        _check_requirements(basket)
        return await _place(uow, basket, None, number, key)

    return await transact(shop, scope, work)


async def _quick_basket(uow: Uow, command: QuickOrder) -> Basket:
    lines = [line_input(item) for item in command.items]
    data = await queries.of_lines(uow, lines)
    known = {line.variant_id for line in data.lines}
    errors = [
        FieldError(field=f"/items/{place}/variant_id", code="unknown_variant", message="No such product.")
        for place, line in enumerate(lines)
        if line.variant_id not in known
    ]
    choices = Choices(
        contact=_accepted(lambda: normalise_contact(uow, command.contact), errors) or Contact(),
        shipping_address=_accepted_address(command.shipping_address, "/shipping_address", errors),
        billing_address=_accepted_address(command.billing_address, "/billing_address", errors),
        shipping_option=command.shipping_option,
        payment_method=command.payment_method,
        note=command.note,
    )
    codes = tuple(method.code for method in await methods.offered(uow))
    if command.payment_method not in codes:
        errors.append(FieldError(field="/payment_method", code="unknown_option", message="No such choice."))
    if errors:
        raise Invalid(errors=errors)
    basket = Basket(data, choices, uow.scope.store, codes, uow.scope.locale)
    if command.shipping_option is None and basket.options:
        chosen = msgspec.structs.replace(choices, shipping_option=basket.options[0].code)
        basket = Basket(data, chosen, uow.scope.store, codes, uow.scope.locale)
    return basket


def _accepted_address(given: addresses.Address | None, at: str, errors: list[FieldError]) -> addresses.Address | None:
    return None if given is None else _accepted(lambda: addresses.accept(given, at=at), errors)


def _accepted(read: Callable[[], T], errors: list[FieldError]) -> T | None:
    """What was given, normalised; what is wrong with it joins the other errors."""
    try:
        return read()
    except Invalid as error:
        errors += error.errors
        return None


def _check_total(uow: Uow, cart: CartRow | None, basket: Basket, expected: Money) -> None:
    """The total that the customer accepted is the total now (I11)."""
    total = Money(basket.priced.totals.total, basket.currency)
    if expected == total:
        return
    details = {"total": {"amount": total.amount, "currency": total.currency}}
    if cart is not None:
        details["cart"] = msgspec.to_builtins(cart_view(cart, basket, uow.scope.locale))
    raise CartChanged(details=details)


def _check_requirements(basket: Basket) -> None:
    if basket.short:
        # A plain read refuses what is certainly not there; no lock is taken for it (I5 holds: overdue holds count).
        raise inventory.out_of_stock(basket.short)
    for line in basket.lines:
        if not line.is_available:
            raise VariantUnavailable(details={"variant_id": str(line.variant_id)})
    if basket.requirements:
        raise RequirementsMissing(
            details={"requirements": msgspec.to_builtins(basket.requirements)}, errors=basket.requirements
        )


async def _place(uow: Uow, basket: Basket, cart: CartRow | None, number: int, key: Key) -> OrderDoc:
    """Prepare and finalise in this transaction: what is collected on delivery needs nobody's answer."""
    contact = basket.choices.contact
    assert contact.name is not None
    customer_id = await customers.find_or_create(uow, name=contact.name, phone=contact.phone, email=contact.email)
    if basket.choices.shipping_address is not None:
        await customers.remember_address(uow, customer_id, basket.choices.shipping_address)
    written = numbers.written(number, await settings.get(uow, OrderSettings))
    is_confirmed = (await settings.get(uow, CodSettings)).auto_confirm
    order = _document(uow, basket, cart, customer_id, written, is_confirmed=is_confirmed)
    await orders.insert(uow, order)
    for payment in order.payments:
        await payments.insert(uow, order.id, payment)
    if cart is not None:
        await carts.convert(uow, cart.id, customer_id)
    _publish(uow, order)
    await idempotency.store(uow, key, subject_id=order.id)
    await inventory.reserve_for_placement(
        uow,
        order.id,
        cart.id if cart else None,
        basket.demand,
        likely=basket.likely,
        holds=basket.is_holding,
    )
    return order


def _publish(uow: Uow, order: OrderDoc) -> None:
    uow.publish(
        OrderPlaced(
            order_id=order.id,
            number=order.number,
            store_id=order.store_id,
            total=order.total,
            currency=order.currency,
            payment_method=order.payment_method,
        )
    )
    for payment in order.payments:
        uow.publish(
            PaymentOpened(
                order_id=order.id,
                number=order.number,
                payment_id=payment.id,
                provider=payment.provider,
                amount=payment.amount,
                currency=payment.currency,
            )
        )
    if order.status == "confirmed":
        uow.publish(OrderConfirmed(order_id=order.id, number=order.number))


def _document(
    uow: Uow, basket: Basket, cart: CartRow | None, customer_id: UUID, number: str, *, is_confirmed: bool
) -> OrderDoc:
    """The order with everything copied in; from here on it follows nothing (I23)."""
    choices, totals, store = basket.choices, basket.priced.totals, uow.scope.store
    option = basket.option
    method = choices.payment_method
    assert method is not None and choices.contact.name is not None
    attempts = _attempts(number, method, totals.total, basket.currency)
    address = choices.shipping_address
    axes = {
        "payment_status": "unpaid" if attempts else "paid",
        "fulfillment_status": "unfulfilled" if basket.needs_shipping else "not_required",
    }
    return OrderDoc(
        id=uuid7(),
        store_id=store.id,
        customer_id=customer_id,
        cart_id=cart.id if cart else None,
        number=number,
        status="confirmed" if is_confirmed else "pending",
        payment_status=axes["payment_status"],
        fulfillment_status=axes["fulfillment_status"],
        currency=basket.currency,
        subtotal=totals.subtotal,
        discount_total=totals.discount,
        shipping_total=totals.shipping,
        tax_total=totals.tax,
        tax_included=totals.tax_included,
        total=totals.total,
        tax_lines=_tax_lines(basket),
        locale=uow.scope.locale,
        contact_name=choices.contact.name,
        contact_phone=choices.contact.phone,
        contact_email=choices.contact.email,
        shipping_method=None
        if option is None
        else ShippingChoice(
            code=option.code,
            name=option.name,
            price=option.price,
            eta_min_days=option.eta_min_days,
            eta_max_days=option.eta_max_days,
        ),
        payment_method=method,
        customer_note=choices.note,
        placed_at=basket.now,
        confirmed_at=basket.now if is_confirmed else None,
        created_at=basket.now,
        items=_lines(basket),
        shipping_address=address,
        billing_address=choices.billing_address or address,
        history=_history(uow, attempts, is_confirmed=is_confirmed, axes=axes),
        payments=attempts,
    )


def _attempts(number: str, method: str, total: int, currency: str) -> list[PaymentLine]:
    if total == 0:
        return []
    return [
        PaymentLine(
            id=uuid7(),
            number=f"{number}-P1",
            provider=method,
            status="awaiting_collection",
            amount=total,
            currency=currency,
        )
    ]


def _history(uow: Uow, attempts: list[PaymentLine], *, is_confirmed: bool, axes: Mapping[str, str]) -> list[Step]:
    steps = [orders.step(uow, "order", None, "draft"), orders.step(uow, "order", "draft", "pending")]
    # Orders begin unpaid and unfulfilled; what begins otherwise needs a row, or a replay would not find it (I22).
    usual = {"unpaid", "unfulfilled"}
    steps += [orders.step(uow, axis, None, status) for axis, status in axes.items() if status not in usual]
    if is_confirmed:
        steps.append(orders.step(uow, "order", "pending", "confirmed", reason="cod.auto_confirm"))
    for payment in attempts:
        steps.append(orders.step(uow, "payment", None, "pending", subject_id=payment.id))
        steps.append(orders.step(uow, "payment", "pending", payment.status, subject_id=payment.id))
    return steps


def _lines(basket: Basket) -> list[OrderLine]:
    return [
        OrderLine(
            id=uuid7(),
            position=position,
            product_id=line.product_id,
            variant_id=line.variant_id,
            vendor_id=line.vendor_id,
            title=line.title,
            variant_title=line.variant_title,
            sku=line.sku,
            options=line.options,
            image_url=line.image_url,
            is_tracked=line.is_tracked,
            quantity=line.quantity,
            unit_price=line.amount or 0,
            compare_at=line.compare_at,
            subtotal=amounts.subtotal,
            discount=amounts.discount,
            tax=amounts.tax.added,
            tax_included=amounts.tax.included,
            tax_rate=amounts.tax.rate,
            tax_name=amounts.tax.name,
            total=amounts.total,
            customisation=line.customisation,
            product_snapshot={"slug": line.slug, "tax_class": line.tax_class},
        )
        for position, (line, amounts) in enumerate(zip(basket.sellable, basket.priced.lines, strict=True), start=1)
    ]


def _tax_lines(basket: Basket) -> list[TaxLine]:
    summed: dict[tuple[str, Decimal], tuple[int, int]] = {}
    for tax in [*(line.tax for line in basket.priced.lines), basket.priced.shipping_tax]:
        if tax.rate:
            added, included = summed.get((tax.name, tax.rate), (0, 0))
            summed[tax.name, tax.rate] = (added + tax.added, included + tax.included)
    return [
        TaxLine(name=name, rate=rate, added=added, included=included)
        for (name, rate), (added, included) in summed.items()
    ]
