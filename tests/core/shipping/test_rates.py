"""Which ways of delivery an address and a basket have, and what they cost: the closest zone, within its bounds."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopkit.core.shipping.rates import Destination, RateRule, options_for

DHAKA = Destination(country_code="BD", admin1="Dhaka", admin2="Dhaka")
GAZIPUR = Destination(country_code="BD", admin1="Dhaka", admin2="Gazipur")
SYLHET = Destination(country_code="BD", admin1="Sylhet", admin2="Sylhet")
NEPAL = Destination(country_code="NP", admin1="Bagmati")


def rule(amount: int, *region: str, code: str = "home", position: int = 0, **bounds: int) -> RateRule:
    country, admin1, admin2 = [*region, None, None, None][:3]
    defaults: dict[str, Any] = dict.fromkeys(("min_subtotal", "max_subtotal", "min_weight_grams", "max_weight_grams"))
    return RateRule(
        method_id=UUID(int=1), code=code, name=code, position=position, eta_min_days=1, eta_max_days=3, amount=amount,
        country_code=country, admin1=admin1, admin2=admin2, **(defaults | bounds),
    )  # fmt: skip


def prices(rules: list[RateRule], to: Destination, *, subtotal: int = 1000, weight: int = 500) -> list[tuple[str, int]]:
    return [(each.code, each.price) for each in options_for(rules, to, subtotal=subtotal, weight_grams=weight)]


# The closer the dearer: only closeness can choose.
ZONES = [rule(10), rule(60, "BD"), rule(90, "BD", "Dhaka"), rule(120, "BD", "Dhaka", "Dhaka")]


@pytest.mark.parametrize(("to", "price"), [(DHAKA, 120), (GAZIPUR, 90), (SYLHET, 60), (NEPAL, 10)])
@pytest.mark.parametrize("is_reversed", [False, True])
def test_district_before_division_before_country_before_the_rest(
    to: Destination, price: int, is_reversed: bool
) -> None:
    assert prices(ZONES[::-1] if is_reversed else ZONES, to) == [("home", price)]


def test_no_zone_reaches_there() -> None:
    assert prices([rule(60, "BD", "Dhaka")], SYLHET) == []
    assert prices([rule(60, "BD", "Dhaka")], Destination(country_code="BD")) == []
    assert prices([rule(60, "IN", "Dhaka")], DHAKA) == []


def test_free_over_a_subtotal_begins_with_it() -> None:
    rules = [rule(60, "BD"), rule(0, "BD", min_subtotal=1000)]
    assert prices(rules, DHAKA, subtotal=999) == [("home", 60)]
    assert prices(rules, DHAKA, subtotal=1000) == [("home", 0)]


def test_upper_bounds_are_exclusive() -> None:
    rules = [
        rule(60, "BD", max_weight_grams=1000),
        rule(90, "BD", min_weight_grams=1000, max_weight_grams=5000),
        rule(10, "BD", code="small", max_subtotal=500),
    ]
    assert prices(rules, DHAKA, weight=999) == [("home", 60)]
    assert prices(rules, DHAKA, weight=1000) == [("home", 90)]
    assert prices(rules, DHAKA, weight=5000) == []
    assert prices(rules, DHAKA, weight=1, subtotal=499) == [("home", 60), ("small", 10)]
    assert prices(rules, DHAKA, weight=1, subtotal=500) == [("home", 60)]


def test_methods_come_in_the_merchants_order() -> None:
    rules = [rule(10, code="b", position=2), rule(20, code="c", position=1), rule(30, code="a", position=2)]
    assert prices(rules, DHAKA) == [("c", 20), ("a", 30), ("b", 10)]


@given(
    rules=st.lists(
        st.builds(
            rule,
            st.integers(0, 100_000),
            st.sampled_from([None, "BD", "NP"]),
            code=st.sampled_from(["home", "express"]),
            min_subtotal=st.integers(0, 2000),
            max_weight_grams=st.integers(0, 2000),
        ),
        max_size=8,
    ),
    subtotal=st.integers(0, 3000),
    weight=st.integers(0, 3000),
)
def test_every_offer_comes_from_a_rule_that_fits_and_each_method_stands_once(
    rules: list[RateRule], subtotal: int, weight: int
) -> None:
    offered = prices(rules, DHAKA, subtotal=subtotal, weight=weight)
    assert len({code for code, _ in offered}) == len(offered)
    for code, price in offered:
        assert any(
            each.code == code
            and each.amount == price
            and each.country_code in {None, "BD"}
            and (each.min_subtotal or 0) <= subtotal
            and each.max_weight_grams is not None
            and weight < each.max_weight_grams
            for each in rules
        )


async def test_zones_weights_and_subtotals_decide_over_http(make: Any, making: Any, buyer: Any) -> None:
    home = await make.method("home")
    country = await make.zone("country", ("BD", None, None))
    city = await make.zone("city", ("BD", "Dhaka", "Dhaka"), ("BD", "Chattogram", "Chattogram"))
    await make.rate(home, country, 120_00, max_weight_grams=5000)
    await make.rate(home, country, 250_00, min_weight_grams=5000, max_weight_grams=20_000)
    await make.rate(home, city, 60_00)
    await make.rate(home, city, 0, min_subtotal=500_00)
    bag = await make.product(price=100_00, weight_grams=1500)

    async def cost(units: int, **place: str) -> int | None:
        answer = await buyer.quick(making.quick_body((bag, units), shipping_address=making.address(**place)))
        if answer.status_code == 201:
            return answer.json()["order"]["totals"]["shipping"]["amount"]
        assert ("/shipping_address", "not_delivered_there") in [
            (each["field"], each["code"]) for each in answer.json()["requirements"]
        ]
        return None

    sylhet = {"admin1": "Sylhet", "admin2": "Sylhet"}
    assert await cost(1) == 60_00
    assert await cost(5) == 0
    assert await cost(1, admin1="Chittagong", admin2="Chittagong") == 60_00, "every spelling of a district"
    assert await cost(1, **sylhet) == 120_00
    assert await cost(4, **sylhet) == 250_00
    assert await cost(14, **sylhet) is None


async def test_a_choice_that_is_gone_must_be_made_again(make: Any, making: Any, buyer: Any) -> None:
    await make.shipping(60_00)
    express = await make.method("express", position=1)
    await make.rate(express, await make.zone("dhaka", ("BD", "Dhaka", None)), 150_00)
    await buyer.ready(await make.product(), option="express")
    moved = (await buyer.change(shipping_address=making.address(admin1="Sylhet", admin2="Sylhet"))).json()
    assert [(each["field"], each["code"]) for each in moved["requirements"]] == [
        ("/shipping_option", "shipping_option_gone")
    ]
    assert moved["totals"]["shipping"]["amount"] == 0
    refused = await buyer.complete(moved["totals"]["total"])
    assert refused.json()["code"] == "requirements_missing"
    await make.sql("UPDATE shipping_methods SET is_active = false WHERE code = 'express'")
    assert (await buyer.change(shipping_option="express")).json()["errors"][0]["code"] == "unknown_option"
