"""Money as integers of minor units with a currency, the one rounding rule and the one way to split (I9, I10).

No float is accepted anywhere and no text is guessed at: amounts that people or other systems write
go through `parse_decimal`, rates are `Decimal`.
"""

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final

from msgspec import Struct

from .errors import Invalid

MAX_AMOUNT: Final = 2**63 - 1
"""The largest amount, in minor units, of either sign: what a `bigint` column holds."""

MAX_ORDER_AMOUNT: Final = 10**15
"""The largest total of one order or cart, in minor units: ten trillion taka. Sums of many orders still fit `bigint`."""

# ISO 4217, list one, in the state of January 2026; precious metals and test codes have no minor unit and are left out.
# ANG and BGN are withdrawn but stand on old orders that shops bring along.
_WITH_0: Final = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_WITH_2: Final = (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF "
    "CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF "
    "IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN "
    "MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS "
    "SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW "
    "ZWG"
)
_WITH_3: Final = "BHD IQD JOD KWD LYD OMR TND"
_WITH_4: Final = "CLF UYW"

EXPONENTS: Final[dict[str, int]] = {
    code: digits for digits, codes in ((0, _WITH_0), (2, _WITH_2), (3, _WITH_3), (4, _WITH_4)) for code in codes.split()
}
"""Decimal places of every currency in use, by ISO 4217 code."""

_DECIMAL: Final = re.compile(r"(-?)(0|[1-9][0-9]{0,18})(?:\.([0-9]{1,4}))?")


class CurrencyMismatch(ValueError):
    """Two currencies met in one sum or comparison: a mistake of the program, never of a customer."""


class UnknownCurrency(ValueError):
    """Not a currency code of ISO 4217 with a minor unit."""

    code = "unknown_currency"


class InvalidAmount(ValueError):
    """A text that is not exactly one decimal number of this currency."""

    code = "invalid_amount"


class AmountOutOfRange(Invalid, ValueError):
    """The amount is beyond what can be stored or what one order may cost."""

    code = "amount_out_of_range"
    message = "The amount is too large."


class Money(Struct, frozen=True, order=False):
    """An exact amount: minor units (paisa, cents) of one currency. Sums and comparisons need one currency."""

    amount: int
    """Minor units, of either sign, at most `MAX_AMOUNT`."""
    currency: str
    """ISO 4217, three capital letters."""

    def __post_init__(self) -> None:
        if type(self.amount) is not int:
            raise TypeError("An amount is an integer of minor units.")
        if not -MAX_AMOUNT <= self.amount <= MAX_AMOUNT:
            raise AmountOutOfRange
        if self.currency not in EXPONENTS:
            raise UnknownCurrency(f"{self.currency!r} is not a currency of ISO 4217.")

    @classmethod
    def zero(cls, currency: str) -> "Money":
        """Nothing, in this currency."""
        return cls(0, currency)

    def _of(self, other: "Money") -> int:
        if other.currency != self.currency:
            raise CurrencyMismatch(f"{self.currency} and {other.currency} do not meet in one sum.")
        return other.amount

    def __add__(self, other: "Money") -> "Money":
        if not isinstance(other, Money):
            return NotImplemented
        return Money(self.amount + self._of(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        if not isinstance(other, Money):
            return NotImplemented
        return Money(self.amount - self._of(other), self.currency)

    def __mul__(self, factor: int) -> "Money":
        if type(factor) is not int:
            return NotImplemented
        return Money(self.amount * factor, self.currency)

    __rmul__ = __mul__

    def __neg__(self) -> "Money":
        return Money(-self.amount, self.currency)

    def __lt__(self, other: "Money") -> bool:
        if not isinstance(other, Money):
            return NotImplemented
        return self.amount < self._of(other)

    def __le__(self, other: "Money") -> bool:
        if not isinstance(other, Money):
            return NotImplemented
        return self.amount <= self._of(other)

    def __gt__(self, other: "Money") -> bool:
        if not isinstance(other, Money):
            return NotImplemented
        return self.amount > self._of(other)

    def __ge__(self, other: "Money") -> bool:
        if not isinstance(other, Money):
            return NotImplemented
        return self.amount >= self._of(other)


def exponent(currency: str) -> int:
    """How many decimal places the currency has: BDT 2, JPY 0, KWD 3. Raises `UnknownCurrency`."""
    try:
        return EXPONENTS[currency]
    except KeyError:
        raise UnknownCurrency(f"{currency!r} is not a currency of ISO 4217.") from None


def within_order_ceiling(amount: int) -> int:
    """The same amount, if one order may cost that much (`MAX_ORDER_AMOUNT`); else `AmountOutOfRange`."""
    if abs(_integer(amount)) > MAX_ORDER_AMOUNT:
        raise AmountOutOfRange
    return amount


def total(items: Iterable[Money], currency: str) -> Money:
    """The sum of any number of amounts, all of this currency; zero if there are none."""
    zero = Money(0, currency)
    return Money(sum(zero._of(item) for item in items), currency)


def round_fraction(numerator: int, denominator: int) -> int:
    """The integer nearest to the fraction, a half away from zero: 2.5 is 3 and -2.5 is -3.

    The only rounding there is. Half away from zero is what a customer gets with pencil and paper, and a
    refund rounds to the same figure as the charge it mirrors.
    """
    if _integer(denominator) < 0:
        numerator, denominator = -numerator, -denominator
    magnitude = (2 * abs(_integer(numerator)) + denominator) // (2 * denominator)
    return -magnitude if numerator < 0 else magnitude


def apply_rate(amount: Money | int, rate: Decimal) -> int:
    """Minor units of `amount × rate`, rounded once. A rate is a fraction: 15 % is `Decimal("0.15")`."""
    numerator, denominator = _ratio(rate)
    return _storable(round_fraction(_minor(amount) * numerator, denominator))


def included_part(amount: Money | int, rate: Decimal) -> int:
    """Minor units that an inclusive rate makes up of `amount`: of 115 with 15 % included, 15. Rounded once."""
    numerator, denominator = _ratio(rate)
    if numerator < 0:
        raise ValueError("An included rate is not negative.")
    return round_fraction(_minor(amount) * numerator, denominator + numerator)


def split(amount: int, weights: Sequence[int]) -> list[int]:
    """Apportion minor units by weights, so that the parts add up to `amount` exactly.

    Largest remainder; between equal remainders the first gets the odd unit. No part is further than one unit
    from its exact share, a larger weight never gets less than a smaller one, a weight of zero gets nothing, and while
    `amount` is at most the sum of the weights no part exceeds its weight. If all weights are zero the parts are
    as equal as can be. A negative amount gives the mirror image.
    """
    if _integer(amount) < 0:
        return [-part for part in split(-amount, weights)]
    if any(_integer(weight) < 0 for weight in weights):
        raise ValueError("A weight is not negative.")
    if not weights:
        if amount:
            raise ValueError("There is nobody to split this between.")
        return []
    whole = sum(weights)
    if not whole:
        return split(amount, [1] * len(weights))
    parts, remainders = [], []
    for weight in weights:
        part, remainder = divmod(amount * weight, whole)
        parts.append(part)
        remainders.append(remainder)
    # The sort is stable, so the first of equal remainders comes first.
    neediest = sorted(range(len(parts)), key=remainders.__getitem__, reverse=True)
    for index in neediest[: amount - sum(parts)]:
        parts[index] += 1
    return parts


def to_decimal_string(money: Money) -> str:
    """The amount as the API writes it: ASCII digits, a point, all decimal places of the currency ("1299.00")."""
    return decimal_string(money.amount, money.currency)


def decimal_string(amount: int, currency: str) -> str:
    """Like `to_decimal_string`, for minor units that stand beside their currency."""
    digits = exponent(currency)
    if not digits:
        return str(amount)
    text = str(abs(amount)).rjust(digits + 1, "0")
    return f"{'-' if amount < 0 else ''}{text[:-digits]}.{text[-digits:]}"


def parse_decimal(text: str, currency: str) -> Money:
    """Read "1299.00" or "1299". Only ASCII digits, one point, no more decimal places than the currency has.

    Raises `InvalidAmount` (spaces, signs other than a leading minus, grouping, exponents, leading zeros) and
    `AmountOutOfRange`.
    """
    digits = exponent(currency)
    match = _DECIMAL.fullmatch(text)
    if match is None:
        raise InvalidAmount("This is not a decimal number such as 1299.00.")
    sign, major, minor = match.group(1, 2, 3)
    minor = minor or ""
    if len(minor) > digits:
        raise InvalidAmount(f"{currency} has {digits} decimal places.")
    amount = int(major + minor.ljust(digits, "0"))
    return Money(-amount if sign else amount, currency)


def _integer(value: int) -> int:
    # `isinstance` would let booleans pass, and a float that slipped in must not travel any further.
    if type(value) is not int:
        raise TypeError("Amounts are integers of minor units.")
    return value


def _minor(amount: Money | int) -> int:
    return amount.amount if isinstance(amount, Money) else _integer(amount)


def _storable(amount: int) -> int:
    if not -MAX_AMOUNT <= amount <= MAX_AMOUNT:
        raise AmountOutOfRange
    return amount


def _ratio(rate: Decimal) -> tuple[int, int]:
    if not isinstance(rate, Decimal):
        raise TypeError("A rate is a Decimal.")
    if not rate.is_finite() or rate.adjusted() > 9 or int(rate.as_tuple().exponent) < -18:
        # Decimal("1e999999") is finite, and its integer has a million digits.
        raise ValueError("A rate is a finite number below ten thousand million with at most 18 decimal places.")
    return rate.as_integer_ratio()
