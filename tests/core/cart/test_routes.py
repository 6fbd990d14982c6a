"""Carts over HTTP: every call of the storefront API that has a cart in it, short of placing the order."""

import asyncio
import uuid
from typing import Any

import pytest

from shopkit.core.cart import service as carts
from shopkit.core.checkout import jobs
from shopkit.core.kernel.ids import uuid7


async def test_a_new_cart_is_empty_and_says_what_is_needed(buyer: Any) -> None:
    cart = await buyer.open()
    assert cart["status"] == "active"
    assert cart["items"] == []
    assert cart["totals"]["total"] == {"amount": 0, "currency": "BDT", "formatted": "৳0.00"}
    assert [(each["field"], each["code"]) for each in cart["requirements"]] == [
        ("/items", "cart_empty"),
        ("/contact/name", "required"),
        ("/contact/phone", "required"),
        ("/payment_method", "required"),
    ]
    assert cart["coupon_codes"] == []


async def test_a_cart_may_begin_with_items_and_without_a_body(make: Any, making: Any, buyer: Any) -> None:
    shirt, cap = await make.product(price=500_00), await make.product(price=200_00)
    cart = await buyer.open((shirt, 2), cap)
    assert [(line["variant_id"], line["quantity"]) for line in cart["items"]] == [
        (str(shirt.variant), 2),
        (str(cap.variant), 1),
    ]
    assert cart["totals"]["subtotal"]["amount"] == 1200_00
    bare = await buyer.call("POST", "/carts")
    assert bare.status_code == 201
    assert bare.json()["items"] == []


async def test_the_token_is_given_once_and_opens_the_cart(buyer: Any) -> None:
    cart = await buyer.open()
    shown = await buyer.show()
    assert shown.status_code == 200
    assert shown.json()["id"] == cart["id"]
    assert shown.json()["token"] is None


async def test_the_same_variant_sums_and_another_customisation_is_another_line(make: Any, buyer: Any) -> None:
    mug = await make.product()
    await buyer.open(mug)
    await buyer.add(mug, 2)
    engraved = await buyer.add(mug, 1, customisation={"name": "Rahim"})
    lines = engraved.json()["items"]
    assert [(line["quantity"], line["customisation"]) for line in lines] == [(3, None), (1, {"name": "Rahim"})]
    again = await buyer.add(mug, 1, customisation={"name": "Rahim"})
    assert [line["quantity"] for line in again.json()["items"]] == [3, 2]
    assert again.json()["totals"]["subtotal"]["amount"] == 5 * 100_00


async def test_a_line_can_be_changed_and_removed(make: Any, buyer: Any) -> None:
    cap = await make.product()
    cart = await buyer.open((cap, 3))
    line = f"{buyer.at}/items/{cart['items'][0]['id']}"
    changed = await buyer.call("PATCH", line, json={"quantity": 5}, headers=buyer.token)
    assert changed.json()["items"][0]["quantity"] == 5
    removed = await buyer.call("DELETE", line, headers=buyer.token)
    assert removed.status_code == 200
    assert removed.json()["items"] == []
    for method, body in (("PATCH", {"quantity": 5}), ("DELETE", None)):
        gone = (
            await buyer.call(method, line, json=body, headers=buyer.token)
            if body
            else await buyer.call(method, line, headers=buyer.token)
        )
        assert (gone.status_code, gone.json()["code"]) == (404, "cart_not_found")


async def test_a_line_of_another_cart_is_not_there(make: Any, making: Any, client: Any, buyer: Any) -> None:
    cap = await make.product()
    mine = await buyer.open(cap)
    other = making.Buyer(client)
    await other.open()
    answer = await other.call("DELETE", f"{other.at}/items/{mine['items'][0]['id']}", headers=other.token)
    assert answer.status_code == 404
    assert len((await buyer.show()).json()["items"]) == 1


async def test_contact_address_and_choices_come_in_any_order(make: Any, making: Any, buyer: Any) -> None:
    await make.shipping()
    await buyer.open(await make.product())
    parts = [
        {"payment_method": "cod"},
        {"shipping_option": "home"},
        {"note": "Ring twice"},
        {"shipping_address": making.address()},
        {"contact": making.contact(email="Rahim@Example.COM")},
    ]
    for part in parts:
        answer = await buyer.change(**part)
        assert answer.status_code == 200, answer.text
    cart = answer.json()
    assert cart["requirements"] == []
    assert cart["contact"] == {"name": "Rahim Uddin", "phone": "+8801712345678", "email": "rahim@example.com"}
    assert cart["shipping_address"]["phone"] == "+8801712345678"
    assert (cart["shipping_option"], cart["payment_method"], cart["note"]) == ("home", "cod", "Ring twice")
    assert cart["totals"]["shipping"]["amount"] == 60_00
    assert cart["totals"]["total"]["amount"] == 160_00


async def test_null_clears_a_choice_and_what_is_left_out_stays(make: Any, making: Any, buyer: Any) -> None:
    await make.shipping()
    await buyer.ready(await make.product())
    cart = (await buyer.change(shipping_address=None)).json()
    assert cart["shipping_address"] is None
    assert cart["payment_method"] == "cod"
    assert ("/shipping_address", "required") in [(each["field"], each["code"]) for each in cart["requirements"]]


@pytest.mark.parametrize("phone", ["০১৭১২৩৪৫৬৭৮", "+880 1712-345678", "8801712345678", "01712 345 678"])
async def test_phones_are_taken_in_any_common_spelling(making: Any, buyer: Any, phone: str) -> None:
    await buyer.open()
    cart = (await buyer.change(contact={"name": "রহিম", "phone": phone})).json()
    assert cart["contact"]["phone"] == "+8801712345678"


async def test_everything_wrong_is_said_at_once_and_nothing_is_stored(making: Any, buyer: Any) -> None:
    await buyer.open()
    answer = await buyer.change(
        contact={"name": "Rahim", "phone": "12", "email": "no"},
        shipping_address=making.address(admin2="Atlantis", line1=""),
        shipping_option="teleport",
        payment_method="barter",
        coupon_codes=["FREE"],
        note="kept?",
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert {error["field"] for error in answer.json()["errors"]} == {
        "/contact/phone",
        "/contact/email",
        "/shipping_address/admin2",
        "/shipping_address/line1",
        "/shipping_option",
        "/payment_method",
        "/coupon_codes",
    }
    cart = (await buyer.show()).json()
    assert (cart["note"], cart["contact"]["name"], cart["shipping_address"]) == ("", None, None)


async def test_a_name_of_blanks_is_no_name(buyer: Any) -> None:
    await buyer.open()
    cart = (await buyer.change(contact={"name": "   ", "phone": "01712345678"})).json()
    assert cart["contact"]["name"] is None
    assert ("/contact/name", "required") in [(each["field"], each["code"]) for each in cart["requirements"]]


async def test_requirements_prices_and_titles_come_in_the_customers_language(make: Any, buyer: Any) -> None:
    await make.shipping()
    product = await make.product(price=1299_00, title="Panjabi", title_bn="পাঞ্জাবি")
    await buyer.open(product)
    bangla = (await buyer.show(**{"Accept-Language": "bn-BD"})).json()
    assert bangla["items"][0]["title"] == "পাঞ্জাবি"
    assert bangla["items"][0]["unit_price"]["formatted"] == "১,২৯৯.০০৳"
    needed = {each["field"]: each["message"] for each in bangla["requirements"]}
    assert needed["/contact/phone"] == "এই ঘরটি পূরণ করুন।"
    english = (await buyer.show(**{"Accept-Language": "en"})).json()
    assert english["items"][0]["title"] == "Panjabi"
    assert english["requirements"][0]["message"] == "Please fill this in."


async def test_shipping_options_are_those_of_the_address(make: Any, making: Any, buyer: Any) -> None:
    await make.shipping()
    await buyer.open(await make.product())
    path = f"{buyer.at}/shipping-options"
    offered = await buyer.call("GET", path, headers=buyer.token | {"Accept-Language": "bn"})
    assert offered.json()["items"] == [
        {
            "code": "home",
            "name": "হোম ডেলিভারি",
            "price": {"amount": 60_00, "currency": "BDT", "formatted": "৬০.০০৳"},
            "eta_days": 3,
            "eta_min_days": 1,
        }
    ]
    far = making.address(country_code="NP", admin1="", admin2="", admin3="Kathmandu", phone="+9779812345678")
    cart = await buyer.change(shipping_address=far, shipping_option="home")
    assert ("/shipping_address", "not_delivered_there") in [
        (each["field"], each["code"]) for each in cart.json()["requirements"]
    ]
    assert (await buyer.call("GET", path, headers=buyer.token)).json()["items"] == []


async def test_payment_methods_follow_the_settings(make: Any, buyer: Any) -> None:
    await buyer.open()
    path = f"{buyer.at}/payment-methods"
    offered = await buyer.call("GET", path, headers=buyer.token)
    assert offered.json()["items"] == [{"code": "cod", "name": "Cash on delivery", "kind": "cod"}]
    await buyer.change(payment_method="cod")
    await make.settings({"cod.enabled": False})
    assert (await buyer.call("GET", path, headers=buyer.token)).json()["items"] == []
    needed = (await buyer.show()).json()["requirements"]
    assert ("/payment_method", "payment_method_gone") in [(each["field"], each["code"]) for each in needed]


async def test_a_price_that_changed_is_shown_and_settled_by_the_next_edit(make: Any, buyer: Any) -> None:
    cap = await make.product(price=100_00)
    await buyer.open(cap)
    assert not (await buyer.show()).json()["items"][0]["price_changed"]
    await make.price(cap, 120_00)
    for _ in range(2):
        line = (await buyer.show()).json()["items"][0]
        assert (line["price_changed"], line["unit_price"]["amount"]) == (True, 120_00)
    edited = (await buyer.change(note="fine")).json()
    assert edited["items"][0]["price_changed"]
    assert edited["totals"]["total"]["amount"] == 120_00
    assert not (await buyer.show()).json()["items"][0]["price_changed"]


async def test_a_vanished_product_stays_as_a_line_that_cannot_be_bought(make: Any, buyer: Any) -> None:
    gone, kept = await make.product(price=500_00, title="Gone"), await make.product(price=200_00)
    await buyer.open(gone, kept)
    await make.sql("UPDATE products SET deleted_at = now() WHERE id = $1", gone.id)
    cart = (await buyer.show()).json()
    line = next(line for line in cart["items"] if line["variant_id"] == str(gone.variant))
    assert (line["available"], line["title"], line["unit_price"], line["product_slug"]) == (False, "Gone", None, None)
    assert cart["totals"]["subtotal"]["amount"] == 200_00
    assert (f"/items/{line['id']}", "variant_unavailable") in [
        (each["field"], each["code"]) for each in cart["requirements"]
    ]
    removed = await buyer.call("DELETE", f"{buyer.at}/items/{line['id']}", headers=buyer.token)
    assert len(removed.json()["items"]) == 1


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE product_variants SET is_active = false WHERE id = $1",
        "UPDATE product_variants SET deleted_at = now() WHERE id = $1",
        "UPDATE product_listings SET status = 'archived' FROM product_variants v WHERE v.id = $1",
        "UPDATE product_listings SET unpublish_at = now() FROM product_variants v WHERE v.id = $1",
        "UPDATE product_listings SET published_at = now() + interval '1 hour' FROM product_variants v WHERE v.id = $1",
        "UPDATE vendors SET status = 'suspended' FROM product_variants v WHERE v.id = $1",
        "DELETE FROM variant_prices p USING product_variants v WHERE v.id = $1 AND p.product_id = v.product_id",
    ],
)
async def test_what_is_not_for_sale_cannot_be_added(make: Any, buyer: Any, change: str) -> None:
    cap = await make.product()
    await make.sql(change, cap.variant)
    await buyer.open()
    refused = await buyer.add(cap)
    assert (refused.status_code, refused.json()["code"]) == (409, "variant_unavailable")
    assert refused.json()["variant_id"] == str(cap.variant)
    assert (await buyer.show()).json()["items"] == []


async def test_an_unknown_variant_is_pointed_at(making: Any, buyer: Any) -> None:
    await buyer.open()
    refused = await buyer.add(uuid7())
    assert [(e["field"], e["code"]) for e in refused.json()["errors"]] == [("/variant_id", "unknown_variant")]


async def test_an_unknown_variant_of_a_new_cart_is_pointed_at_by_its_place(make: Any, making: Any, buyer: Any) -> None:
    body = {"items": making.items(await make.product(), uuid7())}
    refused = await buyer.call("POST", "/carts", json=body)
    assert refused.status_code == 422
    assert [(e["field"], e["code"]) for e in refused.json()["errors"]] == [("/items/1/variant_id", "unknown_variant")]
    assert await make.value("SELECT count(*) FROM carts") == 0


async def test_more_than_there_is_is_refused_with_what_there_is(make: Any, buyer: Any) -> None:
    cap = await make.product(stock=3)
    cart = await buyer.open((cap, 2))
    refused = await buyer.add(cap, 2)
    assert (refused.status_code, refused.json()["code"]) == (409, "out_of_stock")
    assert refused.json()["available"] == 3
    assert refused.json()["items"] == [{"variant_id": str(cap.variant), "requested": 4, "available": 3}]
    line = f"{buyer.at}/items/{cart['items'][0]['id']}"
    assert (await buyer.call("PATCH", line, json={"quantity": 4}, headers=buyer.token)).status_code == 409
    assert (await buyer.show()).json()["items"][0]["quantity"] == 2
    assert (await buyer.call("PATCH", line, json={"quantity": 3}, headers=buyer.token)).status_code == 200


async def test_what_is_not_tracked_never_runs_out_and_backorder_counts(make: Any, buyer: Any) -> None:
    service = await make.product(is_tracked=False, stock=0)
    made = await make.product(stock=1)
    await make.sql("UPDATE inventory_stocks SET oversell_limit = 4 WHERE variant_id = $1", made.variant)
    await buyer.open((service, 900))
    assert (await buyer.add(made, 5)).status_code == 200
    assert (await buyer.add(made, 1)).json()["available"] == 5


async def test_max_per_order_counts_all_lines_of_the_variant(make: Any, buyer: Any) -> None:
    mug = await make.product(max_per_order=3)
    await buyer.open((mug, 2))
    refused = await buyer.add(mug, 2)
    assert refused.status_code == 422
    assert [(e["field"], e["code"]) for e in refused.json()["errors"]] == [("/quantity", "too_many_per_order")]
    assert (await buyer.add(mug, 2, customisation={"name": "R"})).status_code == 422
    assert (await buyer.add(mug, 1, customisation={"name": "R"})).status_code == 200


async def test_a_limit_that_came_later_is_a_requirement(make: Any, buyer: Any) -> None:
    mug = await make.product()
    cart = await buyer.open((mug, 4))
    await make.sql("UPDATE product_variants SET max_per_order = 3 WHERE id = $1", mug.variant)
    needed = (await buyer.show()).json()["requirements"]
    assert (f"/items/{cart['items'][0]['id']}", "too_many_per_order") in [(e["field"], e["code"]) for e in needed]


async def test_a_cart_holds_as_many_lines_as_the_store_allows(make: Any, buyer: Any) -> None:
    await make.settings({"cart.max_lines": 2, "cart.max_quantity": 5})
    first, second, third = [await make.product() for _ in range(3)]
    await buyer.open(first, second)
    refused = await buyer.add(third)
    assert (refused.status_code, refused.json()["code"]) == (409, "too_many_lines")
    assert (await buyer.add(first, 4)).status_code == 200
    assert (await buyer.add(first, 1)).json()["errors"][0]["code"] == "too_many_per_order"


# Tokens


async def cart_calls(buyer: Any, making: Any, cart: Any, headers: dict[str, str]) -> list[Any]:
    """Every call that needs the cart's token, with these headers."""
    at = f"/carts/{cart['id']}"
    line = f"{at}/items/{cart['items'][0]['id']}"
    keyed = headers | making.key()
    return [
        await buyer.call("GET", at, headers=headers),
        await buyer.call("GET", f"{at}/shipping-options", headers=headers),
        await buyer.call("GET", f"{at}/payment-methods", headers=headers),
        await buyer.call("POST", f"{at}/items", json=making.items(uuid7())[0], headers=headers),
        await buyer.call("PATCH", line, json={"quantity": 2}, headers=headers),
        await buyer.call("DELETE", line, headers=headers),
        await buyer.call("PATCH", at, json={"note": "mine"}, headers=headers),
        await buyer.call(
            "POST", f"{at}/complete", json={"expected_total": {"amount": 1, "currency": "BDT"}}, headers=keyed
        ),
    ]


@pytest.mark.parametrize("kind", ["missing", "wrong", "garbage", "other cart", "other purpose"])
async def test_without_its_token_a_cart_is_not_there(
    make: Any, making: Any, client: Any, buyer: Any, kind: str
) -> None:
    cart = await buyer.open(await make.product())
    other = making.Buyer(client)
    await other.open()
    epoch, _, proof = cart["token"].partition(".")
    headers = {
        "missing": {},
        "wrong": {"X-Cart-Token": f"{epoch}.{proof[:-2]}{'aa' if proof[-2:] != 'aa' else 'bb'}"},
        "garbage": {"X-Cart-Token": "' OR 1=1 --"},
        "other cart": other.token,
        "other purpose": {"X-Order-Token": cart["token"]},
    }[kind]
    before = await make.counts()
    answers = await cart_calls(buyer, making, cart, headers)
    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(404, "cart_not_found")}
    assert await make.counts() == before
    there_is_none = await buyer.call("GET", f"/carts/{uuid7()}", headers=headers)
    assert there_is_none.json() == answers[0].json()


async def test_another_tenants_token_and_host_open_nothing(
    make: Any, making: Any, buyer: Any, client: Any, other_tenant: Any, shop: Any
) -> None:
    cart = await buyer.open(await make.product())
    there = making.Buyer(client, {"Host": other_tenant.host})
    foreign = await there.open()
    answers = await cart_calls(there, making, cart, buyer.token)
    answers += await cart_calls(there, making, cart, {"X-Cart-Token": foreign["token"]})
    answers += await cart_calls(buyer, making, cart, {"X-Cart-Token": foreign["token"]})
    assert {answer.status_code for answer in answers} == {404}
    assert (await buyer.show()).json()["items"][0]["quantity"] == 1


async def test_raising_the_epoch_revokes_the_token(make: Any, making: Any, buyer: Any) -> None:
    cart = await buyer.open(await make.product())
    await make.sql("UPDATE carts SET token_epoch = token_epoch + 1 WHERE id = $1", uuid.UUID(cart["id"]))
    answers = await cart_calls(buyer, making, cart, buyer.token)
    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(404, "cart_not_found")}


async def test_another_variant_of_another_tenant_is_unknown(
    make: Any, making: Any, buyer: Any, shop: Any, other_tenant: Any
) -> None:
    theirs = making.Make(shop, other_tenant.made, other_tenant.scope)
    cap = await theirs.product()
    await buyer.open()
    refused = await buyer.add(cap)
    assert [(e["field"], e["code"]) for e in refused.json()["errors"]] == [("/variant_id", "unknown_variant")]


# Time


async def test_an_expired_cart_is_still_shown_and_an_edit_wakes_it(make: Any, buyer: Any) -> None:
    cart = await buyer.open(await make.product())
    await make.sql("UPDATE carts SET expires_at = now() - interval '1 hour'")
    async with make.shop.uow(make.scope) as uow:
        assert await carts.abandon_expired(uow) == 1
    shown = (await buyer.show()).json()
    assert (shown["status"], len(shown["items"])) == ("abandoned", 1)
    woken = (await buyer.change(note="back")).json()
    assert woken["status"] == "active"
    assert woken["expires_at"] > cart["expires_at"]
    assert await make.value("SELECT expires_at > now() + interval '6 days' FROM carts")


async def test_a_cart_being_completed_cannot_be_edited_until_its_lock_is_old(make: Any, buyer: Any) -> None:
    await buyer.open(await make.product())
    await make.sql("UPDATE carts SET completing_at = now()")
    refused = await buyer.change(note="x")
    assert (refused.status_code, refused.json()["code"]) == (409, "cart_completing")
    assert int(refused.headers["retry-after"]) >= 1
    await make.sql("UPDATE carts SET completing_at = now() - interval '6 minutes'")
    assert (await buyer.change(note="x")).status_code == 200


async def test_old_abandoned_carts_are_purged_with_their_ended_holds(make: Any, buyer: Any) -> None:
    await buyer.open(await make.product())
    await make.sql("UPDATE carts SET status = 'abandoned', expires_at = now() - interval '31 days'")
    async with make.shop.uow(make.scope) as uow:
        assert await jobs.purge_carts(uow) == 1
    assert (await make.counts("carts", "cart_items")) == {"carts": 0, "cart_items": 0}
    assert (await buyer.show()).status_code == 404


async def test_edits_at_once_lose_nothing(make: Any, buyer: Any) -> None:
    cap = await make.product()
    await buyer.open()
    answers = await asyncio.gather(*(buyer.add(cap) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert (await buyer.show()).json()["items"][0]["quantity"] == 8
