"""A guest's cart meets the user's at login: no line is lost, and whoever gets fewer is told (F3)."""

from collections.abc import Mapping
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopkit.core.cart.merging import Strategy, merge

carts = st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 1000), max_size=6)
limits = st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 1500), max_size=6)
strategies = st.sampled_from(get_args(Strategy))


@pytest.mark.parametrize(("strategy", "both"), [("sum", 5), ("max", 3), ("keep_guest", 3), ("keep_user", 2)])
def test_the_rule_decides_what_stands_in_both_carts(strategy: Strategy, both: int) -> None:
    merged = merge({"both": 3, "guest": 7}, {"both": 2, "user": 1}, strategy=strategy, limits={})
    assert {line: each.quantity for line, each in merged.items()} == {"both": both, "user": 1, "guest": 7}
    assert not any(each.is_capped for each in merged.values())


def test_a_line_above_its_limit_is_capped_and_says_so() -> None:
    merged = merge({"a": 8}, {"a": 4, "b": 2}, strategy="sum", limits={"a": 10, "b": 2})
    assert (merged["a"].quantity, merged["a"].wanted, merged["a"].is_capped) == (10, 12, True)
    assert not merged["b"].is_capped


@given(carts, carts, strategies, limits)
def test_no_line_is_lost_and_the_users_come_first(
    guest: Mapping[str, int], user: Mapping[str, int], strategy: Strategy, limits: Mapping[str, int]
) -> None:
    merged = list(merge(guest, user, strategy=strategy, limits=limits))
    assert set(merged) == {*guest, *user}
    assert merged[: len(user)] == list(user)


@given(carts, carts, strategies, limits)
def test_no_line_passes_its_limit_or_grows_beyond_both(
    guest: Mapping[str, int], user: Mapping[str, int], strategy: Strategy, limits: Mapping[str, int]
) -> None:
    for line, each in merge(guest, user, strategy=strategy, limits=limits).items():
        assert 0 <= each.quantity <= min(each.wanted, limits.get(line, each.wanted))
        assert each.wanted <= guest.get(line, 0) + user.get(line, 0)
        assert each.is_capped == (each.quantity < each.wanted)


@given(carts, carts, limits)
def test_summing_and_the_larger_do_not_depend_on_whose_cart_it_was(
    guest: Mapping[str, int], user: Mapping[str, int], limits: Mapping[str, int]
) -> None:
    for strategy in ("sum", "max"):
        one = merge(guest, user, strategy=strategy, limits=limits)  # type: ignore[arg-type]
        assert one == merge(user, guest, strategy=strategy, limits=limits)  # type: ignore[arg-type]


@given(carts, strategies)
def test_an_empty_cart_changes_nothing(cart: Mapping[str, int], strategy: Strategy) -> None:
    for merged in (
        merge(cart, {}, strategy=strategy, limits={}),
        merge({}, cart, strategy=strategy, limits={}),
    ):
        assert {line: each.quantity for line, each in merged.items()} == cart


@given(carts, carts)
def test_merging_twice_by_the_larger_is_merging_once(guest: Mapping[str, int], user: Mapping[str, int]) -> None:
    """A login that is repeated adds nothing."""
    once = {line: each.quantity for line, each in merge(guest, user, strategy="max", limits={}).items()}
    twice = {line: each.quantity for line, each in merge(guest, once, strategy="max", limits={}).items()}
    assert twice == once
