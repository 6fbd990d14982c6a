"""Which rate holds where, and what it makes of an amount: pure."""

from collections.abc import Sequence
from decimal import Decimal

from msgspec import Struct

from shopkit.sdk.money import apply_rate, included_part

SHIPPING_CLASS = "shipping"


class TaxRule(Struct, frozen=True, kw_only=True):
    """A stored rate. `rate` is text in JSON, so that no float ever stands for it."""

    country_code: str | None
    admin1: str | None
    tax_class: str
    name: str
    rate: Decimal
    is_inclusive: bool


class Tax(Struct, frozen=True, kw_only=True):
    """The tax of one amount, in minor units: added to it, or contained in it."""

    name: str = ""
    rate: Decimal = Decimal(0)
    added: int = 0
    included: int = 0


NO_TAX = Tax()


def rule_for(rules: Sequence[TaxRule], *, country_code: str, admin1: str | None, tax_class: str) -> TaxRule | None:
    """The most exact rule for a class of goods at a destination: region before country before everywhere."""
    fitting = [
        rule
        for rule in rules
        if rule.tax_class == tax_class
        and rule.country_code in {None, country_code}
        and (rule.admin1 is None or (rule.admin1 == admin1 and rule.country_code is not None))
    ]
    return max(fitting, key=lambda rule: (rule.country_code is not None, rule.admin1 is not None), default=None)


def tax_on(amount: int, rule: TaxRule | None) -> Tax:
    """The tax of an amount, rounded once."""
    if rule is None or not rule.rate:
        return NO_TAX
    if rule.is_inclusive:
        return Tax(name=rule.name, rate=rule.rate, included=included_part(amount, rule.rate))
    return Tax(name=rule.name, rate=rule.rate, added=apply_rate(amount, rule.rate))
