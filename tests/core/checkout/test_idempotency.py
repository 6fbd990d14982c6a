"""I20: the same key has the same effect, over HTTP, whatever comes first, at once or after a crash."""

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from shopkit.core.checkout import staff
from shopkit.core.kernel import idempotency


def keyed(text: str) -> dict[str, str]:
    return {"Idempotency-Key": text}


async def test_one_key_twenty_times_at_once_is_one_order(make: Any, making: Any, buyer: Any) -> None:
    await make.shipping()
    body, key = making.quick_body(await make.product()), making.key()
    answers = await asyncio.gather(*(buyer.quick(body, **key) for _ in range(20)))
    placed = [answer for answer in answers if answer.status_code == 201]
    busy = [answer for answer in answers if answer.status_code != 201]
    assert placed
    assert len({answer.text for answer in placed}) == 1
    assert {(answer.status_code, answer.json()["code"]) for answer in busy} <= {(409, "in_progress")}
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in busy)
    assert (await make.counts("orders", "payments", "idempotency_keys")) == {
        "orders": 1, "payments": 1, "idempotency_keys": 1,
    }  # fmt: skip
    later = await buyer.quick(body, **key)
    assert (later.status_code, later.text) == (201, placed[0].text)


async def test_one_key_twenty_times_at_once_completes_a_cart_once(make: Any, making: Any, buyer: Any) -> None:
    await make.shipping()
    shown, key = await buyer.ready(await make.product()), making.key()
    answers = await asyncio.gather(*(buyer.complete(shown["totals"]["total"], **key) for _ in range(20)))
    placed = {answer.text for answer in answers if answer.status_code == 201}
    assert len(placed) == 1
    assert {answer.json()["code"] for answer in answers if answer.status_code != 201} <= {"in_progress"}
    replayed = await buyer.complete(shown["totals"]["total"], **key)
    assert (replayed.status_code, replayed.text) == (201, placed.pop())
    assert await make.value("SELECT count(*) FROM orders") == 1


async def test_the_same_key_with_another_body_is_refused(make: Any, making: Any, buyer: Any) -> None:
    await make.shipping()
    product, key = await make.product(), making.key()
    assert (await buyer.quick(making.quick_body(product), **key)).status_code == 201
    other = await buyer.quick(making.quick_body((product, 2)), **key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")
    shown = await buyer.ready(product)
    assert (await buyer.complete(shown["totals"]["total"], **key)).status_code == 201, "keys belong to their caller"
    changed = await buyer.complete({"amount": 1, "currency": "BDT"}, **key)
    assert (changed.status_code, changed.json()["code"]) == (422, "idempotency_mismatch")


@pytest.mark.parametrize("header", [{}, keyed(""), keyed("x" * 256), keyed("has space"), keyed("১২৩".encode())])
async def test_a_missing_or_malformed_key_is_refused_where_one_is_needed(
    make: Any, making: Any, buyer: Any, header: Any
) -> None:
    await make.shipping()
    product = await make.product()
    shown = await buyer.ready(product)
    before = await make.counts()
    complete = {"expected_total": shown["totals"]["total"]}
    answers = [
        await buyer.call("POST", "/quick-orders", json=making.quick_body(product), headers=header),
        await buyer.call("POST", f"{buyer.at}/complete", json=complete, headers=buyer.token | header),
    ]
    code = "idempotency_key_invalid" if header else "idempotency_key_required"
    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(400, code)}
    assert await make.counts() == before


async def test_a_stranger_needs_a_key_that_nobody_guesses(make: Any, making: Any, buyer: Any) -> None:
    await make.shipping()
    product = await make.product()
    short = await buyer.quick(making.quick_body(product), **keyed("order-1"))
    assert (short.status_code, short.json()["code"]) == (400, "idempotency_key_invalid")
    assert (await buyer.call("POST", "/carts", headers=keyed("cart-1"))).status_code == 400
    shown = await buyer.ready(product)
    assert (await buyer.complete(shown["totals"]["total"], **keyed("order-1"))).status_code == 201


async def test_a_new_key_on_a_completed_cart_answers_the_same_order_and_is_kept(
    make: Any, making: Any, buyer: Any
) -> None:
    await make.shipping()
    shown, second = await buyer.ready(await make.product()), making.key()
    first = await buyer.complete(shown["totals"]["total"])
    again = await buyer.complete(shown["totals"]["total"], **second)
    assert (again.status_code, again.text) == (201, first.text)
    assert (await buyer.complete(shown["totals"]["total"], **second)).text == first.text
    other_body = await buyer.complete({"amount": 7, "currency": "BDT"}, **second)
    assert other_body.json()["code"] == "idempotency_mismatch"
    assert await make.value("SELECT count(*) FROM orders") == 1


async def test_a_replay_shows_the_order_as_it_is_now_in_the_language_asked_for(
    make: Any, making: Any, buyer: Any
) -> None:
    await make.shipping()
    body, key = making.quick_body(await make.product()), making.key()
    order = (await buyer.quick(body, **key)).json()["order"]
    await make.staff(staff.confirm, order["number"])
    replayed = (await buyer.quick(body, **key, **{"Accept-Language": "bn"})).json()["order"]
    assert (replayed["id"], replayed["status"]) == (order["id"], "confirmed")
    assert replayed["token"] == order["token"]
    assert replayed["totals"]["total"]["formatted"] == "১৬০.০০৳"


async def test_a_refusal_leaves_the_key_usable(make: Any, making: Any, buyer: Any) -> None:
    await make.shipping()
    product, key = await make.product(stock=1), making.key()
    body = making.quick_body((product, 2))
    assert (await buyer.quick(body, **key)).json()["code"] == "out_of_stock"
    await make.stock(product.variant, 5)
    assert (await buyer.quick(body, **key)).status_code == 201


class Held:
    """A stock row that somebody else has locked: a checkout has written everything and waits for it, the last."""

    def __init__(self, admin: asyncpg.Connection) -> None:
        self.admin = admin

    async def waiting(self, task: asyncio.Task[Any]) -> int:
        """The process id of the backend that waits."""
        own = await self.admin.fetchval("SELECT pg_backend_pid()")
        while not task.done():
            pid = await self.admin.fetchval(
                "SELECT pid FROM pg_stat_activity WHERE $1 = ANY(pg_blocking_pids(pid))", own
            )
            if pid is not None:
                return int(pid)
        raise AssertionError("nobody waited")


@contextlib.asynccontextmanager
async def held_stock(databases: Any, variant: Any) -> AsyncIterator[Held]:
    admin = await asyncpg.connect(databases.of(databases.admin, databases.name))
    try:
        async with admin.transaction():
            await admin.execute("SELECT FROM inventory_stocks WHERE variant_id = $1 FOR UPDATE", variant)
            yield Held(admin)
    finally:
        await admin.close()


async def test_while_the_first_still_runs_the_same_key_is_in_progress(
    make: Any, making: Any, buyer: Any, databases: Any
) -> None:
    await make.shipping()
    product, key = await make.product(), making.key()
    body = making.quick_body(product)
    async with held_stock(databases, product.variant) as held:
        first = asyncio.create_task(buyer.quick(body, **key))
        await held.waiting(first)
        second = await buyer.quick(body, **key)
        assert not first.done()
    assert (second.status_code, second.json()["code"]) == (409, "in_progress")
    assert int(second.headers["retry-after"]) >= 1
    assert (await first).status_code == 201
    assert (await buyer.quick(body, **key)).text == (await first).text


async def test_while_a_cart_is_being_completed_the_same_key_is_in_progress(
    make: Any, making: Any, buyer: Any, databases: Any
) -> None:
    await make.shipping()
    product, key = await make.product(), making.key()
    total = (await buyer.ready(product))["totals"]["total"]
    async with held_stock(databases, product.variant) as held:
        first = asyncio.create_task(buyer.complete(total, **key))
        await held.waiting(first)
        second = await buyer.complete(total, **key)
        assert not first.done()
    assert (second.status_code, second.json()["code"]) == (409, "in_progress")
    assert (await first).status_code == 201


async def test_a_crash_in_the_middle_leaves_the_key_usable_and_nothing_else(
    make: Any, making: Any, buyer: Any, databases: Any
) -> None:
    await make.shipping()
    product, key = await make.product(), making.key()
    body = making.quick_body(product)
    before = await make.counts()
    async with held_stock(databases, product.variant) as held:
        ordering = asyncio.create_task(buyer.quick(body, **key))
        assert await held.admin.fetchval("SELECT pg_terminate_backend($1)", await held.waiting(ordering))
        answer = await ordering
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) >= 1
    assert await make.counts() == before
    assert (await buyer.quick(body, **key)).status_code == 201
    assert await make.value("SELECT count(*) FROM orders") == 1


async def test_an_edit_with_a_key_happens_once_and_answers_the_same(make: Any, making: Any, buyer: Any) -> None:
    await make.shipping()
    cap, key = await make.product(), making.key()
    await buyer.open()
    first = await buyer.add(cap, 2, headers=key)
    await buyer.add(cap, 5)
    replayed = await buyer.add(cap, 2, headers=key)
    assert (replayed.status_code, replayed.text) == (200, first.text)
    assert (await buyer.show()).json()["items"][0]["quantity"] == 7
    other = await buyer.add(cap, 3, headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")

    line = f"{buyer.at}/items/{first.json()['items'][0]['id']}"
    for method, path, body in (
        ("PATCH", line, {"quantity": 4}),
        ("PATCH", buyer.at, {"note": "hello"}),
        ("DELETE", line, None),
    ):
        options: dict[str, Any] = {"headers": buyer.token | making.key()}
        if body is not None:
            options["json"] = body
        answers = [await buyer.call(method, path, **options) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [200, 200]
        assert answers[0].text == answers[1].text


async def test_edits_with_one_key_at_once_add_once(make: Any, making: Any, buyer: Any) -> None:
    cap, key = await make.product(), making.key()
    await buyer.open()
    answers = await asyncio.gather(*(buyer.add(cap, headers=key) for _ in range(10)))
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert (await buyer.show()).json()["items"][0]["quantity"] == 1


async def test_a_new_cart_with_a_key_is_one_cart_whose_token_works(make: Any, making: Any, buyer: Any) -> None:
    body, key = {"items": making.items((await make.product(), 2))}, making.key()
    answers = [await buyer.call("POST", "/carts", json=body, headers=key) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    buyer.cart = answers[1].json()
    assert (await buyer.show()).status_code == 200
    assert await make.value("SELECT count(*) FROM carts") == 1


async def test_stored_answers_hold_no_tokens(make: Any, making: Any, buyer: Any) -> None:
    await make.shipping()
    cap = await make.product()
    opened = await buyer.call("POST", "/carts", json={"items": making.items(cap)}, headers=making.key())
    buyer.cart = opened.json()
    await buyer.add(cap, headers=making.key())
    order = await buyer.order(cap)
    stored = [row["body"] for row in await make.sql("SELECT body FROM idempotency_keys WHERE body IS NOT NULL")]
    assert len(stored) == 2
    for secret in (buyer.cart["token"], order["token"]):
        proof = secret.partition(".")[2]
        assert not any(proof in body for body in stored)
    assert all(json.loads(body)["token"] is None for body in stored)
    everything = str(await make.sql("SELECT to_jsonb(o) AS o, to_jsonb(c) AS c FROM orders o, carts c"))
    assert not re.search(re.escape(order["token"].partition(".")[2]), everything)


async def test_keys_are_forgotten_after_the_published_time(make: Any, making: Any, buyer: Any) -> None:
    await make.shipping()
    await buyer.order(await make.product())
    async with make.shop.uow(make.scope) as uow:
        assert await idempotency.purge(uow) == 0
    await make.sql("UPDATE idempotency_keys SET created_at = now() - interval '49 hours'")
    async with make.shop.uow(make.scope) as uow:
        assert await idempotency.purge(uow) == 1
