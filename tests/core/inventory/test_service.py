"""Hold, release, consume, receive, adjust: what each does to the two counters and to the holds."""

from typing import Any
from uuid import uuid4

import pytest

from shopkit.core.inventory import service as inventory
from shopkit.core.inventory.errors import NotInStock, OutOfStock, StockHeld, UnknownStock
from shopkit.core.inventory.service import Owner
from shopkit.sdk.errors import Invalid


async def reserve(warehouse: Any, demand: Any, **options: Any) -> Owner:
    """Hold for a new order."""
    owner = Owner(order_id=await warehouse.order())
    async with warehouse.uow() as uow:
        await inventory.reserve(uow, owner, demand, **options)
    return owner


async def hold(warehouse: Any, cart_id: Any, demand: Any) -> None:
    async with warehouse.uow() as uow:
        await inventory.hold_for_cart(uow, cart_id, demand, seconds=900)


async def place(warehouse: Any, cart_id: Any, demand: Any) -> Owner:
    """Hold for a new order what its cart may hold already."""
    owner = Owner(order_id=await warehouse.order())
    async with warehouse.uow() as uow:
        await inventory.reserve_for_placement(uow, owner.id, cart_id, demand, likely=None, holds=True)
    return owner


# Reserve


async def test_a_hold_raises_what_is_reserved_and_leaves_the_stock(warehouse: Any) -> None:
    variant = await warehouse.variant(5)
    owner = await reserve(warehouse, {variant: 3})
    assert await warehouse.levels(variant) == {"main": (5, 3)}
    assert await warehouse.holds(order_id=owner.id) == [("active", 3)]


async def test_an_order_draws_on_the_first_location_that_has_it_all(warehouse: Any) -> None:
    await warehouse.open_second()
    variant = await warehouse.variant(2, 5)
    await reserve(warehouse, {variant: 4})
    assert await warehouse.levels(variant) == {"main": (2, 0), "second": (5, 4)}
    await reserve(warehouse, {variant: 2})
    assert await warehouse.levels(variant) == {"main": (2, 2), "second": (5, 4)}


async def test_an_order_that_no_location_has_is_split_in_order_of_priority(warehouse: Any) -> None:
    await warehouse.open_second(priority=1)
    variant = await warehouse.variant(4, 3)
    await reserve(warehouse, {variant: 6})
    assert await warehouse.levels(variant) == {"second": (3, 3), "main": (4, 3)}


async def test_i8_an_order_holds_all_of_its_variants_or_none(warehouse: Any) -> None:
    enough, short = await warehouse.variant(5), await warehouse.variant(1)
    with pytest.raises(OutOfStock) as refused:
        await reserve(warehouse, {enough: 2, short: 2})
    assert refused.value.details["items"] == [{"variant_id": str(short), "requested": 2, "available": 1}]
    assert await warehouse.levels(enough) == {"main": (5, 0)}
    assert await warehouse.holds() == []


async def test_i8_lines_of_one_variant_are_summed_before_the_stock_is_touched(make: Any, warehouse: Any) -> None:
    product = await make.product(stock=3)
    with pytest.raises(OutOfStock) as refused:
        await make.order((product, 2), (product, 2))
    assert refused.value.details["items"] == [{"variant_id": str(product.variant), "requested": 4, "available": 3}]
    await make.order((product, 2), (product, 1))
    assert await warehouse.holds() == [("active", 3)]


async def test_a_paused_location_sells_nothing(warehouse: Any) -> None:
    await warehouse.open_second()
    variant = await warehouse.variant(5, 1)
    await warehouse.pause("main")
    await reserve(warehouse, {variant: 1})
    with pytest.raises(OutOfStock):
        await reserve(warehouse, {variant: 1})
    assert await warehouse.levels(variant) == {"main": (5, 0), "second": (1, 1)}


async def test_a_product_that_names_its_locations_is_sold_from_no_other(warehouse: Any) -> None:
    await warehouse.open_second()
    variant = await warehouse.variant(5, 2)
    await warehouse.sql(
        "INSERT INTO product_locations (product_id, location_id) "
        "SELECT product_id, $2 FROM product_variants WHERE id = $1",
        variant,
        warehouse.second,
    )
    with pytest.raises(OutOfStock):
        await reserve(warehouse, {variant: 3})
    await reserve(warehouse, {variant: 2})
    assert await warehouse.levels(variant) == {"main": (5, 0), "second": (2, 2)}


async def test_an_untracked_variant_never_runs_out(make: Any) -> None:
    endless = await make.product(is_tracked=False)
    order = await make.order((endless, 500))
    assert [line.quantity for line in order.items] == [500]
    assert await make.levels(endless.variant) == [(0, 0)]


async def test_a_backorder_goes_to_its_limit_and_no_further(warehouse: Any) -> None:
    variant = await warehouse.variant(2)
    await warehouse.allow_backorder(variant, 3)
    await reserve(warehouse, {variant: 4})
    with pytest.raises(OutOfStock):
        await reserve(warehouse, {variant: 2})
    await reserve(warehouse, {variant: 1})
    assert await warehouse.levels(variant) == {"main": (2, 5)}


async def test_i1_what_has_not_arrived_cannot_leave(warehouse: Any) -> None:
    variant = await warehouse.variant(2)
    await warehouse.allow_backorder(variant, 3)
    owner = await reserve(warehouse, {variant: 4})
    with pytest.raises(NotInStock):
        async with warehouse.uow() as uow:
            await inventory.consume(uow, owner.id)
    assert await warehouse.levels(variant) == {"main": (2, 4)}
    async with warehouse.uow() as uow:
        await inventory.receive(uow, variant, 2)
        assert await inventory.consume(uow, owner.id) == 1
    assert await warehouse.levels(variant) == {"main": (0, 0)}


async def test_an_order_of_nothing_holds_nothing(warehouse: Any) -> None:
    await reserve(warehouse, {})
    assert await warehouse.holds() == []


# Ends


async def test_i6_a_second_release_changes_nothing(warehouse: Any) -> None:
    variant = await warehouse.variant(5)
    owner = await reserve(warehouse, {variant: 3})
    async with warehouse.uow() as uow:
        assert await inventory.release(uow, owner) == 1
        assert await inventory.release(uow, owner) == 0
        assert await inventory.consume(uow, owner.id) == 0
    assert await warehouse.levels(variant) == {"main": (5, 0)}


async def test_i6_a_second_sale_changes_nothing(warehouse: Any) -> None:
    variant = await warehouse.variant(5)
    owner = await reserve(warehouse, {variant: 3})
    async with warehouse.uow() as uow:
        assert await inventory.consume(uow, owner.id) == 1
        assert await inventory.consume(uow, owner.id) == 0
        assert await inventory.release(uow, owner) == 0
    assert await warehouse.levels(variant) == {"main": (2, 0)}
    assert await warehouse.holds() == [("consumed", 3)]


async def test_i7_an_overdue_hold_is_no_hindrance_although_nobody_swept(warehouse: Any) -> None:
    variant = await warehouse.variant(3)
    await hold(warehouse, await warehouse.cart(), {variant: 3})
    with pytest.raises(OutOfStock):
        await reserve(warehouse, {variant: 1})
    await warehouse.overdue()
    await reserve(warehouse, {variant: 1}, likely={variant: await warehouse.stock_id(variant)})
    assert sorted(await warehouse.holds()) == [("active", 1), ("expired", 3)]


async def test_i5_a_refusal_tells_what_is_free_with_overdue_holds_counted_as_free(warehouse: Any) -> None:
    variant = await warehouse.variant(3)
    await hold(warehouse, await warehouse.cart(), {variant: 2})
    await warehouse.overdue()
    with pytest.raises(OutOfStock) as refused:
        await reserve(warehouse, {variant: 4})
    assert refused.value.details["available"] == 3


async def test_the_worker_frees_what_is_overdue_and_nothing_else(warehouse: Any) -> None:
    variant = await warehouse.variant(9)
    await hold(warehouse, await warehouse.cart(), {variant: 2})
    await warehouse.overdue()
    await hold(warehouse, await warehouse.cart(), {variant: 3})
    await reserve(warehouse, {variant: 1})
    async with warehouse.uow() as uow:
        assert await inventory.expire_holds(uow) == 1
        assert await inventory.expire_holds(uow) == 0
    assert await warehouse.levels(variant) == {"main": (9, 4)}


# Carts that hold


async def test_a_cart_holds_what_is_in_it_and_lets_go_of_the_rest(warehouse: Any) -> None:
    one, other = await warehouse.variant(5), await warehouse.variant(5)
    cart = await warehouse.cart()
    await hold(warehouse, cart, {one: 2, other: 1})
    await hold(warehouse, cart, {one: 3})
    assert await warehouse.levels(one) == {"main": (5, 3)}
    assert await warehouse.levels(other) == {"main": (5, 0)}
    await hold(warehouse, cart, {})
    assert await warehouse.levels(one) == {"main": (5, 0)}


async def test_a_cart_that_stays_as_it_is_only_gains_time(warehouse: Any) -> None:
    variant = await warehouse.variant(5)
    cart = await warehouse.cart()
    await hold(warehouse, cart, {variant: 2})
    await warehouse.overdue()
    await hold(warehouse, cart, {variant: 2})
    rows = await warehouse.sql(
        "SELECT expires_at > now() + interval '800 seconds' AS is_fresh FROM inventory_reservations"
    )
    assert [row["is_fresh"] for row in rows] == [True]
    ledger = await warehouse.sql("SELECT type FROM inventory_transactions ORDER BY created_at, id")
    assert [row["type"] for row in ledger] == ["restock", "reservation"]


async def test_a_cart_may_raise_its_hold_to_all_that_is_free_and_its_own(warehouse: Any) -> None:
    variant = await warehouse.variant(5)
    cart = await warehouse.cart()
    await hold(warehouse, cart, {variant: 2})
    await hold(warehouse, cart, {variant: 5})
    with pytest.raises(OutOfStock):
        await hold(warehouse, cart, {variant: 6})
    assert await warehouse.levels(variant) == {"main": (5, 5)}, "the refusal keeps the old hold"


async def test_what_the_cart_holds_becomes_the_orders_without_a_move_of_the_counters(warehouse: Any) -> None:
    variant = await warehouse.variant(2)
    cart = await warehouse.cart()
    await hold(warehouse, cart, {variant: 2})
    owner = await place(warehouse, cart, {variant: 2})
    assert await warehouse.holds(order_id=owner.id) == [("active", 2)]
    assert len(await warehouse.holds()) == 1
    rows = await warehouse.sql("SELECT expires_at FROM inventory_reservations")
    assert [row["expires_at"] for row in rows] == [None]


async def test_i4_an_order_that_differs_from_what_the_cart_held_is_covered_anyway(warehouse: Any) -> None:
    one, other = await warehouse.variant(5), await warehouse.variant(5)
    cart = await warehouse.cart()
    await hold(warehouse, cart, {one: 2, other: 4})
    owner = await place(warehouse, cart, {one: 5})
    assert await warehouse.holds(order_id=owner.id) == [("active", 5)]
    assert await warehouse.levels(one) == {"main": (5, 5)}
    assert await warehouse.levels(other) == {"main": (5, 0)}


async def test_a_hold_where_nothing_is_sold_any_more_moves_to_where_it_is(warehouse: Any) -> None:
    await warehouse.open_second()
    variant = await warehouse.variant(5, 5)
    cart = await warehouse.cart()
    await hold(warehouse, cart, {variant: 3})
    await warehouse.pause("main")
    owner = await place(warehouse, cart, {variant: 3})
    assert await warehouse.holds(order_id=owner.id) == [("active", 3)]
    assert await warehouse.levels(variant) == {"main": (5, 0), "second": (5, 3)}


async def test_i4_a_setting_that_changed_in_between_leaves_no_hold_behind(
    make: Any, buyer: Any, warehouse: Any
) -> None:
    product = await make.product(stock=3)
    await make.shipping()
    await make.settings({"inventory.hold_on_add": True})
    cart = await buyer.ready((product, 3))
    assert await make.levels(product.variant) == [(3, 3)]
    await make.settings({"inventory.hold_on_add": False})
    answer = await buyer.complete(cart["totals"]["total"])
    assert answer.status_code == 201, answer.text
    assert await warehouse.holds() == [("active", 3)]
    assert await make.levels(product.variant) == [(3, 3)]


async def test_a_hold_where_nothing_is_sold_any_more_stands_in_no_other_edits_way(make: Any, buyer: Any) -> None:
    product, other = await make.product(stock=3), await make.product(is_tracked=False)
    await make.settings({"inventory.hold_on_add": True})
    cart = await buyer.open((product, 3), other)
    await make.sql("UPDATE store_locations SET status = 'paused'")
    line = next(line["id"] for line in cart["items"] if line["variant_id"] == str(other.variant))
    answer = await buyer.call("DELETE", f"{buyer.at}/items/{line}", headers=buyer.token)
    assert answer.status_code == 200, answer.text
    assert [line["available"] for line in answer.json()["items"]] == [False]
    assert await make.levels(product.variant) == [(3, 0)], "what cannot be sold is not held"


# Receive and adjust


async def test_goods_that_arrive_are_counted_and_written_down(warehouse: Any) -> None:
    variant = await warehouse.variant()
    async with warehouse.uow() as uow:
        assert await inventory.receive(uow, variant, 4, reason="first") == 4
        assert await inventory.receive(uow, variant, 3) == 7
    rows = await warehouse.sql("SELECT type, stock_delta, reason FROM inventory_transactions ORDER BY stock_delta")
    assert [tuple(row) for row in rows] == [("restock", 3, ""), ("restock", 4, "first")]


async def test_a_count_writes_down_the_difference(warehouse: Any) -> None:
    variant = await warehouse.variant(10)
    async with warehouse.uow() as uow:
        assert await inventory.adjust(uow, variant, to=7, reason="count") == 7
        assert await inventory.adjust(uow, variant, to=7, reason="again") == 7
        assert await inventory.adjust(uow, variant, delta=-2, reason="broken") == 5
    rows = await warehouse.sql("SELECT stock_delta FROM inventory_transactions WHERE type = 'adjustment' ORDER BY 1")
    assert [row["stock_delta"] for row in rows] == [-3, -2]


@pytest.mark.parametrize("change", [{"to": 2}, {"delta": -3}])
async def test_i1_a_level_does_not_fall_beneath_what_is_promised(warehouse: Any, change: dict[str, int]) -> None:
    variant = await warehouse.variant(4)
    await reserve(warehouse, {variant: 3})
    with pytest.raises(StockHeld):
        async with warehouse.uow() as uow:
            await inventory.adjust(uow, variant, **change, reason="lost")
    assert await warehouse.levels(variant) == {"main": (4, 3)}
    async with warehouse.uow() as uow:
        assert await inventory.adjust(uow, variant, to=3, reason="lost") == 3


@pytest.mark.parametrize("change", [{"to": -1}, {"to": 10**10}, {"delta": 10**10}, {"delta": 0}])
async def test_a_level_is_a_number_that_can_be_counted(warehouse: Any, change: dict[str, int]) -> None:
    variant = await warehouse.variant(4)
    with pytest.raises(Invalid):
        async with warehouse.uow() as uow:
            await inventory.adjust(uow, variant, **change, reason="typo")
    for _ in range(2):
        async with warehouse.uow() as uow:
            await inventory.receive(uow, variant, 10**9)
    with pytest.raises(Invalid):
        async with warehouse.uow() as uow:
            await inventory.receive(uow, variant, 10**9)


@pytest.mark.parametrize("quantity", [0, -1])
async def test_only_something_can_arrive(warehouse: Any, quantity: int) -> None:
    variant = await warehouse.variant()
    with pytest.raises(Invalid):
        async with warehouse.uow() as uow:
            await inventory.receive(uow, variant, quantity)


async def test_what_does_not_exist_has_no_level(warehouse: Any) -> None:
    for change in ({"to": 1}, {"delta": 1}):
        with pytest.raises(UnknownStock):
            async with warehouse.uow() as uow:
                await inventory.adjust(uow, uuid4(), **change, reason="")
    variant = await warehouse.variant()
    with pytest.raises(UnknownStock):
        async with warehouse.uow() as uow:
            await inventory.receive(uow, variant, 1, location_id=uuid4())


# Low stock


@pytest.mark.parametrize("is_likely", [True, False])
async def test_low_stock_is_told_once_when_the_reorder_level_is_crossed(warehouse: Any, is_likely: bool) -> None:
    variant = await warehouse.variant(12)  # the reorder level is 10
    likely = {variant: await warehouse.stock_id(variant)} if is_likely else None
    for _ in range(4):
        await reserve(warehouse, {variant: 1}, likely=likely)
    told = await warehouse.facts("stock.low")
    assert [(fact["variant_id"], fact["available"]) for fact in told] == [(str(variant), 10)]


async def test_a_correction_that_crosses_the_reorder_level_tells_it_too(warehouse: Any) -> None:
    variant = await warehouse.variant(12)
    async with warehouse.uow() as uow:
        await inventory.adjust(uow, variant, to=3, reason="count")
    async with warehouse.uow() as uow:
        await inventory.adjust(uow, variant, to=2, reason="count")
        await inventory.receive(uow, variant, 50)
    assert [fact["available"] for fact in await warehouse.facts("stock.low")] == [3]


async def test_a_refusal_tells_nothing(warehouse: Any) -> None:
    variant = await warehouse.variant(12)
    with pytest.raises(OutOfStock):
        await reserve(warehouse, {variant: 13})
    assert await warehouse.facts("stock.low") == []
