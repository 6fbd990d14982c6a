"""Two tenants and raw SQL as the app role, on every table: nothing crosses, even with every WHERE forgotten (I34–I36).

The rows are made in a database of its own whose columns were freed of everything but key and wall, so that each table
can hold a row without all that it refers to. References are tested on the real tables, at the end.
"""

import io
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from shopkit.core.kernel import roles
from shopkit.core.kernel.db import Database
from shopkit.core.kernel.ids import uuid7
from shopkit.migrations.tables import metadata

WALLED = sorted(name for name, table in metadata.tables.items() if "tenant_id" in table.c)
WRITABLE = [name for name in WALLED if name != "tenant_hosts"]
CHANGEABLE = [name for name in WRITABLE if not metadata.tables[name].info.get("append_only")]

OURS, THEIRS = uuid7(), uuid7()


@pytest.fixture(scope="module")
async def stripped(alone: Any) -> AsyncIterator[Any]:
    """A row of each tenant in every table."""
    admin = await asyncpg.connect(alone.databases.admin)
    await admin.execute(
        """
        DO $$ DECLARE found record; BEGIN
            FOR found IN SELECT conrelid::regclass AS place, conname FROM pg_constraint
                WHERE connamespace = 'public'::regnamespace AND contype IN ('f', 'c') LOOP
                EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', found.place, found.conname);
            END LOOP;
            FOR found IN SELECT c.oid::regclass AS place, a.attname
                FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
                WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnotnull AND a.attnum > 0
                  AND a.attidentity = '' AND a.attname NOT IN ('tenant_id', 'id')
                  AND c.relname NOT IN ('shopkit_version', 'cache_changes', 'cache_epochs') LOOP
                EXECUTE format('ALTER TABLE %s ALTER COLUMN %I DROP NOT NULL', found.place, found.attname);
            END LOOP;
        END $$
        """
    )
    for tenant_id in (OURS, THEIRS):
        await admin.execute("INSERT INTO tenants (id, slug) VALUES ($1, $2)", tenant_id, str(tenant_id))
        for name in WALLED:
            await admin.execute(f'INSERT INTO "{name}" (tenant_id) VALUES ($1)', tenant_id)
    await admin.close()
    yield alone


@pytest.fixture(scope="module")
async def db(stripped: Any) -> AsyncIterator[Database]:
    opened = await Database.open(stripped.databases.app, size=2)
    yield opened
    await opened.close()


class Undo(Exception):
    """Ends a transaction that should leave nothing."""


async def theirs(stripped: Any, table: str) -> int:
    return await stripped.owner.fetchval(f'SELECT count(*) FROM "{table}" WHERE tenant_id = $1', THEIRS)


@pytest.mark.parametrize("table", WALLED)
async def test_a_tenant_reads_its_own_rows_only(db: Database, table: str) -> None:
    async with db.transaction(OURS) as sql:
        assert await sql.fetch(f'SELECT DISTINCT tenant_id FROM "{table}"') == [(OURS,)]
        assert await sql.fetch(f'SELECT FROM "{table}" WHERE tenant_id = $1', THEIRS) == []
        copied = io.BytesIO()
        await sql.copy_from_query(f'SELECT tenant_id FROM "{table}"', output=copied)
        assert copied.getvalue().split() == [str(OURS).encode()]
        copied = io.BytesIO()
        await sql.copy_from_table(table, columns=["tenant_id"], output=copied)
        assert copied.getvalue().split() == [str(OURS).encode()]


@pytest.mark.parametrize("table", WALLED)
async def test_without_a_tenant_there_are_no_rows_and_no_writes(db: Database, table: str) -> None:
    async with db.transaction(None) as sql:
        assert await sql.fetchval(f'SELECT count(*) FROM "{table}"') == 0
        if table in CHANGEABLE:
            assert await sql.execute(f'UPDATE "{table}" SET tenant_id = tenant_id') == "UPDATE 0"
            assert await sql.execute(f'DELETE FROM "{table}"') == "DELETE 0"
    if table in WRITABLE:
        with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.NotNullViolationError)):
            async with db.transaction(None) as sql:
                await sql.execute(f'INSERT INTO "{table}" DEFAULT VALUES')
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with db.transaction(None) as sql:
                await sql.execute(f'INSERT INTO "{table}" (tenant_id) VALUES ($1)', OURS)


@pytest.mark.parametrize("table", WRITABLE)
async def test_a_row_cannot_be_written_into_another_tenant(stripped: Any, db: Database, table: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        async with db.transaction(OURS) as sql:
            await sql.execute(f'INSERT INTO "{table}" (tenant_id) VALUES ($1)', THEIRS)
    with pytest.raises(asyncpg.PostgresError, match="row-level security"):
        async with db.transaction(OURS) as sql:
            await sql.copy_records_to_table(table, records=[(THEIRS,)], columns=["tenant_id"])
    with pytest.raises(Undo):
        async with db.transaction(OURS) as sql:
            if table in CHANGEABLE:  # its own empty row would be a duplicate where nulls are equal
                await sql.execute(f'DELETE FROM "{table}"')
            assert await sql.fetchval(f'INSERT INTO "{table}" DEFAULT VALUES RETURNING tenant_id') == OURS
            raise Undo


@pytest.mark.parametrize("table", CHANGEABLE)
async def test_a_forgotten_where_changes_and_deletes_own_rows_only(stripped: Any, db: Database, table: str) -> None:
    before = await theirs(stripped, table)
    with pytest.raises(Undo):
        async with db.transaction(OURS) as sql:
            assert await sql.execute(f'UPDATE "{table}" SET id = id') == "UPDATE 1"
            assert await sql.execute(f'DELETE FROM "{table}"') == "DELETE 1"
            raise Undo
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        async with db.transaction(OURS) as sql:
            await sql.execute(f'UPDATE "{table}" SET tenant_id = $1', THEIRS)
    async with db.transaction(OURS) as sql:
        assert await sql.execute(f'UPDATE "{table}" SET id = id WHERE tenant_id = $1', THEIRS) == "UPDATE 0"
        assert await sql.execute(f'DELETE FROM "{table}" WHERE tenant_id = $1', THEIRS) == "DELETE 0"
    assert await theirs(stripped, table) == before == 1


@pytest.mark.parametrize("table", sorted(set(WRITABLE) - set(CHANGEABLE)))
@pytest.mark.parametrize("statement", ["UPDATE {} SET id = id", "DELETE FROM {}", "TRUNCATE {}"])
async def test_a_ledger_refuses_change_even_of_own_rows(db: Database, table: str, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied"):
        async with db.transaction(OURS) as sql:
            await sql.execute(statement.format(f'"{table}"'))


async def test_a_tenant_sees_itself_only_and_changes_neither_itself_nor_hosts(db: Database) -> None:
    async with db.transaction(OURS) as sql:
        assert await sql.fetch("SELECT id FROM tenants") == [(OURS,)]
    async with db.transaction(None) as sql:
        assert await sql.fetch("SELECT id FROM tenants") == []
    for statement in (
        "UPDATE tenants SET name = 'x'",
        "DELETE FROM tenant_hosts",
        "INSERT INTO tenants (slug) VALUES ('x')",
        "INSERT INTO tenant_hosts (host) VALUES ('x')",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied"):
            async with db.transaction(OURS) as sql:
                await sql.execute(statement)


async def test_a_view_shows_its_readers_rows_only(stripped: Any, db: Database) -> None:
    await stripped.owner.execute(
        f"""
        CREATE VIEW shown WITH (security_invoker = true) AS SELECT tenant_id FROM products;
        GRANT SELECT ON shown TO {roles.APP}
        """
    )
    async with db.transaction(OURS) as sql:
        assert await sql.fetch("SELECT * FROM shown") == [(OURS,)]
    async with db.transaction(None) as sql:
        assert await sql.fetch("SELECT * FROM shown") == []


@pytest.mark.parametrize(
    "expression",
    [
        "set_config('app.tenant_id', '{0}', true)",
        "set_config('app.tenant_id', '{0}', false)",
        "(SELECT set_config('app.tenant_id', '{0}', true) FROM products LIMIT 1)",
    ],
)
async def test_no_expression_can_switch_the_tenant(db: Database, expression: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="set_config"):
        async with db.transaction(OURS) as sql:
            await sql.execute(f"SELECT {expression.format(THEIRS)}")
    async with db.transaction(OURS) as sql:
        assert await sql.fetch("SELECT DISTINCT tenant_id FROM products") == [(OURS,)]


async def test_the_driver_looks_up_types_without_set_config_and_the_tenant_is_still_set(stripped: Any) -> None:
    await stripped.owner.execute("CREATE TYPE mood AS ENUM ('calm', 'busy')")
    fresh = await Database.open(stripped.databases.app, size=1)
    try:
        async with fresh.transaction(OURS) as sql:
            assert await sql.fetchval("SELECT $1::mood", "calm") == "calm"
            assert await sql.fetchval("SELECT $1::mood[]", ["busy"]) == ["busy"]
            assert await sql.fetchval("SELECT $1::uuid[]", [OURS]) == [OURS]
            assert await sql.fetchval("SELECT ROW(1, 'x')") == (1, "x")
            assert await sql.fetch("SELECT DISTINCT tenant_id FROM products") == [(OURS,)]
        async with fresh.transaction(THEIRS) as sql:
            assert await sql.fetch("SELECT DISTINCT tenant_id FROM products") == [(THEIRS,)]
    finally:
        await fresh.close()


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE loot (id int)",
        "CREATE TEMP TABLE loot AS SELECT * FROM products",
        "CREATE FUNCTION loot() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "ALTER TABLE products DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE products NO FORCE ROW LEVEL SECURITY",
        "DROP POLICY tenant_wall ON products",
        f"SET ROLE {roles.OWNER}",
        f"SET SESSION AUTHORIZATION {roles.OWNER}",
        "GRANT SELECT ON products TO PUBLIC WITH GRANT OPTION",
        "TRUNCATE products",
        "SELECT pg_read_file('/etc/passwd')",
        "COPY products TO PROGRAM 'cat'",
        "SELECT lo_import('/etc/passwd')",
    ],
)
async def test_the_app_role_can_neither_build_nor_climb(db: Database, statement: str) -> None:
    with pytest.raises(asyncpg.PostgresError):
        async with db.transaction(OURS) as sql:
            await sql.execute(statement)


async def test_row_security_switched_off_refuses_instead_of_showing_everything(db: Database) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        async with db.transaction(OURS) as sql:
            await sql.execute("SET LOCAL row_security = off")
            await sql.fetch("SELECT * FROM products")


# References, on the real tables


async def test_a_reference_into_another_tenant_does_not_exist(
    owner: asyncpg.Connection, tenant: Any, other_tenant: Any
) -> None:
    """Even the owner, whom no wall holds, cannot store one."""
    ours, foreign = tenant.made, other_tenant.made
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await owner.execute(
            "INSERT INTO settings (tenant_id, store_id, key, value) VALUES ($1, $2, 'a.b', '1')",
            ours.tenant_id,
            foreign.store_id,
        )
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await owner.execute(
            "UPDATE order_number_counters SET store_id = $1 WHERE tenant_id = $2", foreign.store_id, ours.tenant_id
        )


async def test_what_one_tenant_uses_is_free_for_another(shop: Any, tenant: Any, other_tenant: Any) -> None:
    for one in (tenant, other_tenant):
        async with shop.uow(one.scope) as uow:
            await uow.sql.execute("INSERT INTO vendors (slug, name) VALUES ('same', 'Same')")
    same: UUID = uuid7()
    for one in (tenant, other_tenant):
        async with shop.uow(one.scope) as uow:
            await uow.sql.execute("INSERT INTO vendors (id, slug, name) VALUES ($1, 'by-id', 'Same id')", same)
