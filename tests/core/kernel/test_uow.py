"""The unit of work: two faces of one transaction, facts and jobs that exist if and only if it committed."""

import contextlib
from typing import Any

import asyncpg
import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from shopkit.bootstrap import Shop
from shopkit.core.kernel.db import CommitFailed
from shopkit.core.kernel.ids import uuid7
from shopkit.core.kernel.jobs import Job
from shopkit.core.kernel.scope import Scope
from shopkit.core.settings.models import Setting
from shopkit.core.tenancy.models import Store
from shopkit.core.vendors.models import Vendor
from shopkit.sdk.events import OrderConfirmed


def fact(number: str) -> OrderConfirmed:
    return OrderConfirmed(order_id=uuid7(), number=number)


async def facts(owner: asyncpg.Connection, scope: Scope) -> list[str]:
    rows = await owner.fetch(
        "SELECT payload->>'number' AS number FROM outbox_events WHERE tenant_id = $1 ORDER BY position", scope.tenant_id
    )
    return [row["number"] for row in rows]


async def jobs(owner: asyncpg.Connection, scope: Scope) -> list[str]:
    rows = await owner.fetch("SELECT kind FROM jobs WHERE tenant_id = $1 ORDER BY kind", scope.tenant_id)
    return [row["kind"] for row in rows]


async def test_facts_and_jobs_are_stored_with_what_they_tell_of(shop: Shop, owner: Any, scope: Scope) -> None:
    async with shop.uow(scope) as uow:
        uow.publish(fact("1"))
        uow.publish(fact("2"))
        uow.enqueue(Job(kind="test.a"))
    assert await facts(owner, scope) == ["1", "2"]
    assert await jobs(owner, scope) == ["test.a"]


@pytest.mark.parametrize("is_flushed", [False, True])
async def test_a_failed_transaction_leaves_neither_fact_nor_job(
    shop: Shop, owner: Any, scope: Scope, is_flushed: bool
) -> None:
    with pytest.raises(KeyError):
        async with shop.uow(scope) as uow:
            uow.publish(fact("1"))
            uow.enqueue(Job(kind="test.a"))
            if is_flushed:
                await uow.flush()
            raise KeyError
    assert await facts(owner, scope) == []
    assert await jobs(owner, scope) == []


async def test_a_swallowed_sql_error_is_no_success_in_a_uow_either(shop: Shop, owner: Any, scope: Scope) -> None:
    with pytest.raises((CommitFailed, asyncpg.InFailedSQLTransactionError)):
        async with shop.uow(scope) as uow:
            await uow.sql.execute("INSERT INTO vendors (slug, name) VALUES ('a', 'A')")
            with contextlib.suppress(asyncpg.PostgresError):
                await uow.sql.execute("SELECT 1 / 0")
    assert await owner.fetchval("SELECT count(*) FROM vendors WHERE tenant_id = $1", scope.tenant_id) == 1


async def test_both_faces_see_the_same_transaction(shop: Shop, scope: Scope) -> None:
    async with shop.uow(scope) as uow:
        await uow.sql.execute("INSERT INTO vendors (slug, name) VALUES ('by-sql', 'A')")
        session = await uow.orm()
        session.add(Vendor(tenant_id=scope.tenant_id, slug="by-orm", name="B"))
        await uow.flush()
        assert await uow.orm() is session
        by_orm = (await session.scalars(select(Vendor.slug).order_by(Vendor.slug))).all()
        by_sql = [row["slug"] for row in await uow.sql.fetch("SELECT slug FROM vendors ORDER BY slug")]
        assert by_orm == by_sql == ["by-orm", "by-sql", "main"]
        session.add(Setting(tenant_id=scope.tenant_id, key="a.b", value={"x": [1]}))
        await uow.flush()
        assert await uow.sql.fetchval("SELECT value FROM settings WHERE key = 'a.b'") == {"x": [1]}
    async with shop.uow(scope) as uow:
        assert await uow.sql.fetchval("SELECT count(*) FROM vendors") == 3


async def test_the_orm_is_behind_the_wall_too(shop: Shop, scope: Scope, other_tenant: Any) -> None:
    async with shop.uow(scope) as uow:
        session = await uow.orm()
        assert (await session.scalars(select(Store.tenant_id))).all() == [scope.tenant_id]
    async with shop.uow(other_tenant.scope) as uow:
        session = await uow.orm()
        assert (await session.scalars(select(Store.tenant_id))).all() == [other_tenant.made.tenant_id]


async def test_an_orm_row_that_the_database_refuses_rolls_everything_back(shop: Shop, owner: Any, scope: Scope) -> None:
    with pytest.raises(IntegrityError):
        async with shop.uow(scope) as uow:
            uow.publish(fact("1"))
            session = await uow.orm()
            session.add(Vendor(tenant_id=scope.tenant_id, slug="main", name="Twice"))
    assert await facts(owner, scope) == []
    async with shop.uow(scope) as uow:
        assert await uow.sql.fetchval("SELECT count(*) FROM vendors") == 1


async def test_a_part_that_fails_takes_its_facts_with_it_and_nothing_else(shop: Shop, owner: Any, scope: Scope) -> None:
    async with shop.uow(scope) as uow:
        uow.publish(fact("before"))
        try:
            async with uow.savepoint():
                uow.publish(fact("inside"))
                uow.enqueue(Job(kind="test.inside"))
                await uow.flush()
                await uow.sql.execute("SELECT 1 / 0")
        except asyncpg.DivisionByZeroError:
            pass
        async with uow.savepoint():
            uow.publish(fact("second part"))
        uow.publish(fact("after"))
    assert await facts(owner, scope) == ["before", "second part", "after"]
    assert await jobs(owner, scope) == []


async def test_parts_inside_parts_fail_each_for_itself(shop: Shop, scope: Scope) -> None:
    async def add(uow: Any, slug: str) -> None:
        await uow.sql.execute("INSERT INTO vendors (slug, name) VALUES ($1, 'x')", slug)

    async with shop.uow(scope) as uow:
        try:
            async with uow.savepoint():
                await add(uow, "outer")
                try:
                    async with uow.savepoint():
                        await add(uow, "inner")
                        raise KeyError
                except KeyError:
                    pass
                await add(uow, "outer-again")
                raise KeyError
        except KeyError:
            pass
        assert await uow.sql.fetchval("SELECT count(*) FROM vendors") == 1


async def test_the_worker_is_woken_after_the_commit_and_only_for_work(shop: Shop, scope: Scope) -> None:
    shop.waker.event.clear()
    async with shop.uow(scope) as uow:
        await uow.sql.execute("SELECT 1")
    assert not shop.waker.event.is_set()
    async with shop.uow(scope) as uow:
        uow.enqueue(Job(kind="test.a"))
        await uow.flush()
        assert not shop.waker.event.is_set(), "nobody could see it yet"
    assert shop.waker.event.is_set()


async def test_a_uow_costs_begin_and_commit_and_nothing_else(shop: Shop, scope: Scope) -> None:
    statements: list[str] = []
    async with shop.uow(scope) as uow:
        uow.sql.add_query_logger(lambda record: statements.append(record.query))
    # BEGIN and the tenant went in one round trip before the logger was there.
    assert statements == ["COMMIT"]
