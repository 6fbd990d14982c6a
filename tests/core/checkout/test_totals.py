"""What a basket comes to: taxes of both kinds, delivery, many locations. The parts always add up (I9, I10)."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopkit.core.cart.totals import PricedLine, price
from shopkit.core.checkout import staff
from shopkit.core.checkout.invariants import violations
from shopkit.core.inventory import service as inventory
from shopkit.core.tax.rates import TaxRule
from shopkit.sdk.money import MAX_ORDER_AMOUNT, AmountOutOfRange

RATES = st.decimals(min_value=0, max_value=1, places=6)
RULES = st.lists(
    st.builds(
        TaxRule,
        country_code=st.sampled_from([None, "BD", "NP"]),
        admin1=st.sampled_from([None, "Dhaka", "Khulna"]),
        tax_class=st.sampled_from(["standard", "reduced", "shipping"]),
        name=st.just("VAT"),
        rate=RATES,
        is_inclusive=st.booleans(),
    ),
    max_size=8,
)
LINES = st.lists(
    st.builds(
        PricedLine,
        unit_price=st.integers(0, 10**9),
        quantity=st.integers(1, 1000),
        tax_class=st.sampled_from(["standard", "reduced", "exempt"]),
    ),
    max_size=20,
)


@given(lines=LINES, rules=RULES, shipping=st.integers(0, 10**7), admin1=st.sampled_from([None, "Dhaka", "Sylhet"]))
def test_the_parts_of_any_basket_add_up_and_none_is_negative(
    lines: list[PricedLine], rules: list[TaxRule], shipping: int, admin1: str | None
) -> None:
    priced = price(lines, shipping=shipping, rules=rules, country_code="BD", admin1=admin1)
    totals = priced.totals
    assert totals.subtotal == sum(line.unit_price * line.quantity for line in lines)
    assert totals.total == totals.subtotal - totals.discount + totals.shipping + totals.tax
    assert totals.tax == sum(line.tax.added for line in priced.lines) + priced.shipping_tax.added
    assert totals.tax_included == sum(line.tax.included for line in priced.lines) + priced.shipping_tax.included
    assert totals.total == sum(line.total for line in priced.lines) + shipping + priced.shipping_tax.added
    for part in (*(getattr(totals, name) for name in totals.__struct_fields__), *(line.total for line in priced.lines)):
        assert type(part) is int and part >= 0
    for line in priced.lines:
        assert not (line.tax.added and line.tax.included)
        assert line.tax.included <= line.subtotal
        exact = Decimal(line.subtotal) * line.tax.rate
        if line.tax.added:
            assert abs(line.tax.added - exact) <= Decimal("0.5")


@given(unit=st.integers(10**9, 10**13), quantity=st.integers(1, 1000))
def test_beyond_the_ceiling_of_an_order_there_is_a_refusal_never_a_wrong_number(unit: int, quantity: int) -> None:
    line = PricedLine(unit_price=unit, quantity=quantity, tax_class="standard")
    if unit * quantity <= MAX_ORDER_AMOUNT:
        assert price([line], shipping=0, rules=[], country_code="BD", admin1=None).totals.total == unit * quantity
    else:
        with pytest.raises(AmountOutOfRange):
            price([line], shipping=0, rules=[], country_code="BD", admin1=None)


async def check(make: Any) -> None:
    async with make.shop.uow(make.scope) as uow:
        assert await violations(uow.sql) == []


async def test_an_inclusive_tax_is_named_and_changes_no_price(make: Any, buyer: Any) -> None:
    await make.shipping(0)
    await make.tax("0.15")
    order = await buyer.order(await make.product(price=115_00))
    totals = {name: part["amount"] for name, part in order["totals"].items()}
    assert totals == {
        "subtotal": 115_00, "discount": 0, "shipping": 0, "tax": 0, "tax_included": 15_00, "total": 115_00,
    }  # fmt: skip
    await check(make)


async def test_an_exclusive_tax_is_added_per_line_and_rounded_once(make: Any, buyer: Any) -> None:
    await make.shipping(0)
    await make.tax("0.075", is_inclusive=False)
    order = await buyer.order((await make.product(price=33), 3), await make.product(price=7))
    # 99 × 7.5 % = 7.425 and 7 × 7.5 % = 0.525, each rounded by itself.
    assert order["totals"]["tax"]["amount"] == 7 + 1
    assert order["totals"]["total"]["amount"] == 99 + 7 + 8
    assert [line["total"]["amount"] for line in order["items"]] == [106, 8]
    await check(make)


async def test_classes_regions_and_delivery_are_taxed_by_their_own_rates(make: Any, making: Any, buyer: Any) -> None:
    await make.shipping(100_00)
    await make.tax("0.10", is_inclusive=False, name="VAT 10")
    await make.tax("0.05", is_inclusive=False, country_code="BD", admin1="Khulna", name="Khulna 5")
    await make.tax("0.02", is_inclusive=True, tax_class="reduced", name="Books 2")
    await make.tax("0.15", is_inclusive=False, tax_class="shipping", name="Delivery 15")
    shirt = await make.product(price=1000_00)
    book = await make.product(price=102_00, tax_class="reduced")
    rice = await make.product(price=50_00, tax_class="exempt")
    dhaka = await buyer.order(shirt, book, rice)
    parts = {name: part["amount"] for name, part in dhaka["totals"].items()}
    assert (parts["tax"], parts["tax_included"]) == (100_00 + 15_00, 2_00)
    assert parts["total"] == 1152_00 + 100_00 + 115_00
    khulna = await buyer.order(shirt, shipping_address=making.address(admin1="Khulna", admin2="Khulna"))
    assert khulna["totals"]["tax"]["amount"] == 50_00 + 15_00
    lines = await make.value("SELECT tax_lines FROM orders WHERE number = $1", dhaka["number"])
    assert {(line["name"], line["rate"], line["added"], line["included"]) for line in lines} == {
        ("VAT 10", "0.100000", 100_00, 0),
        ("Books 2", "0.020000", 0, 2_00),
        ("Delivery 15", "0.150000", 15_00, 0),
    }
    await check(make)


async def test_the_cart_shows_the_same_sums_as_the_order(make: Any, buyer: Any) -> None:
    await make.shipping(60_00)
    await make.tax("0.075", is_inclusive=False)
    await make.tax("0.15", tax_class="shipping")
    shown = await buyer.ready((await make.product(price=33_33), 3))
    placed = await buyer.complete(shown["totals"]["total"])
    assert placed.json()["order"]["totals"] == shown["totals"]
    await check(make)


async def test_an_order_beyond_the_ceiling_is_refused_and_changes_nothing(make: Any, making: Any, buyer: Any) -> None:
    await make.shipping()
    gold = await make.product(price=10**13, stock=500)
    await buyer.open((gold, 99))
    refused = await buyer.add(gold, 2)
    assert (refused.status_code, refused.json()["code"]) == (422, "amount_out_of_range")
    assert (await buyer.show()).json()["items"][0]["quantity"] == 99
    refused = await buyer.quick(making.quick_body((gold, 101)))
    assert (refused.status_code, refused.json()["code"]) == (422, "amount_out_of_range")
    assert await make.value("SELECT count(*) FROM orders") == 0


# Several locations


async def shares(make: Any) -> dict[str, int]:
    rows = await make.sql(
        """
        SELECT l.code, sum(r.quantity)::int AS units FROM inventory_reservations r
        JOIN inventory_stocks s ON s.id = r.stock_id JOIN store_locations l ON l.id = s.location_id
        WHERE r.status = 'active' GROUP BY l.code
        """
    )
    return {row["code"]: row["units"] for row in rows}


@pytest.fixture
async def spread(make: Any) -> Any:
    """A product with 3 units in the shop (first), 5 in the depot, 9 far away; and its locations."""
    await make.shipping()
    depot, far = await make.location("depot", priority=200), await make.location("far", priority=300)
    cap = await make.product(stock=3)
    await make.stock(cap.variant, 5, location_id=depot)
    await make.stock(cap.variant, 9, location_id=far)
    return cap, depot, far


@pytest.mark.parametrize(
    ("units", "expected"),
    [
        (2, {"main": 2}),
        (4, {"depot": 4}),
        (7, {"far": 7}),
        (10, {"main": 3, "depot": 5, "far": 2}),
        (17, {"main": 3, "depot": 5, "far": 9}),
    ],
)
async def test_the_first_location_that_has_it_all_gives_it_else_it_is_split(
    make: Any, buyer: Any, spread: Any, units: int, expected: dict[str, int]
) -> None:
    await buyer.order((spread[0], units))
    assert await shares(make) == expected
    await check(make)


async def test_what_all_locations_have_is_what_there_is(make: Any, making: Any, buyer: Any, spread: Any) -> None:
    refused = await buyer.quick(making.quick_body((spread[0], 18)))
    assert (refused.json()["code"], refused.json()["available"]) == ("out_of_stock", 17)
    assert await shares(make) == {}


async def test_a_product_is_sold_from_its_locations_only(make: Any, making: Any, buyer: Any, spread: Any) -> None:
    cap, depot, far = spread
    for location in (depot, far):
        await make.sql("INSERT INTO product_locations (product_id, location_id) VALUES ($1, $2)", cap.id, location)
    await make.sql("UPDATE store_locations SET status = 'paused' WHERE id = $1", far)
    await buyer.order((cap, 5))
    assert await shares(make) == {"depot": 5}
    refused = await buyer.quick(making.quick_body(cap))
    assert (refused.json()["code"], refused.json()["available"]) == ("out_of_stock", 0)


async def test_a_split_order_leaves_every_location_at_hand_over(make: Any, buyer: Any, spread: Any) -> None:
    order = await buyer.order((spread[0], 10))
    await make.staff(staff.confirm, order["number"])
    await make.staff(staff.hand_over, order["number"])
    assert await make.levels(spread[0].variant) == [(7, 0)]
    await check(make)


async def test_another_stores_stock_is_not_ours(make: Any, making: Any, buyer: Any) -> None:
    await make.shipping()
    second = await make.store("second")
    cap = await make.product(stock=1)
    await make.stock(cap.variant, 1)
    async with make.shop.uow(second.scope) as uow:
        await inventory.receive(uow, cap.variant, 50)
    refused = await buyer.quick(making.quick_body((cap, 3)))
    assert (refused.json()["code"], refused.json()["available"]) == ("out_of_stock", 2)
