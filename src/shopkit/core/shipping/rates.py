"""Which ways of delivery a basket has and what they cost: pure."""

from collections.abc import Sequence
from uuid import UUID

from msgspec import Struct


class RateRule(Struct, frozen=True, kw_only=True):
    """A flat rate with the one region of its zone that it was read for; a zone without regions has nulls."""

    method_id: UUID
    code: str
    name: str
    position: int
    eta_min_days: int | None
    eta_max_days: int | None
    amount: int
    country_code: str | None
    admin1: str | None
    admin2: str | None
    min_subtotal: int | None
    max_subtotal: int | None
    min_weight_grams: int | None
    max_weight_grams: int | None

    @property
    def exactness(self) -> int:
        """How closely the region is described; the closest of a method wins."""
        return sum(part is not None for part in (self.country_code, self.admin1, self.admin2))


class Destination(Struct, frozen=True, kw_only=True):
    """The part of an address that prices depend on."""

    country_code: str
    admin1: str | None = None
    admin2: str | None = None


class ShippingOption(Struct, frozen=True, kw_only=True):
    """A way of delivery with its price in minor units."""

    code: str
    name: str
    price: int
    eta_min_days: int | None
    eta_max_days: int | None


def options_for(
    rules: Sequence[RateRule], destination: Destination, *, subtotal: int, weight_grams: int
) -> list[ShippingOption]:
    """The options for a basket, in the merchant's order. Upper bounds are exclusive."""
    best: dict[str, RateRule] = {}
    for rule in rules:
        if not (_reaches(rule, destination) and _fits(rule, subtotal, weight_grams)):
            continue
        known = best.get(rule.code)
        if known is None or (-rule.exactness, rule.amount) < (-known.exactness, known.amount):
            best[rule.code] = rule
    return [
        ShippingOption(
            code=rule.code,
            name=rule.name,
            price=rule.amount,
            eta_min_days=rule.eta_min_days,
            eta_max_days=rule.eta_max_days,
        )
        for rule in sorted(best.values(), key=lambda rule: (rule.position, rule.code))
    ]


def _reaches(rule: RateRule, to: Destination) -> bool:
    return (
        rule.country_code in {None, to.country_code}
        and (rule.admin1 is None or rule.admin1 == to.admin1)
        and (rule.admin2 is None or rule.admin2 == to.admin2)
    )


def _fits(rule: RateRule, subtotal: int, weight_grams: int) -> bool:
    return (
        (rule.min_subtotal or 0) <= subtotal
        and (rule.max_subtotal is None or subtotal < rule.max_subtotal)
        and (rule.min_weight_grams or 0) <= weight_grams
        and (rule.max_weight_grams is None or weight_grams < rule.max_weight_grams)
    )
