"""Which rate holds where, and what it makes of an amount."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopkit.core.tax.rates import NO_TAX, Tax, TaxRule, rule_for, tax_on

rates = st.decimals(0, 1, places=6)
amounts = st.integers(0, 10**15)


def rule(
    name: str, country_code: str | None = None, admin1: str | None = None, *, tax_class: str = "standard",
    rate: Decimal = Decimal("0.15"), is_inclusive: bool = True,
) -> TaxRule:  # fmt: skip
    return TaxRule(
        country_code=country_code, admin1=admin1, tax_class=tax_class, name=name, rate=rate, is_inclusive=is_inclusive
    )


RULES = [
    rule("anywhere"),
    rule("country", "BD"),
    rule("region", "BD", "Dhaka"),
    rule("abroad", "IN"),
    rule("food", "BD", tax_class="food"),
]


@pytest.mark.parametrize(
    ("country_code", "admin1", "tax_class", "name"),
    [
        ("BD", "Dhaka", "standard", "region"),
        ("BD", "Khulna", "standard", "country"),
        ("BD", None, "standard", "country"),
        ("IN", "Dhaka", "standard", "abroad"),
        ("JP", None, "standard", "anywhere"),
        ("BD", "Dhaka", "food", "food"),
        ("IN", None, "food", None),
        ("BD", None, "books", None),
    ],
)
def test_the_most_exact_rule_holds(country_code: str, admin1: str | None, tax_class: str, name: str | None) -> None:
    for rules in (RULES, RULES[::-1]):
        found = rule_for(rules, country_code=country_code, admin1=admin1, tax_class=tax_class)
        assert (found.name if found else None) == name


def test_a_region_without_its_country_is_no_rule() -> None:
    """Two countries may have regions of one name."""
    assert rule_for([rule("lost", None, "Dhaka")], country_code="BD", admin1="Dhaka", tax_class="standard") is None


def test_an_inclusive_price_contains_the_tax_and_another_gains_it() -> None:
    assert tax_on(115_00, rule("VAT")) == Tax(name="VAT", rate=Decimal("0.15"), included=15_00)
    assert tax_on(100_00, rule("VAT", is_inclusive=False)) == Tax(name="VAT", rate=Decimal("0.15"), added=15_00)


def test_without_a_rule_or_a_rate_there_is_no_tax() -> None:
    assert tax_on(100_00, None) == NO_TAX
    assert tax_on(100_00, rule("VAT", rate=Decimal(0))) == NO_TAX


@given(amounts, rates)
def test_what_is_added_is_contained_in_the_sum(amount: int, rate: Decimal) -> None:
    """Taken out of the price again, an added tax is the same to one unit."""
    added = tax_on(amount, rule("VAT", rate=rate, is_inclusive=False)).added
    included = tax_on(amount + added, rule("VAT", rate=rate)).included
    assert abs(added - included) <= 1


@given(amounts, rates, st.booleans())
def test_a_tax_is_never_negative_nor_more_than_the_amount(amount: int, rate: Decimal, is_inclusive: bool) -> None:
    tax = tax_on(amount, rule("VAT", rate=rate, is_inclusive=is_inclusive))
    assert 0 <= tax.added + tax.included <= amount
    assert 0 in (tax.added, tax.included)
