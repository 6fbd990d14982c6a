"""What a basket adds up to: pure. Each line is rounded by itself, then summed; the total is what is asked for (I10)."""

from collections.abc import Sequence

from msgspec import Struct

from shopkit.core.tax.rates import NO_TAX, SHIPPING_CLASS, Tax, TaxRule, rule_for, tax_on
from shopkit.sdk.money import within_order_ceiling


class LineAmounts(Struct, frozen=True, kw_only=True):
    """A line in minor units. `total` = subtotal − discount + tax added."""

    subtotal: int
    discount: int
    tax: Tax
    total: int


class Totals(Struct, frozen=True, kw_only=True):
    """A basket in minor units. `total` = subtotal − discount + shipping + tax; `tax_included` is inside the prices."""

    subtotal: int
    discount: int
    shipping: int
    tax: int
    tax_included: int
    total: int


class Priced(Struct, frozen=True, kw_only=True):
    """The amounts of every line, in their order, and of the whole."""

    lines: list[LineAmounts]
    shipping_tax: Tax
    totals: Totals


class PricedLine(Struct, frozen=True, kw_only=True):
    """What a line's amounts depend on."""

    unit_price: int
    quantity: int
    tax_class: str
    discount: int = 0


def price(
    lines: Sequence[PricedLine],
    *,
    shipping: int,
    rules: Sequence[TaxRule],
    country_code: str,
    admin1: str | None,
) -> Priced:
    """Add everything up for a destination. Raises `AmountOutOfRange` beyond the ceiling of an order."""
    amounts = [_line(line, rules, country_code, admin1) for line in lines]
    shipping_rule = rule_for(rules, country_code=country_code, admin1=admin1, tax_class=SHIPPING_CLASS)
    shipping_tax = tax_on(shipping, shipping_rule) if shipping else NO_TAX
    subtotal = sum(line.subtotal for line in amounts)
    discount = sum(line.discount for line in amounts)
    tax = sum(line.tax.added for line in amounts) + shipping_tax.added
    totals = Totals(
        subtotal=subtotal,
        discount=discount,
        shipping=shipping,
        tax=tax,
        tax_included=sum(line.tax.included for line in amounts) + shipping_tax.included,
        total=within_order_ceiling(subtotal - discount + shipping + tax),
    )
    return Priced(lines=amounts, shipping_tax=shipping_tax, totals=totals)


def _line(line: PricedLine, rules: Sequence[TaxRule], country_code: str, admin1: str | None) -> LineAmounts:
    subtotal = line.unit_price * line.quantity
    net = subtotal - line.discount
    tax = tax_on(net, rule_for(rules, country_code=country_code, admin1=admin1, tax_class=line.tax_class))
    return LineAmounts(subtotal=subtotal, discount=line.discount, tax=tax, total=net + tax.added)
