"""Transactions and connections: what COMMIT says is believed, and nothing of a tenant stays on a connection."""

import asyncio
import contextlib
import random
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from shopkit.core.kernel import embedded
from shopkit.core.kernel.db import CommitFailed, Connection, Database
from shopkit.core.kernel.ids import uuid7
from shopkit.sdk.errors import Unavailable


@pytest.fixture(scope="module")
async def db(databases: Any) -> AsyncIterator[Database]:
    opened = await Database.open(databases.app, size=8)
    yield opened
    await opened.close()


INSERT = "INSERT INTO settings (key, value) VALUES ($1, '1')"


async def stored(owner: asyncpg.Connection, key: str) -> int:
    return await owner.fetchval("SELECT count(*) FROM settings WHERE key = $1", key)


@pytest.fixture
def tenant_id(tenant: Any) -> UUID:
    return tenant.made.tenant_id


async def test_leaving_commits(db: Database, owner: asyncpg.Connection, tenant_id: UUID) -> None:
    async with db.transaction(tenant_id) as sql:
        await sql.execute(INSERT, "db.commits")
    assert await stored(owner, "db.commits") == 1


async def test_an_error_rolls_back_and_rises(db: Database, owner: asyncpg.Connection, tenant_id: UUID) -> None:
    with pytest.raises(KeyError):
        async with db.transaction(tenant_id) as sql:
            await sql.execute(INSERT, "db.rolls_back")
            raise KeyError
    assert await stored(owner, "db.rolls_back") == 0


async def test_a_swallowed_sql_error_is_no_success(db: Database, owner: asyncpg.Connection, tenant_id: UUID) -> None:
    """PostgreSQL answers ROLLBACK to the COMMIT of a broken transaction, without an error."""
    with pytest.raises(CommitFailed):
        async with db.transaction(tenant_id) as sql:
            await sql.execute(INSERT, "db.swallowed")
            with contextlib.suppress(asyncpg.PostgresError):
                await sql.execute("SELECT 1 / 0")
    assert await stored(owner, "db.swallowed") == 0


async def test_a_constraint_that_fails_at_commit_rises_and_stores_nothing(alone: Any, new_tenant: Any) -> None:
    shop, owner = alone.shop, alone.owner
    tenant = await new_tenant(shop, owner)
    await owner.execute(
        """
        ALTER TABLE settings ALTER CONSTRAINT fk_settings_tenant_id_store_id DEFERRABLE INITIALLY DEFERRED
        """
    )
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        async with shop.uow(tenant.scope) as uow:
            await uow.sql.execute(
                "INSERT INTO settings (key, value, store_id) VALUES ('db.deferred', '1', $1)", uuid7()
            )
    assert await stored(owner, "db.deferred") == 0
    async with shop.uow(tenant.scope) as uow:
        assert await uow.sql.fetchval("SELECT count(*) FROM settings") == 0


async def test_the_tenant_ends_with_the_transaction(db: Database, tenant_id: UUID) -> None:
    for _ in range(db.pool.get_size() * 2):
        async with db.transaction(tenant_id) as sql:
            assert await sql.fetchval("SELECT count(*) FROM stores") == 1
        async with db.pool.acquire() as bare:
            assert not await bare.fetchval("SELECT current_setting('app.tenant_id', true)")
            assert await bare.fetchval("SELECT count(*) FROM stores") == 0


async def test_no_tenant_survives_when_half_of_the_transactions_are_cancelled_at_random(
    db: Database, owner: asyncpg.Connection, tenant: Any, other_tenant: Any
) -> None:
    """I38, and no answered write is lost."""
    answered: list[str] = []
    mixed: list[Any] = []
    chance = random.Random(7)

    async def one(number: int) -> None:
        tenant_id = (tenant if number % 2 else other_tenant).made.tenant_id
        key = f"db.cancel_{number}"
        async with db.transaction(tenant_id) as sql:
            await sql.execute(INSERT, key)
            if await sql.fetchval("SELECT DISTINCT tenant_id FROM stores") != tenant_id:
                mixed.append(number)
            if number % 5 == 0:
                await sql.execute("SELECT pg_sleep(0.003)")
        answered.append(key)

    async def maybe_cancelled(number: int) -> None:
        task = asyncio.create_task(one(number))
        if chance.random() < 0.5:
            await asyncio.sleep(chance.random() * 0.05)
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    for start in range(0, 500, 25):
        await asyncio.gather(*(maybe_cancelled(number) for number in range(start, start + 25)))
    assert mixed == []
    found = {row["key"] for row in await owner.fetch("SELECT key FROM settings WHERE key LIKE 'db.cancel%'")}
    assert set(answered) <= found
    assert 100 < len(answered) < 500
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(8):
            connection = await stack.enter_async_context(db.pool.acquire())
            assert not connection.is_in_transaction()
            assert not await connection.fetchval("SELECT current_setting('app.tenant_id', true)")
            assert await connection.fetchval("SELECT count(*) FROM stores") == 0


async def test_every_connection_has_the_limits_of_web_requests(db: Database) -> None:
    async with db.transaction(None) as sql:
        row = await sql.fetchrow(
            """
            SELECT current_setting('statement_timeout') AS statement, current_setting('lock_timeout') AS lock,
                   current_setting('idle_in_transaction_session_timeout') AS idle, current_setting('jit') AS jit,
                   current_setting('TimeZone') AS zone, current_setting('synchronous_commit') AS durable,
                   current_setting('transaction_isolation') AS isolation
            """
        )
    assert tuple(row.values()) == ("5s", "2s", "10s", "off", "UTC", "on", "read committed")


async def test_only_what_says_so_commits_without_waiting_for_the_disk(db: Database, tenant_id: UUID) -> None:
    async with db.transaction(tenant_id, durable=False) as sql:
        assert await sql.fetchval("SHOW synchronous_commit") == "off"
    async with db.pool.acquire() as bare:
        assert await bare.fetchval("SHOW synchronous_commit") == "on"


async def test_the_driver_is_still_what_our_connection_class_expects(databases: Any) -> None:
    """Private API of asyncpg 0.32: with JIT seen as absent, it looks types up without `set_config`."""
    statements: list[str] = []
    connection = await asyncpg.connect(databases.app, connection_class=Connection)
    connection.add_query_logger(lambda record: statements.append(record.query))
    await connection.fetchval("SELECT $1::uuid[]", [uuid7()])
    await connection.fetchval("SELECT $1::regclass[]", ["pg_class"])
    assert not connection._server_caps.jit
    assert not [statement for statement in statements if "set_config" in statement]
    await connection.close()


async def test_giving_a_connection_back_costs_no_statement(db: Database) -> None:
    async with db.pool.acquire() as connection:
        inner = connection._con
    statements: list[str] = []
    inner.add_query_logger(lambda record: statements.append(record.query))
    await db.pool.release(await db.pool.acquire())
    assert statements == []


async def test_json_arrives_as_objects_and_leaves_as_text(db: Database) -> None:
    async with db.transaction(None) as sql:
        assert await sql.fetchval("""SELECT '{"a": [1, "২"]}'::jsonb""") == {"a": [1, "২"]}
        assert await sql.fetchval("SELECT $1::jsonb", '{"b": null}') == {"b": None}
        assert await sql.fetchval("SELECT $1::jsonb->>'c'", b'{"c": "x"}') == "x"
        assert await sql.fetchval("SELECT $1::json", "[1]") == [1]


async def test_a_busy_pool_refuses_instead_of_waiting_for_ever(databases: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shopkit.core.kernel.db.ACQUIRE_SECONDS", 0.1)
    small = await Database.open(databases.app, size=1)
    async with small.transaction(None):
        with pytest.raises(Unavailable):
            async with small.transaction(None):
                pass
    await small.close()


async def test_an_error_is_told_even_if_the_rollback_fails(databases: Any) -> None:
    small = await Database.open(databases.app, size=1)
    with pytest.raises(KeyError):
        async with small.transaction(None) as sql:
            sql._con._transport.abort()
            await asyncio.sleep(0)
            raise KeyError
    async with small.transaction(None) as sql:
        assert await sql.fetchval("SELECT 1") == 1
    await small.close()


@pytest.fixture
def place() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="shopkit-db-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


async def test_after_a_restart_of_the_server_no_stale_connection_serves_an_error(place: Path) -> None:
    """I65: each connection of the pool is dead, and the next transactions do not notice."""
    server = embedded.start(place)
    pooled = await Database.open(server.dsn(server.superuser, "postgres"), size=5)
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(5):
            await stack.enter_async_context(pooled.transaction(None))
    server.stop()
    with pytest.raises(Unavailable):
        async with pooled.transaction(uuid7()):
            pass
    with embedded.start(place):
        for _ in range(10):
            async with pooled.transaction(uuid7()) as sql:
                assert await sql.fetchval("SELECT 1") == 1
        await pooled.close()


async def test_a_server_killed_in_the_middle_of_a_transaction_rises_and_the_next_one_works(databases: Any) -> None:
    admin = await asyncpg.connect(databases.admin)
    small = await Database.open(databases.app, size=2)
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
        async with small.transaction(None) as sql:
            pid = await sql.fetchval("SELECT pg_backend_pid()")
            await admin.execute("SELECT pg_terminate_backend($1)", pid)
            await asyncio.sleep(0.05)
            await sql.fetchval("SELECT 1")
    async with small.transaction(None) as sql:
        assert await sql.fetchval("SELECT 1") == 1
    await small.close()
    await admin.close()
