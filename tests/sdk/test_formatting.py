"""Prices read as people in Bangladesh and elsewhere write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopkit.sdk.formatting import format_amount, format_money, format_number, to_ascii_digits
from shopkit.sdk.money import MAX_AMOUNT, Money, to_decimal_string


@pytest.mark.parametrize(
    ("amount", "currency", "locale", "text"),
    [
        (129900, "BDT", "bn", "১,২৯৯.০০৳"),
        (12990000, "BDT", "bn", "১,২৯,৯০০.০০৳"),
        (12990000, "BDT", "bn-BD", "১,২৯,৯০০.০০৳"),
        (12990000, "BDT", "bn_BD", "১,২৯,৯০০.০০৳"),
        (12990000, "BDT", "en", "৳1,29,900.00"),
        (123456789012, "BDT", "en", "৳1,23,45,67,890.12"),
        (10000000, "BDT", "en", "৳1,00,000.00"),
        (100005, "BDT", "en", "৳1,000.05"),
        (99999, "BDT", "en", "৳999.99"),
        (0, "BDT", "en", "৳0.00"),
        (7, "BDT", "bn", "০.০৭৳"),
        (-129900, "BDT", "bn", "-১,২৯৯.০০৳"),
        (-129900, "BDT", "en", "-৳1,299.00"),
        (123456789, "USD", "en", "$1,234,567.89"),
        (123456789, "EUR", "en-GB", "€1,234,567.89"),
        (123456789, "GBP", "en", "£1,234,567.89"),
        (123456789, "INR", "en", "₹12,34,567.89"),
        (1234567, "JPY", "en", "¥1,234,567"),
        (1234567, "JPY", "bn", "১২,৩৪,৫৬৭¥"),
        (1234567, "KWD", "en", "KWD\u00a01,234.567"),
        (1234, "KWD", "bn", "১.২৩৪\u00a0KWD"),
        (1250, "CHF", "en", "CHF\u00a012.50"),
    ],
)
def test_a_price_is_written_as_its_readers_write_it(amount: int, currency: str, locale: str, text: str) -> None:
    assert format_money(Money(amount, currency), locale) == text


@given(
    st.integers(-MAX_AMOUNT, MAX_AMOUNT),
    st.sampled_from(["BDT", "USD", "JPY", "KWD", "CLF"]),
    st.sampled_from(["bn", "en"]),
)
def test_formatting_changes_no_digit(amount: int, currency: str, locale: str) -> None:
    text = to_ascii_digits(format_amount(amount, currency, locale))
    bare = "".join(char for char in text if char in "-.0123456789")
    assert bare == to_decimal_string(Money(amount, currency))


@pytest.mark.parametrize("locale", ["", "b", "bnx", "de", "x" * 5000, "bn\x00"])
def test_any_other_locale_reads_as_english(locale: str) -> None:
    assert format_amount(129900, "BDT", locale) == "৳1,299.00"


def test_the_formats_kept_are_bounded_whatever_locales_are_asked_for() -> None:
    for number in range(2000):
        assert format_amount(100, "USD", f"en-{number}") == "$1.00"
    assert format_amount(100, "BDT", "bn-unseen") == "১.০০৳"


@pytest.mark.parametrize(
    ("number", "locale", "text"),
    [
        (0, "bn", "০"),
        (129900, "bn", "১,২৯,৯০০"),
        (-1000, "bn", "-১,০০০"),
        (129900, "en", "129,900"),
        (-5, "en", "-5"),
    ],
)
def test_a_number_is_grouped(number: int, locale: str, text: str) -> None:
    assert format_number(number, locale) == text


def test_digits_of_any_script_become_ascii_and_nothing_else_changes() -> None:
    assert to_ascii_digits("০১৭১২-৩৪৫৬৭৮ ঢাকা") == "01712-345678 ঢাকা"
    assert to_ascii_digits("٣४5") == "345"
    assert to_ascii_digits("½ ² Ⅷ") == "½ ² Ⅷ"
    assert to_ascii_digits("plain 12") == "plain 12"
