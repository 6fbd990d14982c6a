"""Money as clients read it."""

import msgspec

from shopkit.core.kernel.views import MoneyView
from shopkit.sdk.money import Money


def test_an_amount_is_for_programs_and_for_people() -> None:
    shown = msgspec.json.decode(msgspec.json.encode(MoneyView.of(129900, "BDT", "en")))
    assert shown == {"amount": 129900, "currency": "BDT", "formatted": "৳1,299.00"}
    assert MoneyView.of_money(Money(129900, "BDT"), "bn").formatted == "১,২৯৯.০০৳"


def test_no_amount_is_null_and_nothing_is_an_amount() -> None:
    assert MoneyView.maybe(None, "BDT", "en") is None
    assert MoneyView.maybe(0, "BDT", "en") == MoneyView.of(0, "BDT", "en")
