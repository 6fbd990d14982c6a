"""Placing orders: `POST /carts/{id}/complete` and `POST /quick-orders`, what they accept, refuse and leave behind."""

import asyncio
from typing import Any

import pytest

from shopkit.core.checkout import staff
from shopkit.core.checkout.invariants import violations
from shopkit.core.kernel.ids import uuid7


async def promises_hold(make: Any) -> None:
    async with make.shop.uow(make.scope) as uow:
        assert await violations(uow.sql) == []


async def test_a_cart_becomes_a_pending_order_to_be_paid_on_delivery(make: Any, making: Any, buyer: Any) -> None:
    await make.shipping()
    shirt, cap = await make.product(price=1299_00, stock=5), await make.product(price=200_00, stock=5)
    shown = await buyer.ready((shirt, 2), cap)
    answer = await buyer.complete(shown["totals"]["total"])
    assert answer.status_code == 201
    assert answer.json()["next"] == {"kind": "none", "url": None}
    order = answer.json()["order"]
    assert (order["status"], order["payment_status"], order["fulfillment_status"], order["display_status"]) == (
        "pending", "unpaid", "unfulfilled", "pending",
    )  # fmt: skip
    assert [(line["quantity"], line["unit_price"]["amount"], line["total"]["amount"]) for line in order["items"]] == [
        (2, 1299_00, 2598_00),
        (1, 200_00, 200_00),
    ]
    assert order["totals"] == shown["totals"]
    assert order["contact"] == {"name": "Rahim Uddin", "phone": "+8801712345678", "email": None}
    assert order["shipping_address"]["admin2"] == "Dhaka"
    assert order["billing_address"] == order["shipping_address"]
    assert order["shipping_option"]["code"] == "home"
    assert [(each["method"], each["status"], each["amount"]["amount"]) for each in order["payments"]] == [
        ("cod", "awaiting_collection", 2858_00)
    ]
    assert (order["shipments"], order["downloads"]) == ([], [])
    assert await make.levels(shirt.variant, cap.variant) == [(5, 2), (5, 1)]
    assert (await buyer.show()).json()["status"] == "converted"
    await promises_hold(make)


async def test_the_order_is_shown_to_who_has_its_token(make: Any, making: Any, buyer: Any) -> None:
    await make.shipping()
    order = await buyer.order(await make.product())
    path = f"/orders/{order['number']}"
    by_header = await buyer.call("GET", path, headers={"X-Order-Token": order["token"]})
    by_link = await buyer.call("GET", path, params={"token": order["token"]})
    for shown in (by_header, by_link):
        assert shown.status_code == 200
        assert shown.json() == order | {"token": None}
        assert shown.headers["referrer-policy"] == "no-referrer"
        assert shown.headers["cache-control"] == "no-store"


async def test_without_proof_an_order_looks_like_none(
    make: Any, making: Any, client: Any, buyer: Any, other_tenant: Any, shop: Any
) -> None:
    await make.shipping()
    product = await make.product()
    order, other = await buyer.order(product), await buyer.order(product)
    theirs = making.Make(shop, other_tenant.made, other_tenant.scope)
    foreign = await making.Buyer(client, {"Host": other_tenant.host}).order(await theirs.product(is_digital=True))
    path, absent = f"/orders/{order['number']}", "/orders/99999999"
    proofs: list[dict[str, str]] = [
        {},
        {"X-Order-Token": "0.AAAAAAAAAAAAAAAAAAAAAAAAAAAA"},
        {"X-Order-Token": other["token"]},
        {"X-Order-Token": foreign["token"]},
        {"X-Order-Token": "x" * 5000},
        {"X-Cart-Token": order["token"]},
    ]
    for proof in proofs:
        there, nowhere = await buyer.call("GET", path, headers=proof), await buyer.call("GET", absent, headers=proof)
        assert (there.status_code, there.json()["code"]) == (404, "order_not_found")
        assert there.json() == nowhere.json()
    body = {"payment_method": "cod"}
    refused = await buyer.call("POST", f"{path}/payments", json=body, headers=proofs[2] | making.key())
    assert refused.status_code == 404
    await make.sql("UPDATE orders SET token_epoch = 1 WHERE number = $1", order["number"])
    assert (await buyer.call("GET", path, headers={"X-Order-Token": order["token"]})).status_code == 404


async def test_requirements_are_named_and_nothing_is_placed(make: Any, making: Any, buyer: Any) -> None:
    await make.shipping()
    cart = await buyer.open(await make.product())
    before = await make.counts()
    answer = await buyer.complete(cart["totals"]["total"], **{"Accept-Language": "bn"})
    assert (answer.status_code, answer.json()["code"]) == (409, "requirements_missing")
    needed = [(each["field"], each["code"]) for each in answer.json()["requirements"]]
    assert needed == [
        ("/contact/name", "required"),
        ("/contact/phone", "required"),
        ("/shipping_address", "required"),
        ("/shipping_option", "required"),
        ("/payment_method", "required"),
    ]
    assert answer.json()["requirements"][0]["message"] == "এই ঘরটি পূরণ করুন।"
    assert [(each["field"], each["code"]) for each in answer.json()["errors"]] == needed
    assert await make.counts() == before


async def test_an_empty_cart_is_not_an_order(make: Any, making: Any, buyer: Any) -> None:
    await make.shipping()
    await buyer.open()
    answer = await buyer.complete({"amount": 0, "currency": "BDT"})
    assert answer.json()["code"] == "requirements_missing"
    assert ("/items", "cart_empty") in [(each["field"], each["code"]) for each in answer.json()["requirements"]]


@pytest.mark.parametrize("expected", [{"amount": 159_99, "currency": "BDT"}, {"amount": 160_00, "currency": "USD"}])
async def test_another_total_is_answered_with_the_cart_and_changes_nothing(
    make: Any, buyer: Any, expected: Any
) -> None:
    await make.shipping()
    product = await make.product(price=100_00)
    shown = await buyer.ready(product)
    before = await make.counts()
    refused = await buyer.complete(expected)
    assert (refused.status_code, refused.json()["code"]) == (409, "cart_changed")
    assert refused.json()["total"] == {"amount": 160_00, "currency": "BDT"}
    assert refused.json()["cart"]["totals"] == shown["totals"]
    assert refused.json()["cart"]["token"] is None
    assert await make.counts() == before
    assert (await buyer.show()).json()["status"] == "active"
    assert (await buyer.complete({"amount": 160_00, "currency": "BDT", "formatted": "whatever"})).status_code == 201


async def test_a_price_that_rose_after_the_last_look_is_not_charged_unseen(make: Any, buyer: Any) -> None:
    await make.shipping()
    product = await make.product(price=100_00)
    shown = await buyer.ready(product)
    await make.price(product, 130_00)
    refused = await buyer.complete(shown["totals"]["total"])
    assert refused.json()["code"] == "cart_changed"
    line = refused.json()["cart"]["items"][0]
    assert (line["price_changed"], line["unit_price"]["amount"]) == (True, 130_00)
    placed = await buyer.complete(refused.json()["cart"]["totals"]["total"])
    assert placed.json()["order"]["totals"]["total"]["amount"] == 190_00


async def test_stock_that_went_meanwhile_is_refused_with_what_is_left(make: Any, buyer: Any) -> None:
    await make.shipping()
    product = await make.product(stock=3)
    shown = await buyer.ready((product, 3))
    await make.order((product, 2))
    before = await make.counts()
    refused = await buyer.complete(shown["totals"]["total"])
    assert (refused.status_code, refused.json()["code"], refused.json()["available"]) == (409, "out_of_stock", 1)
    assert await make.counts() == before
    line = (await buyer.show()).json()["items"][0]
    assert (line["available"], line["quantity"]) == (False, 3)


async def test_a_line_that_vanished_must_be_seen_before_the_rest_is_ordered(make: Any, buyer: Any) -> None:
    await make.shipping()
    gone, kept = await make.product(price=500_00), await make.product(price=200_00)
    shown = await buyer.ready(gone, kept)
    await make.sql("UPDATE product_variants SET is_active = false WHERE id = $1", gone.variant)
    assert (await buyer.complete(shown["totals"]["total"])).json()["code"] == "cart_changed"
    total = (await buyer.show()).json()["totals"]["total"]
    refused = await buyer.complete(total)
    assert (refused.status_code, refused.json()["code"]) == (409, "variant_unavailable")
    assert refused.json()["variant_id"] == str(gone.variant)


async def test_a_closed_cart_cannot_be_edited(make: Any, making: Any, buyer: Any) -> None:
    await make.shipping()
    shown = await buyer.ready(await make.product())
    await buyer.complete(shown["totals"]["total"])
    line = f"{buyer.at}/items/{shown['items'][0]['id']}"
    refusals = [
        await buyer.change(note="late"),
        await buyer.add(await make.product()),
        await buyer.call("PATCH", line, json={"quantity": 2}, headers=buyer.token),
        await buyer.call("DELETE", line, headers=buyer.token),
    ]
    assert {(each.status_code, each.json()["code"]) for each in refusals} == {(409, "cart_closed")}


async def test_an_abandoned_cart_can_still_be_completed(make: Any, buyer: Any) -> None:
    await make.shipping()
    shown = await buyer.ready(await make.product())
    await make.sql("UPDATE carts SET status = 'abandoned', expires_at = now() - interval '1 day'")
    assert (await buyer.complete(shown["totals"]["total"])).status_code == 201


async def test_a_cart_completed_many_ways_at_once_is_one_order(make: Any, making: Any, buyer: Any) -> None:
    await make.shipping()
    shown = await buyer.ready((await make.product(stock=50), 2))
    answers = await asyncio.gather(*(buyer.complete(shown["totals"]["total"]) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["order"]["id"] for answer in answers}) == 1
    assert (await make.counts("orders", "payments", "customers")) == {"orders": 1, "payments": 1, "customers": 1}
    await promises_hold(make)


async def test_two_lines_of_one_variant_are_summed_before_the_stock_is_touched(make: Any, buyer: Any) -> None:
    await make.shipping()
    mug = await make.product(stock=3)
    await buyer.ready((mug, 2))
    shown = (await buyer.add(mug, 1, customisation={"name": "R"})).json()
    placed = await buyer.complete(shown["totals"]["total"])
    assert len(placed.json()["order"]["items"]) == 2
    assert await make.levels(mug.variant) == [(3, 3)]
    assert await make.value("SELECT count(*) FROM inventory_reservations") == 1
    await promises_hold(make)


async def test_all_lines_are_held_or_none(make: Any, making: Any, buyer: Any) -> None:
    await make.shipping()
    enough, scarce = await make.product(stock=5), await make.product(stock=1)
    refused = await buyer.quick(making.quick_body((enough, 2), (scarce, 2)))
    assert refused.json()["items"] == [{"variant_id": str(scarce.variant), "requested": 2, "available": 1}]
    assert await make.levels(enough.variant, scarce.variant) == [(5, 0), (1, 0)]
    assert (await make.counts("orders", "inventory_reservations")) == {"orders": 0, "inventory_reservations": 0}


async def test_digital_goods_need_no_address_and_nothing_free_needs_paying(make: Any, making: Any, buyer: Any) -> None:
    book, gift = await make.product(is_digital=True, price=50_00), await make.product(is_digital=True, price=0)
    bought = await buyer.order(book, shipping_address=None)
    assert (bought["fulfillment_status"], bought["shipping_address"], bought["shipping_option"]) == (
        "not_required", None, None,
    )  # fmt: skip
    free = await buyer.order(gift, shipping_address=None)
    assert (free["payment_status"], free["payments"], free["display_status"]) == ("paid", [], "paid")
    await promises_hold(make)


async def test_auto_confirm_confirms_at_once_with_its_own_history_and_fact(make: Any, buyer: Any) -> None:
    await make.shipping()
    await make.settings({"cod.auto_confirm": True})
    order = await buyer.order(await make.product())
    assert (order["status"], order["display_status"]) == ("confirmed", "confirmed")
    assert [step["status"] for step in order["timeline"] if step["axis"] == "order"] == [
        "draft", "pending", "confirmed",
    ]  # fmt: skip
    topics = await make.sql("SELECT topic FROM outbox_events ORDER BY position")
    assert [row["topic"] for row in topics] == ["order.placed", "payment.opened", "order.confirmed"]
    await promises_hold(make)


# Quick orders


async def test_an_order_in_one_request_takes_the_first_way_of_delivery(make: Any, making: Any, buyer: Any) -> None:
    await make.shipping(60_00)
    express = await make.method("express", position=9)
    await make.rate(express, await make.zone("everywhere"), 150_00)
    product = await make.product(price=100_00)
    assert (await buyer.order(product))["totals"]["total"]["amount"] == 160_00
    chosen = await buyer.order(product, shipping_option="express")
    assert (chosen["shipping_option"]["code"], chosen["totals"]["total"]["amount"]) == ("express", 250_00)


async def test_a_quick_order_in_bangla_is_understood_and_answered_in_bangla(make: Any, making: Any, buyer: Any) -> None:
    await make.shipping()
    product = await make.product(title_bn="পাঞ্জাবি")
    address = making.address(name="রহিম উদ্দিন", phone="০১৭১২৩৪৫৬৭৮", admin1="ঢাকা", admin2="ঢাকা")
    body = making.quick_body(product, contact={"name": "রহিম উদ্দিন", "phone": "০১৭১২৩৪৫৬৭৮"}, shipping_address=address)
    answer = await buyer.quick(body, **{"Accept-Language": "bn"})
    order = answer.json()["order"]
    assert answer.status_code == 201
    assert order["contact"]["phone"] == "+8801712345678"
    assert (order["shipping_address"]["admin1"], order["shipping_address"]["phone"]) == ("Dhaka", "+8801712345678")
    assert order["items"][0]["title"] == "পাঞ্জাবি"
    assert order["totals"]["total"]["formatted"] == "১৬০.০০৳"
    assert order["shipping_option"]["code"] == "home"


async def test_everything_wrong_with_a_quick_order_is_said_at_once(make: Any, making: Any, buyer: Any) -> None:
    await make.shipping()
    before = await make.counts()
    body = making.quick_body(
        await make.product(),
        uuid7(),
        contact={"name": "R", "phone": "nonsense", "email": "nobody"},
        shipping_address=making.address(admin2="Atlantis"),
        billing_address=making.address(line1=" "),
        payment_method="barter",
    )
    refused = await buyer.quick(body)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid")
    assert {each["field"] for each in refused.json()["errors"]} == {
        "/contact/phone",
        "/contact/email",
        "/items/1/variant_id",
        "/shipping_address/admin2",
        "/billing_address/line1",
        "/payment_method",
    }
    after = await make.counts()
    assert {table for table in after if after[table] != before[table]} <= {"inventory_transactions"}
    assert after["orders"] == 0


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"contact": {"name": "R"}}, "requirements_missing", "/contact/phone"),
        ({"contact": {"phone": "01712345678"}}, "requirements_missing", "/contact/name"),
        ({"shipping_address": None}, "requirements_missing", "/shipping_address"),
        ({"shipping_option": "drone"}, "requirements_missing", "/shipping_option"),
        ({"expected_total": {"amount": 1, "currency": "BDT"}}, "cart_changed", None),
    ],
)
async def test_a_quick_order_that_lacks_something_is_refused(
    make: Any, making: Any, buyer: Any, changes: Any, code: str, field: str | None
) -> None:
    await make.shipping()
    refused = await buyer.quick(making.quick_body(await make.product(), **changes))
    assert (refused.status_code, refused.json()["code"]) == (409, code)
    if field:
        assert field in [each["field"] for each in refused.json()["requirements"]]
    else:
        assert refused.json()["total"] == {"amount": 160_00, "currency": "BDT"}
    assert await make.value("SELECT count(*) FROM orders") == 0


async def test_a_quick_order_keeps_to_the_limits_of_the_variant_and_the_store(
    make: Any, making: Any, buyer: Any
) -> None:
    await make.shipping()
    mug = await make.product(max_per_order=2)
    over = making.quick_body(mug, (mug, 2))
    refused = await buyer.quick(over)
    assert ("/items/0/quantity", "too_many_per_order") in [
        (each["field"], each["code"]) for each in refused.json()["errors"]
    ]
    await make.settings({"cart.max_quantity": 3, "cart.max_lines": 1})
    plain, other = await make.product(), await make.product()
    assert (await buyer.quick(making.quick_body((plain, 4)))).json()["code"] == "invalid"
    assert (await buyer.quick(making.quick_body(plain, other))).json()["code"] == "too_many_lines"
    assert await make.value("SELECT count(*) FROM orders") == 0


async def test_two_stores_of_a_tenant_number_their_orders_apart(
    make: Any, making: Any, client: Any, buyer: Any
) -> None:
    second = await make.store("second")
    for maker in (make, second):
        await maker.shipping()
    first_order = await buyer.order(await make.product())
    there = making.Buyer(client, {"X-ShopKit-Store": "second"})
    second_order = await there.order(await second.product(store_id=second.scope.store.id))
    assert first_order["number"] == second_order["number"] == "1001"
    for maker in (make, second):
        await maker.staff(staff.confirm, "1001")
        await maker.staff(staff.hand_over, "1001")
    elsewhere = await there.call("GET", "/orders/1001", headers={"X-Order-Token": first_order["token"]})
    assert elsewhere.status_code == 404
    await promises_hold(make)


async def test_random_numbers_do_not_tell_how_much_is_sold(make: Any, buyer: Any) -> None:
    await make.shipping()
    await make.settings({"orders.number_style": "random", "orders.number_prefix": "BD-"})
    product = await make.product()
    numbers = {(await buyer.order(product))["number"] for _ in range(3)}
    assert len(numbers) == 3
    assert all(number.startswith("BD-") and len(number) == 13 for number in numbers)


async def test_a_customer_is_found_again_by_phone_and_keeps_an_address_book(make: Any, making: Any, buyer: Any) -> None:
    await make.shipping()
    product = await make.product()
    await buyer.order(product)
    await buyer.order(product, contact={"name": "R. Uddin", "phone": "+880 1712 345678", "email": "r@example.com"})
    other = making.address(line1="House 9")
    await buyer.order(product, shipping_address=other)
    counts = await make.counts("customers", "customer_identities", "customer_addresses", "orders")
    assert counts == {"customers": 1, "customer_identities": 2, "customer_addresses": 2, "orders": 3}


async def test_first_orders_at_once_with_one_phone_are_one_customer(make: Any, making: Any, buyer: Any) -> None:
    await make.shipping()
    product = await make.product()
    answers = await asyncio.gather(*(buyer.quick(making.quick_body(product)) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {201}
    assert (await make.counts("customers", "orders")) == {"customers": 1, "orders": 8}
    await promises_hold(make)


# Paying again


async def test_while_a_payment_is_open_or_done_there_is_no_other(make: Any, making: Any, buyer: Any) -> None:
    await make.shipping()
    order = await buyer.order(await make.product())
    path, proof = f"/orders/{order['number']}/payments", {"X-Order-Token": order["token"]}

    async def pay(method: str = "cod") -> Any:
        return await buyer.call("POST", path, json={"payment_method": method}, headers=proof | making.key())

    assert (await pay()).json()["code"] == "payment_open"
    assert (await pay("barter")).json()["errors"][0]["field"] == "/payment_method"
    await make.staff(staff.collect, order["number"])
    assert (await pay()).json()["code"] == "already_paid"
    cancelled = await buyer.order(await make.product())
    await make.staff(staff.cancel, cancelled["number"], "changed mind")
    path, proof = f"/orders/{cancelled['number']}/payments", {"X-Order-Token": cancelled["token"]}
    assert (await pay()).json()["code"] == "order_closed"


async def test_an_attempt_that_ended_can_be_followed_by_another_once(make: Any, making: Any, buyer: Any) -> None:
    await make.shipping()
    order = await buyer.order(await make.product())
    await make.sql("UPDATE payments SET status = 'cancelled'")
    await make.sql(
        """
        INSERT INTO order_status_history (order_id, axis, subject_id, from_status, to_status, actor_type)
        SELECT order_id, 'payment', id, 'awaiting_collection', 'cancelled', 'staff' FROM payments
        """
    )
    call = {"json": {"payment_method": "cod"}, "headers": {"X-Order-Token": order["token"]} | making.key()}
    answers = [await buyer.call("POST", f"/orders/{order['number']}/payments", **call) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert [each["status"] for each in answers[0].json()["order"]["payments"]] == [
        "cancelled", "awaiting_collection",
    ]  # fmt: skip
    assert await make.value("SELECT max(number) FROM payments") == f"{order['number']}-P2"
    await promises_hold(make)


async def test_what_an_order_says_survives_the_catalogue(make: Any, making: Any, buyer: Any) -> None:
    await make.shipping()
    product = await make.product(price=100_00, title="Panjabi")
    order = await buyer.order(product)
    await make.price(product, 999_00)
    for statement in (
        "UPDATE products SET title = 'Another', tax_class = 'reduced', deleted_at = now()",
        "UPDATE product_variants SET title = 'XXL', options = '{\"Size\": \"XXL\"}', sku = 'NEW', deleted_at = now()",
        "UPDATE product_listings SET slug = 'another', status = 'archived', deleted_at = now()",
        "UPDATE shipping_methods SET name = 'Rocket', is_active = false",
        "UPDATE shipping_rates SET amount = 1",
        "UPDATE customer_addresses SET line1 = 'Elsewhere', name = 'Karim'",
        "UPDATE customers SET name = 'Karim'",
        "INSERT INTO tax_rates (store_id, name, rate) SELECT id, 'VAT', 0.15 FROM stores",
    ):
        await make.sql(statement)
    path = f"/orders/{order['number']}"
    shown = (await buyer.call("GET", path, headers={"X-Order-Token": order["token"]})).json()
    assert shown == order | {"token": None}


async def test_a_product_that_is_deleted_for_good_leaves_the_order_whole(make: Any, buyer: Any, owner: Any) -> None:
    await make.shipping()
    product = await make.product(is_tracked=False)
    order = await buyer.order(product)
    for statement in (
        "DELETE FROM product_variants WHERE id = $1",
        "DELETE FROM product_listings WHERE product_id = $1",
        "DELETE FROM products WHERE id = $1",
    ):
        target = product.variant if "product_variants" in statement else product.id
        await owner.execute(statement, target)
    path = f"/orders/{order['number']}"
    shown = (await buyer.call("GET", path, headers={"X-Order-Token": order["token"]})).json()
    assert shown["items"][0] == order["items"][0] | {"variant_id": None}
    assert shown["totals"] == order["totals"]


async def test_a_store_that_changed_its_currency_still_sells_a_cart_for_what_it_showed(
    make: Any, buyer: Any, owner: Any, shop: Any
) -> None:
    await make.shipping()
    shown = await buyer.ready(await make.product(price=100_00))
    await owner.execute("UPDATE stores SET currency = 'USD' WHERE id = $1", make.scope.store.id)
    await owner.execute("UPDATE cache_epochs SET version = version + 1 WHERE name = 'hosts'")
    await shop.epochs.refresh(shop.db)
    placed = await buyer.complete(shown["totals"]["total"])
    assert placed.status_code == 201
    assert placed.json()["order"]["currency"] == "BDT"
    assert placed.json()["order"]["totals"]["total"]["amount"] == 160_00
