"""Whole stories over HTTP, from an empty cart to cash in the till."""

from typing import Any

from shopkit.core.checkout import staff
from shopkit.core.checkout.invariants import violations


async def test_a_buyer_in_bangla_from_the_first_look_to_the_delivered_parcel(
    make: Any, making: Any, client: Any
) -> None:
    await make.shipping(60_00)
    await make.tax("0.05")
    product = await make.product(price=1299_00, compare_at=1599_00, stock=3, title_bn="পাঞ্জাবি")
    buyer = making.Buyer(client, {"Accept-Language": "bn-BD,bn;q=0.9"})

    page = (await buyer.call("GET", f"/products/{product.slug}")).json()
    variant = page["variants"][0]["id"]
    assert (page["title"], page["price"]["formatted"]) == ("পাঞ্জাবি", "১,২৯৯.০০৳")
    await buyer.open()
    added = (
        await buyer.call("POST", f"{buyer.at}/items", json={"variant_id": variant, "quantity": 2}, headers=buyer.token)
    ).json()
    assert added["items"][0]["total"]["formatted"] == "২,৫৯৮.০০৳"

    needed = [each["field"] for each in added["requirements"]]
    assert needed == ["/contact/name", "/contact/phone", "/shipping_address", "/shipping_option", "/payment_method"]
    ways = (await buyer.call("GET", f"{buyer.at}/shipping-options", headers=buyer.token)).json()["items"]
    pays = (await buyer.call("GET", f"{buyer.at}/payment-methods", headers=buyer.token)).json()["items"]
    assert (ways[0]["name"], pays[0]["name"]) == ("হোম ডেলিভারি", "ক্যাশ অন ডেলিভারি")
    cart = (
        await buyer.change(
            contact={"name": "রহিম উদ্দিন", "phone": "০১৭১২-৩৪৫৬৭৮"},
            shipping_address=making.address(name="রহিম উদ্দিন", phone="০১৭১২৩৪৫৬৭৮", admin1="ঢাকা", admin2="ঢাকা"),
            shipping_option=ways[0]["code"],
            payment_method=pays[0]["code"],
        )
    ).json()
    assert cart["requirements"] == []
    placed = await buyer.complete(cart["totals"]["total"])
    order = placed.json()["order"]
    proof = {"X-Order-Token": order["token"]}
    assert order["totals"]["total"]["amount"] == 2658_00

    async def shown() -> Any:
        return (await buyer.call("GET", f"/orders/{order['number']}", headers=proof)).json()

    words = [(await shown())["display_status"]]
    for step in (staff.confirm, staff.hand_over, staff.deliver, staff.collect):
        await make.staff(step, order["number"])
        words.append((await shown())["display_status"])
    assert words == ["pending", "confirmed", "shipped", "delivered", "completed"]
    last = await shown()
    assert (last["payments"][0]["status"], last["shipments"][0]["status"]) == ("succeeded", "delivered")
    assert last["totals"] == order["totals"]
    assert await make.levels(product.variant) == [(1, 0)]
    assert (await buyer.call("GET", f"/products/{product.slug}")).json()["variants"][0]["in_stock"]
    async with make.shop.uow(make.scope) as uow:
        assert await violations(uow.sql) == []


async def test_two_tenants_buy_the_same_things_side_by_side_and_never_meet(
    make: Any, making: Any, client: Any, buyer: Any, shop: Any, other_tenant: Any
) -> None:
    theirs = making.Make(shop, other_tenant.made, other_tenant.scope)
    there = making.Buyer(client, {"Host": other_tenant.host})
    for maker in (make, theirs):
        await maker.shipping()
    mine, foreign = await make.product(stock=1), await theirs.product(stock=1)
    first, second = await buyer.order(mine), await there.order(foreign)
    assert first["number"] == second["number"] == "1001"
    assert (await buyer.quick(making.quick_body(foreign))).json()["errors"][0]["code"] == "unknown_variant"
    answer = await there.call("GET", "/orders/1001", headers={"X-Order-Token": first["token"]})
    assert answer.status_code == 404
    key = making.key()
    await theirs.stock(foreign.variant, 5)
    await make.stock(mine.variant, 5)
    one = await buyer.quick(making.quick_body(mine), **key)
    two = await there.quick(making.quick_body(foreign), **key)
    assert (one.status_code, two.status_code) == (201, 201), "keys are each tenant's own"
    for maker in (make, theirs):
        counts = await maker.counts("orders", "customers", "payments")
        assert counts == {"orders": 2, "customers": 1, "payments": 2}
        await maker.check_stock()
