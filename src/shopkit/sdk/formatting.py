"""Amounts and numbers as people read them, after CLDR, without its data: Bangla and English now.

Pages show many prices, so each pair of currency and locale is worked out once and then kept.
"""

import unicodedata
from collections.abc import Callable
from functools import cache
from typing import Final

from .money import Money, exponent

SYMBOLS: Final = {"BDT": "৳", "USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "INR": "₹"}
"""Signs that leave no doubt; every other currency is shown by its code."""

_LAKH_CURRENCIES: Final = frozenset({"BDT", "INR"})
_BANGLA_DIGITS: Final = "০১২৩৪৫৬৭৮৯"
_ASCII_DIGITS: Final = "0123456789"
_FROM_BANGLA: Final = str.maketrans(_BANGLA_DIGITS, _ASCII_DIGITS)
_NBSP: Final = "\u00a0"

_formats: Final[dict[tuple[str, str], Callable[[int], str]]] = {}
_MAX_FORMATS: Final = 512


def format_money(money: Money, locale: str) -> str:
    """The price as a customer reads it: `৳1,29,900.00` in English, `১,২৯,৯০০.০০৳` in Bangla, `CHF 12.50`.

    Any locale that is not Bangla reads as English. Code and number are joined by a no-break space.
    """
    return format_amount(money.amount, money.currency, locale)


def format_amount(amount: int, currency: str, locale: str) -> str:
    """Like `format_money`, for minor units that stand beside their currency."""
    write = _formats.get((currency, locale))
    if write is None:
        write = _money_format(currency, locale)
        if len(_formats) < _MAX_FORMATS:  # a locale may come from a request: what it names must not pile up
            _formats[currency, locale] = write
    return write(amount)


def format_number(number: int, locale: str) -> str:
    """A whole number with grouping: `1,29,900` as Bangla writes it (in Bangla digits), `129,900` in English."""
    if not _is_bangla(locale):
        return f"{number:,}"
    text = _bangla_grouping()(abs(number))
    return f"-{text}" if number < 0 else text


def to_ascii_digits(text: str) -> str:
    """The same text with decimal digits of any script (Bangla above all) as 0-9; nothing else changes."""
    if text.isascii():
        return text
    text = text.translate(_FROM_BANGLA)
    if text.isascii():
        return text
    return "".join(char if char.isascii() else _ascii_digit(char) for char in text)


def _ascii_digit(char: str) -> str:
    value = unicodedata.decimal(char, None)
    return char if value is None else str(value)


def _is_bangla(locale: str) -> bool:
    return locale[:2].lower() == "bn" and (len(locale) == 2 or locale[2] in "-_")


@cache
def _bangla_grouping() -> Callable[[int], str]:
    return _lakh_grouping(_BANGLA_DIGITS)


def _lakh_grouping(digits: str) -> Callable[[int], str]:
    """Groups of two left of the last three digits (thousand, lakh, crore), in the digits given."""
    pairs = [tens + ones for tens in digits for ones in digits]
    short: list[str] = [*digits, *pairs[10:]]

    def group(number: int) -> str:
        if number < 100:
            return short[number]
        if number < 1000:
            return f"{digits[number // 100]}{pairs[number % 100]}"
        head, tail = divmod(number, 1000)
        text = f",{digits[tail // 100]}{pairs[tail % 100]}"
        while head >= 100:
            head, pair = divmod(head, 100)
            text = f",{pairs[pair]}{text}"
        return f"{short[head]}{text}"

    return group


def _thousand_grouping(number: int) -> str:
    return f"{number:,}"


def _fraction(places: int, digits: str) -> Callable[[int], str]:
    """The minor units with their point; nothing where the currency has none."""
    if not places:
        return lambda _minor: ""
    if places == 2:
        # Nearly every price there is: a look-up instead of formatting.
        return [f".{tens}{ones}" for tens in digits for ones in digits].__getitem__
    to_digits = str.maketrans(_ASCII_DIGITS, digits)
    return lambda minor: f".{minor:0{places}d}".translate(to_digits)


def _money_format(currency: str, locale: str) -> Callable[[int], str]:
    places = exponent(currency)
    unit = 10**places
    bangla = _is_bangla(locale)
    digits = _BANGLA_DIGITS if bangla else _ASCII_DIGITS
    group = _lakh_grouping(digits) if bangla or currency in _LAKH_CURRENCIES else _thousand_grouping
    fraction = _fraction(places, digits)
    symbol = SYMBOLS.get(currency)
    if bangla:
        before, after = "", symbol or f"{_NBSP}{currency}"
    else:
        before, after = symbol or f"{currency}{_NBSP}", ""

    def write(amount: int) -> str:
        if amount < 0:
            return f"-{write(-amount)}"
        major, minor = divmod(amount, unit)
        return f"{before}{group(major)}{fraction(minor)}{after}"

    return write
