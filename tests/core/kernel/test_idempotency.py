"""Same key, same effect (I20)."""

import asyncio
import hashlib
from typing import Any

import asyncpg
import pytest

from shopkit.bootstrap import Shop
from shopkit.core.kernel import idempotency
from shopkit.core.kernel.idempotency import (
    ANONYMOUS,
    InProgress,
    Key,
    KeyMalformed,
    KeyMismatch,
    KeyRequired,
    Stored,
    parse,
)
from shopkit.core.kernel.ids import uuid7
from shopkit.core.kernel.scope import Scope

LONG = "k" * 20


def key(text: str = LONG, *, caller: str = "cart:1", route: str = "POST /orders", body: bytes = b"{}") -> Key:
    parsed = parse(text, caller=caller, route=route, body=body, required=True)
    assert parsed is not None
    return parsed


async def order_once(shop: Shop, scope: Scope, with_key: Key) -> Stored | None:
    """The effect is a vendor; None means that it happened now."""
    async with shop.uow(scope) as uow:
        stored = await idempotency.begin(uow, with_key)
        if stored is not None:
            return stored
        vendor_id = uuid7()
        await uow.sql.execute("INSERT INTO vendors (id, slug, name) VALUES ($1, $2, 'x')", vendor_id, f"v-{vendor_id}")
        await idempotency.store(uow, with_key, subject_id=vendor_id, status=201, body='{"a":1}')
        return None


async def effects(shop: Shop, scope: Scope) -> int:
    async with shop.uow(scope) as uow:
        return await uow.sql.fetchval("SELECT count(*) - 1 FROM vendors")


async def test_the_second_request_gets_the_answer_of_the_first(shop: Shop, scope: Scope) -> None:
    assert await order_once(shop, scope, key()) is None
    stored = await order_once(shop, scope, key())
    assert stored is not None
    assert (stored.status, stored.body) == (201, '{"a":1}')
    assert stored.subject_id is not None
    assert await effects(shop, scope) == 1


async def test_the_same_key_with_another_body_is_refused(shop: Shop, scope: Scope) -> None:
    await order_once(shop, scope, key())
    with pytest.raises(KeyMismatch) as refused:
        await order_once(shop, scope, key(body=b'{"quantity": 2}'))
    assert refused.value.status == 422
    assert await effects(shop, scope) == 1


async def test_keys_belong_to_a_caller_a_route_and_a_tenant(shop: Shop, scope: Scope, other_tenant: Any) -> None:
    for one in (key(), key(caller="cart:2"), key(route="POST /payments")):
        assert await order_once(shop, scope, one) is None
    assert await order_once(shop, other_tenant.scope, key()) is None
    assert await effects(shop, scope) == 3


async def test_while_the_first_runs_the_second_is_told_to_wait(shop: Shop, scope: Scope) -> None:
    async with shop.uow(scope) as uow:
        assert await idempotency.begin(uow, key()) is None
        with pytest.raises(InProgress) as refused:
            await order_once(shop, scope, key())
        assert refused.value.retry_after_seconds
    assert await order_once(shop, scope, key()) is None, "the first came to nothing: the key is usable"


async def test_another_tenant_does_not_notice_a_running_key(shop: Shop, scope: Scope, other_tenant: Any) -> None:
    async with shop.uow(scope) as uow:
        await idempotency.begin(uow, key())
        assert await order_once(shop, other_tenant.scope, key()) is None


async def test_a_request_that_failed_leaves_the_key_usable(shop: Shop, scope: Scope) -> None:
    with pytest.raises(KeyError):
        async with shop.uow(scope) as uow:
            await idempotency.begin(uow, key())
            await idempotency.store(uow, key(), status=201)
            raise KeyError
    assert await order_once(shop, scope, key()) is None


async def test_twenty_at_once_have_one_effect(shop: Shop, scope: Scope) -> None:
    outcomes = await asyncio.gather(*(order_once(shop, scope, key()) for _ in range(20)), return_exceptions=True)
    assert await effects(shop, scope) == 1
    assert outcomes.count(None) == 1
    for outcome in outcomes:
        assert outcome is None or isinstance(outcome, InProgress | Stored | asyncpg.UniqueViolationError), repr(outcome)


async def test_the_unique_index_is_the_judge_where_the_lock_came_too_late(shop: Shop, scope: Scope) -> None:
    """Two requests that both looked before either had stored: only one of them can commit."""
    await order_once(shop, scope, key())
    with pytest.raises(asyncpg.UniqueViolationError):
        async with shop.uow(scope) as uow:
            await uow.sql.execute("INSERT INTO vendors (slug, name) VALUES ('second', 'x')")
            await idempotency.store(uow, key(), status=201)
    assert await effects(shop, scope) == 1


async def test_looking_and_locking_cost_one_statement(shop: Shop, scope: Scope) -> None:
    statements: list[str] = []
    async with shop.uow(scope) as uow:
        uow.sql.add_query_logger(lambda record: statements.append(record.query))
        await idempotency.begin(uow, key())
        await idempotency.store(uow, key())
    assert len(statements) == 3, "look and lock, store, COMMIT"


async def test_keys_are_forgotten_after_the_published_time_and_not_before(
    shop: Shop, owner: asyncpg.Connection, scope: Scope
) -> None:
    for name, hours in (("old", idempotency.KEEP_HOURS + 1), ("young", 24)):
        await order_once(shop, scope, key(name * 10))
        await owner.execute(
            """
            UPDATE idempotency_keys SET created_at = now() - make_interval(hours => $1)
            WHERE key = $2 AND tenant_id = $3
            """,
            hours,
            name * 10,
            scope.tenant_id,
        )
    async with shop.uow(scope) as uow:
        assert await idempotency.purge(uow) == 1
    assert await order_once(shop, scope, key("old" * 10)) is None
    assert await order_once(shop, scope, key("young" * 10)) is not None


@pytest.mark.parametrize("header", ["", " ", "a b", "k" * 256, "ключ", "key\n", "key\x00", "\x7f", "১২৩"])
def test_a_malformed_key_is_refused(header: str) -> None:
    with pytest.raises(KeyMalformed) as refused:
        parse(header, caller="cart:1", route="r", body=b"", required=False)
    assert refused.value.status == 400


@pytest.mark.parametrize("header", ["k", "a" * 255, "!~", "01a1fc7e-5a1b-7000-8000-000000000000"])
def test_visible_ascii_up_to_255_is_a_key(header: str) -> None:
    assert key(header).key == header


def test_an_anonymous_key_cannot_be_guessed() -> None:
    with pytest.raises(KeyMalformed):
        parse("k" * 19, caller=ANONYMOUS, route="r", body=b"", required=True)
    assert parse(LONG, caller=ANONYMOUS, route="r", body=b"", required=True) is not None


def test_an_absent_key_is_refused_only_where_it_is_required() -> None:
    assert parse(None, caller="c", route="r", body=b"", required=False) is None
    with pytest.raises(KeyRequired) as refused:
        parse(None, caller="c", route="r", body=b"", required=True)
    assert refused.value.status == 400


def test_the_body_itself_is_not_kept() -> None:
    assert key(body=b"secret").request_hash == hashlib.sha256(b"secret").digest()


def test_parts_of_a_key_cannot_run_into_each_other() -> None:
    assert key("b" * 20, caller="a").lock != key("b" * 19, caller="ab").lock
    assert -(2**63) <= key().lock < 2**63
