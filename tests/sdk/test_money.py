"""Money never loses, invents or guesses a unit (I9, I10)."""

from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopkit.sdk.errors import Invalid
from shopkit.sdk.money import (
    EXPONENTS,
    MAX_AMOUNT,
    MAX_ORDER_AMOUNT,
    AmountOutOfRange,
    CurrencyMismatch,
    InvalidAmount,
    Money,
    UnknownCurrency,
    apply_rate,
    exponent,
    included_part,
    parse_decimal,
    round_fraction,
    split,
    to_decimal_string,
    total,
    within_order_ceiling,
)

amounts = st.integers(-MAX_AMOUNT, MAX_AMOUNT)
currencies = st.sampled_from(["BDT", "JPY", "KWD", "UYW", "USD"])
rates = st.decimals(0, 999, places=6, allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize(
    ("currency", "places"), [("BDT", 2), ("USD", 2), ("JPY", 0), ("VND", 0), ("KWD", 3), ("TND", 3), ("CLF", 4)]
)
def test_exponent_follows_iso_4217(currency: str, places: int) -> None:
    assert exponent(currency) == places


def test_every_currency_code_has_three_capital_letters() -> None:
    assert len(EXPONENTS) > 160
    assert all(len(code) == 3 and code.isascii() and code.isupper() for code in EXPONENTS)


@pytest.mark.parametrize("currency", ["", "bdt", "XXX", "XAU", "BD", "BDT "])
def test_an_unknown_currency_is_refused(currency: str) -> None:
    with pytest.raises(UnknownCurrency):
        exponent(currency)
    with pytest.raises(UnknownCurrency):
        Money(1, currency)


@pytest.mark.parametrize("amount", [1.0, True, "1", Decimal(1), None])
def test_only_an_integer_is_an_amount(amount: object) -> None:
    with pytest.raises(TypeError):
        Money(amount, "BDT")  # type: ignore[arg-type]


@given(st.integers(-(10**15), 10**15), st.integers(-(10**15), 10**15), st.integers(-1000, 1000))
def test_arithmetic_is_that_of_integers(a: int, b: int, factor: int) -> None:
    left, right = Money(a, "BDT"), Money(b, "BDT")
    assert left + right == Money(a + b, "BDT")
    assert left - right == Money(a - b, "BDT")
    assert left * factor == factor * left == Money(a * factor, "BDT")
    assert -left == Money(-a, "BDT")
    assert (left < right, left <= right, left > right, left >= right) == (a < b, a <= b, a > b, a >= b)


def test_two_currencies_never_meet() -> None:
    taka, dollar = Money(1, "BDT"), Money(1, "USD")
    for meet in (
        lambda: taka + dollar,
        lambda: taka - dollar,
        lambda: taka < dollar,
        lambda: taka <= dollar,
        lambda: taka > dollar,
        lambda: taka >= dollar,
        lambda: total([taka, dollar], "BDT"),
    ):
        with pytest.raises(CurrencyMismatch):
            meet()
    assert taka != dollar


def test_a_float_or_a_bare_number_is_no_operand() -> None:
    money = Money(100, "BDT")
    for wrong in (1.5, Decimal("1.5"), True):
        with pytest.raises(TypeError):
            money * wrong  # type: ignore[operator]
    for number in (1, 1.5):
        with pytest.raises(TypeError):
            money + number  # type: ignore[operator]
        with pytest.raises(TypeError):
            money < number  # type: ignore[operator]  # noqa: B015


def test_a_result_beyond_bigint_is_a_refusal() -> None:
    most = Money(MAX_AMOUNT, "BDT")
    for grow in (lambda: most + Money(1, "BDT"), lambda: -most - Money(1, "BDT"), lambda: most * 2):
        with pytest.raises(AmountOutOfRange) as caught:
            grow()
        assert isinstance(caught.value, Invalid)
        assert caught.value.error_code == "amount_out_of_range"
    with pytest.raises(AmountOutOfRange):
        apply_rate(most, Decimal(2))


def test_an_order_has_a_ceiling() -> None:
    assert within_order_ceiling(MAX_ORDER_AMOUNT) == MAX_ORDER_AMOUNT
    for amount in (MAX_ORDER_AMOUNT + 1, -MAX_ORDER_AMOUNT - 1):
        with pytest.raises(AmountOutOfRange):
            within_order_ceiling(amount)


def test_total_of_nothing_is_zero() -> None:
    assert total([], "KWD") == Money.zero("KWD")
    assert total([Money(1, "BDT"), Money(2, "BDT")], "BDT") == Money(3, "BDT")


def test_decoding_checks_money_like_making_it() -> None:
    assert msgspec.json.decode(b'{"amount":1,"currency":"BDT"}', type=Money) == Money(1, "BDT")
    for bad in (
        b'{"amount":1.5,"currency":"BDT"}',
        b'{"amount":1,"currency":"XXX"}',
        b'{"amount":1e30,"currency":"BDT"}',
    ):
        with pytest.raises(msgspec.ValidationError):
            msgspec.json.decode(bad, type=Money)


def test_money_is_hashable_and_frozen() -> None:
    assert {Money(1, "BDT"), Money(1, "BDT")} == {Money(1, "BDT")}
    with pytest.raises(AttributeError):
        Money(1, "BDT").amount = 2  # type: ignore[misc]


@pytest.mark.parametrize(
    ("numerator", "denominator", "rounded"),
    [
        (5, 2, 3),
        (-5, 2, -3),
        (5, -2, -3),
        (-5, -2, 3),
        (7, 3, 2),
        (8, 3, 3),
        (0, 5, 0),
        (1, 2, 1),
        (-1, 2, -1),
        (1, 3, 0),
    ],
)
def test_a_half_is_rounded_away_from_zero(numerator: int, denominator: int, rounded: int) -> None:
    assert round_fraction(numerator, denominator) == rounded


@given(st.integers(), st.integers().filter(bool))
def test_rounding_is_never_off_by_more_than_a_half_and_symmetric(numerator: int, denominator: int) -> None:
    rounded = round_fraction(numerator, denominator)
    assert abs(Fraction(numerator, denominator) - rounded) <= Fraction(1, 2)
    assert round_fraction(-numerator, denominator) == -rounded


def test_rounding_refuses_floats_and_zero() -> None:
    with pytest.raises(ZeroDivisionError):
        round_fraction(1, 0)
    with pytest.raises(TypeError):
        round_fraction(1.0, 2)  # type: ignore[arg-type]


@given(st.integers(-(10**15), 10**15), rates)
def test_a_rate_agrees_with_decimal_arithmetic(amount: int, rate: Decimal) -> None:
    with localcontext(prec=60):
        expected = int((amount * rate).quantize(Decimal(1), rounding=ROUND_HALF_UP))
    assert apply_rate(amount, rate) == expected
    assert apply_rate(Money(amount, "BDT"), rate) == expected


@given(st.integers(0, 10**12), rates)
def test_an_included_tax_and_its_net_add_up_and_give_the_tax_back(gross: int, rate: Decimal) -> None:
    tax = included_part(gross, rate)
    assert 0 <= tax <= gross
    net = Fraction(gross) / (1 + Fraction(rate))
    assert abs((gross - tax) - net) <= Fraction(1, 2)


def test_an_included_rate_of_fifteen_per_cent() -> None:
    assert included_part(115_00, Decimal("0.15")) == 15_00
    assert included_part(100_00, Decimal("0.15")) == 13_04
    assert included_part(-100_00, Decimal("0.15")) == -13_04
    assert included_part(100_00, Decimal(0)) == 0


@pytest.mark.parametrize("rate", ["NaN", "sNaN", "Infinity", "-Infinity", "1e999999", "1e-999999", "1e10"])
def test_a_rate_that_is_no_ordinary_number_is_refused(rate: str) -> None:
    with pytest.raises(ValueError, match="finite number"):
        apply_rate(1, Decimal(rate))


def test_a_rate_is_never_a_float() -> None:
    with pytest.raises(TypeError):
        apply_rate(1, 0.15)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        apply_rate(1.0, Decimal(1))  # type: ignore[arg-type]


weights = st.lists(st.integers(0, 10**15), min_size=1, max_size=40)


@given(st.integers(-(10**18), 10**18), weights)
def test_the_parts_of_a_split_add_up_exactly(amount: int, shares: list[int]) -> None:
    parts = split(amount, shares)
    assert len(parts) == len(shares)
    assert sum(parts) == amount


@given(st.integers(-(10**18), 10**18), weights.filter(any))
def test_no_part_is_a_unit_away_from_its_exact_share(amount: int, shares: list[int]) -> None:
    whole = sum(shares)
    for part, share in zip(split(amount, shares), shares, strict=True):
        assert abs(part - Fraction(amount * share, whole)) < 1
        assert share or part == 0


@given(st.integers(0, 10**18), weights)
def test_a_larger_weight_never_gets_less(amount: int, shares: list[int]) -> None:
    pairs = sorted(zip(shares, split(amount, shares), strict=True))
    for (light, less), (heavy, more) in pairwise(pairs):
        assert less <= more or light == heavy


@given(st.data(), weights.filter(any))
def test_a_discount_never_exceeds_the_line_it_is_given_to(data: st.DataObject, lines: list[int]) -> None:
    discount = data.draw(st.integers(0, sum(lines)))
    assert all(part <= line for part, line in zip(split(discount, lines), lines, strict=True))


@given(st.integers(0, 10**18), weights)
def test_a_refund_splits_as_the_mirror_of_the_charge(amount: int, shares: list[int]) -> None:
    assert split(-amount, shares) == [-part for part in split(amount, shares)]


@pytest.mark.parametrize(
    ("amount", "shares", "parts"),
    [
        (100, [1, 1, 1], [34, 33, 33]),
        (101, [1, 1, 1], [34, 34, 33]),
        (-100, [1, 1, 1], [-34, -33, -33]),
        (10, [0, 5, 0, 5], [0, 5, 0, 5]),
        (5, [0, 0], [3, 2]),
        (0, [0, 0], [0, 0]),
        (0, [], []),
        (1, [1, 2, 3], [0, 0, 1]),
    ],
)
def test_odd_units_go_to_the_largest_remainder_and_then_to_the_first(
    amount: int, shares: list[int], parts: list[int]
) -> None:
    assert split(amount, shares) == parts


def test_a_split_without_sense_is_refused() -> None:
    for amount, shares in ((1, []), (1, [-1, 2])):
        with pytest.raises(ValueError, match=r"nobody|negative"):
            split(amount, shares)
    for wrong in (1.0, True):
        with pytest.raises(TypeError):
            split(wrong, [1])  # type: ignore[arg-type]
        with pytest.raises(TypeError):
            split(1, [wrong])  # type: ignore[list-item]


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (129900, "BDT", "1299.00"),
        (5, "BDT", "0.05"),
        (-5, "BDT", "-0.05"),
        (0, "BDT", "0.00"),
        (1299, "JPY", "1299"),
        (0, "JPY", "0"),
        (1299, "KWD", "1.299"),
        (1, "CLF", "0.0001"),
    ],
)
def test_the_decimal_string_shows_all_places(amount: int, currency: str, text: str) -> None:
    assert to_decimal_string(Money(amount, currency)) == text
    assert parse_decimal(text, currency) == Money(amount, currency)


@given(amounts, currencies)
def test_what_is_printed_is_read_back(amount: int, currency: str) -> None:
    money = Money(amount, currency)
    assert parse_decimal(to_decimal_string(money), currency) == money


def test_missing_decimal_places_are_zeros() -> None:
    assert parse_decimal("1299", "BDT") == parse_decimal("1299.0", "BDT") == Money(129900, "BDT")


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", ".", "1.", ".5", "+1", "--1", "1 ", " 1", "1\n", "01", "00", "1,299.00", "1_000", "1e3", "0x1"),
        *("NaN", "Infinity", "১২৯৯", "1२", "1299.001", "1.2.3", "1\x00", "9" * 30, "½", "-"),
    ],
)
def test_a_text_that_is_not_exactly_a_number_is_refused(text: str) -> None:
    with pytest.raises(InvalidAmount):
        parse_decimal(text, "BDT")


def test_a_currency_without_decimals_takes_none() -> None:
    with pytest.raises(InvalidAmount):
        parse_decimal("1299.0", "JPY")


def test_a_number_beyond_bigint_is_refused_on_reading() -> None:
    with pytest.raises(AmountOutOfRange):
        parse_decimal("9999999999999999999", "BDT")
