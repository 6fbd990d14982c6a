"""What a basket adds up to: to the unit, whatever is in it and wherever it goes (I9, I10)."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopkit.core.cart.totals import Priced, PricedLine, price
from shopkit.core.tax.rates import TaxRule
from shopkit.sdk.money import MAX_ORDER_AMOUNT, AmountOutOfRange

CLASSES = ("standard", "reduced", "shipping")


@st.composite
def priced_lines(draw: Any) -> PricedLine:
    unit_price, quantity = draw(st.integers(0, 10**9)), draw(st.integers(1, 1000))
    discount = draw(st.one_of(st.just(0), st.integers(0, unit_price * quantity)))
    tax_class = draw(st.sampled_from(CLASSES[:2]))
    return PricedLine(unit_price=unit_price, quantity=quantity, tax_class=tax_class, discount=discount)


tax_rules = st.builds(
    TaxRule,
    country_code=st.sampled_from([None, "BD", "IN"]),
    admin1=st.sampled_from([None, "Dhaka"]),
    tax_class=st.sampled_from(CLASSES),
    name=st.just("VAT"),
    rate=st.decimals(0, 1, places=6),
    is_inclusive=st.booleans(),
)
lines = st.lists(priced_lines(), max_size=6)
rules = st.lists(tax_rules, max_size=6)
shippings = st.integers(0, 10**7)


def priced(lines: list[PricedLine], shipping: int, rules: list[TaxRule], admin1: str | None = None) -> Priced:
    return price(lines, shipping=shipping, rules=rules, country_code="BD", admin1=admin1)


def rule(rate: str, *, tax_class: str = "standard", is_inclusive: bool = True, **place: str | None) -> TaxRule:
    place = {"country_code": None, "admin1": None} | place
    return TaxRule(**place, tax_class=tax_class, name="VAT", rate=Decimal(rate), is_inclusive=is_inclusive)


@given(lines, shippings, rules)
def test_i10_the_total_is_the_sum_of_its_parts(lines: list[PricedLine], shipping: int, rules: list[TaxRule]) -> None:
    found = priced(lines, shipping, rules)
    totals = found.totals
    assert totals.total == totals.subtotal - totals.discount + totals.shipping + totals.tax
    assert totals.total == sum(line.total for line in found.lines) + shipping + found.shipping_tax.added
    assert totals.tax == sum(line.tax.added for line in found.lines) + found.shipping_tax.added
    assert totals.tax_included == sum(line.tax.included for line in found.lines) + found.shipping_tax.included


@given(lines, shippings, rules)
def test_i10_each_line_adds_up_and_nothing_is_negative(
    lines: list[PricedLine], shipping: int, rules: list[TaxRule]
) -> None:
    found = priced(lines, shipping, rules)
    for line, given_line in zip(found.lines, lines, strict=True):
        assert line.subtotal == given_line.unit_price * given_line.quantity
        assert line.total == line.subtotal - line.discount + line.tax.added
        assert 0 <= line.tax.included <= line.subtotal - line.discount
        assert min(line.subtotal, line.discount, line.tax.added, line.total) >= 0
        assert not (line.tax.added and line.tax.included)
    assert min(getattr(found.totals, name) for name in found.totals.__struct_fields__) >= 0


@given(lines, shippings, rules)
def test_i9_every_amount_is_an_integer(lines: list[PricedLine], shipping: int, rules: list[TaxRule]) -> None:
    totals = priced(lines, shipping, rules).totals
    assert {type(getattr(totals, name)) for name in totals.__struct_fields__} == {int}


@given(lines, shippings, rules)
def test_an_inclusive_tax_does_not_change_what_is_paid(
    lines: list[PricedLine], shipping: int, rules: list[TaxRule]
) -> None:
    inclusive = [each for each in rules if each.is_inclusive]
    assert priced(lines, shipping, inclusive).totals.total == priced(lines, shipping, []).totals.total


@given(lines, shippings, rules, st.randoms())
def test_the_order_of_lines_and_rules_changes_nothing(
    lines: list[PricedLine], shipping: int, rules: list[TaxRule], chance: Any
) -> None:
    # Two rules for the same place and class cannot be stored.
    rules = list({(each.country_code, each.admin1, each.tax_class): each for each in rules}.values())
    before = priced(lines, shipping, rules).totals
    chance.shuffle(lines)
    chance.shuffle(rules)
    assert priced(lines, shipping, rules).totals == before


@given(lines, shippings, rules)
def test_where_no_rule_names_a_region_the_address_changes_nothing(
    lines: list[PricedLine], shipping: int, rules: list[TaxRule]
) -> None:
    everywhere = [each for each in rules if each.admin1 is None]
    assert priced(lines, shipping, everywhere, "Dhaka") == priced(lines, shipping, everywhere)


@given(lines, lines, rules)
def test_two_baskets_cost_as_much_as_one_of_both(
    some: list[PricedLine], others: list[PricedLine], rules: list[TaxRule]
) -> None:
    """Each line is rounded by itself, so that it costs the same in any company."""
    apart = priced(some, 0, rules).totals.total + priced(others, 0, rules).totals.total
    assert priced([*some, *others], 0, rules).totals.total == apart


def test_an_added_tax_is_rounded_once_per_line() -> None:
    line = PricedLine(unit_price=333, quantity=3, tax_class="standard")  # 999, of which 7.5 % are 74.925
    found = priced([line, line], 60_00, [rule("0.075", is_inclusive=False)])
    assert [each.tax.added for each in found.lines] == [75, 75]
    assert found.totals.total == 2 * (999 + 75) + 60_00


def test_shipping_is_taxed_as_its_own_class() -> None:
    line = PricedLine(unit_price=100_00, quantity=1, tax_class="standard")
    taxes = [rule("0.15", tax_class="shipping", is_inclusive=False)]
    found = priced([line], 60_00, taxes)
    assert (found.shipping_tax.added, found.totals.tax, found.totals.total) == (9_00, 9_00, 169_00)
    assert priced([line], 0, taxes).totals.tax == 0


def test_an_empty_basket_costs_its_shipping() -> None:
    assert priced([], 0, []).totals.total == 0


@pytest.mark.parametrize("quantity", [1, 1000])
def test_i9_a_total_beyond_the_ceiling_is_refused(quantity: int) -> None:
    most = PricedLine(unit_price=MAX_ORDER_AMOUNT // quantity, quantity=quantity, tax_class="standard")
    assert priced([most], 0, []).totals.total == MAX_ORDER_AMOUNT
    with pytest.raises(AmountOutOfRange):
        priced([most], 1, [])
    with pytest.raises(AmountOutOfRange):
        priced([most], 0, [rule("0.01", is_inclusive=False)])
