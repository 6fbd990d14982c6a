"""Token buckets: a burst, then a steady rate, per key, in bounded memory."""

import pytest

from shopkit.core.kernel import limits
from shopkit.core.kernel.limits import RateLimit
from shopkit.sdk.errors import TooMany


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def spend(limit: RateLimit, key: object, times: int) -> int:
    """How many of so many calls pass."""
    passed = 0
    for _ in range(times):
        try:
            limit.spend(key)
        except TooMany:
            continue
        passed += 1
    return passed


def test_a_burst_passes_and_no_more() -> None:
    assert spend(RateLimit(5, clock=Clock()), "a", 20) == 5


def test_the_bucket_fills_again_at_its_rate_and_never_over() -> None:
    clock = Clock()
    limit = RateLimit(60, clock=clock)
    assert spend(limit, "a", 100) == 60
    clock.now += 3
    assert spend(limit, "a", 100) == 3
    clock.now += 3600
    assert spend(limit, "a", 100) == 60


def test_refused_calls_cost_nothing() -> None:
    clock = Clock()
    limit = RateLimit(60, clock=clock)
    spend(limit, "a", 1000)
    clock.now += 1
    assert spend(limit, "a", 1) == 1


def test_each_key_has_its_own_bucket() -> None:
    limit = RateLimit(2, clock=Clock())
    assert spend(limit, ("tenant", "1.2.3.4"), 5) == 2
    assert spend(limit, ("other", "1.2.3.4"), 5) == 2


def test_a_refusal_says_what_the_limit_is_and_when_to_come_back() -> None:
    limit = RateLimit(1, clock=Clock())
    limit.spend("a")
    with pytest.raises(TooMany) as refused:
        limit.spend("a")
    assert refused.value.details == {"limit": 1, "window_seconds": 60}
    assert refused.value.retry_after_seconds


def test_many_addresses_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_ADDRESSES", 100)
    limit = RateLimit(2, clock=Clock())
    for number in range(1000):
        limit.spend(number)
    assert len(limit._buckets) == 100
    assert spend(limit, 999, 5) == 1, "the latest are the ones remembered"
