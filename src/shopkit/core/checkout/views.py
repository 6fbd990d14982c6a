"""From baskets and orders to what buyers see. Pure."""

from shopkit.core.cart.schemas import CartRow, Contact
from shopkit.core.cart.totals import Totals
from shopkit.core.checkout.basket import Basket
from shopkit.core.checkout.queries import BasketLine
from shopkit.core.checkout.schemas import (
    CartItemView,
    CartView,
    ContactView,
    OrderItemView,
    OrderView,
    PaymentView,
    ShipmentView,
    ShippingChoiceView,
    ShippingOptionView,
    TimelineEntry,
    TotalsView,
)
from shopkit.core.kernel.views import MoneyView
from shopkit.core.orders.schemas import OrderDoc
from shopkit.core.orders.states import display_status


class Writer:
    """Writes amounts of one currency for one language."""

    def __init__(self, currency: str, locale: str) -> None:
        self._currency = currency
        self._locale = locale

    def money(self, amount: int) -> MoneyView:
        """An amount in minor units."""
        return MoneyView.of(amount, self._currency, self._locale)

    def maybe(self, amount: int | None) -> MoneyView | None:
        """An amount that may be missing."""
        return None if amount is None else self.money(amount)

    def totals(self, totals: Totals) -> TotalsView:
        """What it all comes to."""
        return TotalsView(**{name: self.money(getattr(totals, name)) for name in Totals.__struct_fields__})


def cart_view(cart: CartRow, basket: Basket, locale: str, *, token: str | None = None) -> CartView:
    """A cart as it stands now."""
    write = Writer(cart.currency, locale)
    return CartView(
        id=cart.id,
        token=token,
        status=cart.status,  # type: ignore[arg-type]
        currency=cart.currency,
        items=[_item(line, basket, write) for line in basket.lines],
        totals=write.totals(basket.priced.totals),
        contact=contact_view(basket.choices.contact),
        shipping_address=basket.choices.shipping_address,
        billing_address=basket.choices.billing_address,
        shipping_option=basket.choices.shipping_option,
        payment_method=basket.choices.payment_method,
        note=basket.choices.note,
        requirements=basket.requirements,
        expires_at=cart.expires_at,
    )


def _item(line: BasketLine, basket: Basket, write: Writer) -> CartItemView:
    amount = line.amount if line.is_available else None
    return CartItemView(
        id=line.id,
        variant_id=line.variant_id,
        product_slug=line.slug if line.is_listed else None,
        title=line.title or line.snapshot_title or "",
        variant_title=line.variant_title,
        sku=line.sku,
        options=line.options,
        image_url=line.image_url,
        quantity=line.quantity,
        customisation=line.customisation,
        unit_price=write.maybe(amount),
        compare_at=write.maybe(line.compare_at if amount is not None else None),
        total=write.maybe(None if amount is None else amount * line.quantity),
        price_changed=amount is not None and bool(line.shown_price) and line.shown_price != amount,
        available=line.is_available and line.variant_id not in basket.short,
    )


def contact_view(contact: Contact) -> ContactView:
    """Who buys."""
    return ContactView(name=contact.name, phone=contact.phone, email=contact.email)


def option_views(basket: Basket, write: Writer) -> list[ShippingOptionView]:
    """The ways of delivery."""
    return [
        ShippingOptionView(
            code=option.code,
            name=option.name,
            price=write.money(option.price),
            eta_days=option.eta_max_days,
            eta_min_days=option.eta_min_days,
        )
        for option in basket.options
    ]


def order_view(order: OrderDoc, locale: str, *, token: str | None = None) -> OrderView:
    """What the buyer may see."""
    write = Writer(order.currency, locale)
    choice = order.shipping_method
    return OrderView(
        id=order.id,
        number=order.number,
        token=token,
        status=order.status,
        payment_status=order.payment_status,
        fulfillment_status=order.fulfillment_status,
        display_status=display_status(order.status, order.payment_status, order.fulfillment_status),
        currency=order.currency,
        items=[
            OrderItemView(
                id=line.id,
                variant_id=line.variant_id,
                title=line.title,
                variant_title=line.variant_title,
                sku=line.sku,
                options=line.options,
                image_url=line.image_url,
                quantity=line.quantity,
                unit_price=write.money(line.unit_price),
                total=write.money(line.total),
                customisation=line.customisation,
            )
            for line in order.items
        ],
        totals=write.totals(
            Totals(
                subtotal=order.subtotal,
                discount=order.discount_total,
                shipping=order.shipping_total,
                tax=order.tax_total,
                tax_included=order.tax_included,
                total=order.total,
            )
        ),
        contact=ContactView(name=order.contact_name, phone=order.contact_phone, email=order.contact_email),
        shipping_address=order.shipping_address,
        billing_address=order.billing_address,
        shipping_option=None
        if choice is None
        else ShippingChoiceView(
            code=choice.code, name=choice.name, price=write.money(choice.price), eta_days=choice.eta_max_days
        ),
        payment_method=order.payment_method,
        note=order.customer_note,
        timeline=[
            TimelineEntry(axis=step.axis, status=step.to_status, at=step.created_at or order.created_at)
            for step in order.history
        ],
        payments=[
            PaymentView(
                id=payment.id, method=payment.provider, status=payment.status, amount=write.money(payment.amount)
            )
            for payment in order.payments
        ],
        shipments=[
            ShipmentView(
                number=shipment.number,
                status=shipment.status,
                carrier=shipment.carrier,
                tracking_status=shipment.tracking_status,
                tracking_number=shipment.tracking_number,
                tracking_url=shipment.tracking_url,
                shipped_at=shipment.shipped_at,
                delivered_at=shipment.delivered_at,
            )
            for shipment in order.shipments
        ],
        placed_at=order.placed_at,
    )
