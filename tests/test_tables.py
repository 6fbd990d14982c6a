"""Walks every table of a migrated database: nothing that holds for all of them is left to memory."""

import re
from collections import defaultdict
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Float
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from shopkit.core.cart.states import CART
from shopkit.core.inventory.states import RESERVATION
from shopkit.core.kernel import roles
from shopkit.core.kernel.states import Lifecycle
from shopkit.core.orders.states import FULFILLMENT_STATUSES, ORDER, PAYMENT_STATUSES
from shopkit.core.payments.states import PAYMENT
from shopkit.core.shipping.states import SHIPMENT, TRACKING_STATUSES
from shopkit.migrations.tables import metadata

# Without a tenant: who the tenants are, versions of caches, the revision of the schema.
WITHOUT_TENANT = {"tenants", "cache_changes", "cache_epochs", "shopkit_version"}
# A host name leads to one place only; a slug of a tenant is written by the owner alone.
UNIQUE_ACROSS_TENANTS = {("tenant_hosts", ("host",)), ("tenants", ("slug",))}
DEFINERS = {
    "claim_work": "p_lease uuid, p_seconds integer, p_deliveries integer, p_jobs integer, p_schedules integer",
    "resolve_host": "p_host text",
}
TABLES = sorted(metadata.tables)


@pytest.fixture(scope="module")
async def catalog(owner: asyncpg.Connection) -> "Catalog":
    return await Catalog.read(owner)


class Catalog:
    """What PostgreSQL says of the tables in `public`."""

    def __init__(self) -> None:
        self.tables: dict[str, Any] = {}
        self.keys: dict[str, tuple[str, ...]] = {}
        self.uniques: dict[str, list[tuple[str, ...]]] = defaultdict(list)
        self.indexes: dict[str, list[tuple[str, ...]]] = defaultdict(list)
        self.references: dict[str, list[Any]] = defaultdict(list)
        self.checks: dict[tuple[str, str], str] = {}
        self.policies: dict[str, list[Any]] = defaultdict(list)

    @classmethod
    async def read(cls, sql: asyncpg.Connection) -> "Catalog":
        found = cls()
        for row in await sql.fetch(
            """
            SELECT c.relname AS name, c.relrowsecurity AS is_secured, c.relforcerowsecurity AS is_forced,
                   r.rolname AS owner,
                   array(SELECT a.attname::text FROM pg_attribute a
                         WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns,
                   array(SELECT t.tgname::text FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal)
                       AS triggers
            FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner
            WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
            """
        ):
            found.tables[row["name"]] = row
        for row in await sql.fetch(
            """
            SELECT t.relname AS table, p.polcmd AS command, p.polpermissive AS is_permissive,
                   p.polroles = '{0}' AS is_for_all, pg_get_expr(p.polqual, t.oid) AS using,
                   pg_get_expr(p.polwithcheck, t.oid) AS with_check
            FROM pg_policy p JOIN pg_class t ON t.oid = p.polrelid
            """
        ):
            found.policies[row["table"]].append(row)
        for row in await sql.fetch(
            """
            SELECT t.relname AS table, i.indisprimary AS is_key, i.indisunique AS is_unique,
                   coalesce(pg_get_expr(i.indpred, t.oid), '') AS condition,
                   array(SELECT coalesce(a.attname::text, '(expression)') FROM unnest(i.indkey) WITH ORDINALITY k(n, o)
                         LEFT JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.n AND k.n > 0
                         ORDER BY k.o) AS columns
            FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid WHERE t.relnamespace = 'public'::regnamespace
            """
        ):
            columns = tuple(row["columns"])
            if row["is_key"]:
                found.keys[row["table"]] = columns
            if row["is_unique"] and not row["is_key"]:
                found.uniques[row["table"]].append(columns)
            # Looking a reference up implies that it is there.
            if row["condition"] in {"", f"({columns[-1]} IS NOT NULL)"}:
                found.indexes[row["table"]].append(columns)
        for row in await sql.fetch(
            """
            SELECT t.relname AS table, c.conname AS name, c.contype AS type, pg_get_constraintdef(c.oid) AS text,
                   target.relname AS target, c.convalidated AS is_valid, c.confdeltype AS on_delete,
                   array(SELECT a.attname::text FROM unnest(c.conkey) WITH ORDINALITY k(n, o)
                         JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.n ORDER BY k.o) AS columns,
                   array(SELECT a.attname::text FROM unnest(c.confkey) WITH ORDINALITY k(n, o)
                         JOIN pg_attribute a ON a.attrelid = target.oid AND a.attnum = k.n ORDER BY k.o) AS targets
            FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid
            LEFT JOIN pg_class target ON target.oid = c.confrelid
            WHERE t.relnamespace = 'public'::regnamespace AND c.contype IN ('f', 'c')
            """
        ):
            if row["type"] == b"f":
                found.references[row["table"]].append(row)
            else:
                found.checks[row["table"], row["name"]] = row["text"]
        return found


def test_the_database_has_the_tables_of_the_models_and_no_other(catalog: Catalog) -> None:
    assert set(catalog.tables) == {*TABLES, "shopkit_version"}


async def test_migrating_gives_what_the_models_say(databases: Any) -> None:
    def is_spelling(found: Any) -> bool:
        # PostgreSQL prints the expression in its own way; every test writes rows through it.
        return isinstance(found, list) and all(part[0] == "modify_default" and part[3] == "tenant_id" for part in found)

    def compare(connection: Connection) -> list[Any]:
        context = MigrationContext.configure(
            connection,
            opts={"version_table": "shopkit_version", "compare_type": True, "compare_server_default": True},
        )
        return [found for found in compare_metadata(context, metadata) if not is_spelling(found)]

    url = urlunsplit(urlsplit(databases.owner)._replace(scheme="postgresql+asyncpg"))
    engine = create_async_engine(url, poolclass=NullPool)
    async with engine.connect() as connection:
        assert await connection.run_sync(compare) == []
    await engine.dispose()


@pytest.mark.parametrize("table", TABLES)
def test_every_table_of_tenants_is_behind_the_wall(catalog: Catalog, table: str) -> None:
    seen = catalog.tables[table]
    if "tenant_id" not in seen["columns"]:
        assert table in WITHOUT_TENANT
        if table != "tenants":
            return
    assert seen["is_secured"]
    assert not seen["is_forced"], "an owner that is held by its own walls cannot backfill (tried: rows vanish)"
    (policy,) = catalog.policies[table]
    assert (policy["command"], policy["is_permissive"], policy["is_for_all"]) == (b"*", True, True)
    assert policy["using"] == policy["with_check"]
    column = "id" if table == "tenants" else "tenant_id"
    asked = "( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "
    assert policy["using"].startswith(f"({column} = {asked}")


@pytest.mark.parametrize("table", TABLES)
def test_every_key_begins_with_the_tenant(catalog: Catalog, table: str) -> None:
    if table in WITHOUT_TENANT:
        return
    assert catalog.keys[table] == ("tenant_id", "id")
    for columns in catalog.uniques[table]:
        assert columns[0] == "tenant_id" or (table, columns) in UNIQUE_ACROSS_TENANTS, "I36: no oracle"


@pytest.mark.parametrize("table", TABLES)
def test_no_reference_can_join_two_tenants_and_each_has_an_index(catalog: Catalog, table: str) -> None:
    for reference in catalog.references[table]:
        columns = tuple(reference["columns"])
        if reference["target"] == "tenants":
            assert columns == ("tenant_id",)
        else:
            assert columns[0] == "tenant_id"
            assert tuple(reference["targets"]) == ("tenant_id", "id")
        assert reference["is_valid"]
        assert any(index[: len(columns)] == columns for index in catalog.indexes[table]), (
            f"{reference['name']} has no index that begins with its columns"
        )
        if reference["on_delete"] == b"n":
            assert "SET NULL (" in reference["text"], "or it would set the tenant to null"


@pytest.mark.parametrize("table", TABLES)
def test_updated_at_is_kept_by_a_trigger(catalog: Catalog, table: str) -> None:
    seen = catalog.tables[table]
    assert ("updated_at" in seen["columns"]) == ("touch_updated_at" in seen["triggers"])


@pytest.mark.parametrize("table", TABLES)
def test_instants_have_a_zone_and_amounts_are_integers(table: str) -> None:
    for column in metadata.tables[table].columns:
        assert not isinstance(column.type, Float), f"I9: {table}.{column.name}"
        if column.name.endswith("_at") and column.name != "compare_at":
            assert getattr(column.type, "timezone", False), f"{table}.{column.name}"


# The app role


@pytest.fixture(scope="module")
async def app_role(databases: Any) -> Any:
    connection = await asyncpg.connect(databases.app)
    yield connection
    await connection.close()


async def test_the_app_role_owns_nothing_and_has_no_power(app_role: asyncpg.Connection) -> None:
    role = await roles.inspect_app_role(app_role)
    assert role.faults == []
    assert not role.may_set_config
    row = await app_role.fetchrow(
        """
        SELECT rolcreatedb OR rolcreaterole OR rolreplication AS is_strong,
               has_schema_privilege('public', 'CREATE') AS may_create,
               has_database_privilege(current_database(), 'CREATE') AS may_create_schema,
               has_database_privilege(current_database(), 'TEMP') AS may_make_temporary,
               (SELECT count(*) FROM pg_auth_members m WHERE m.member = r.oid) AS memberships,
               (SELECT count(*) FROM pg_proc p WHERE p.proowner = r.oid) AS functions
        FROM pg_roles r WHERE rolname = current_user
        """
    )
    assert not any(row.values()), dict(row)


@pytest.mark.parametrize("table", [*TABLES, "shopkit_version"])
async def test_the_app_role_has_only_the_rights_that_it_needs(app_role: asyncpg.Connection, table: str) -> None:
    rights = {
        right
        for right in ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")
        if await app_role.fetchval("SELECT has_table_privilege($1, $2)", table, right)
    }
    described = metadata.tables.get(table)
    if table in {"tenants", "tenant_hosts", "shopkit_version"}:
        assert rights == {"SELECT"}
    elif described is not None and described.info.get("append_only"):
        assert rights == {"SELECT", "INSERT"}, "I17: a ledger only grows"
    elif table.startswith("cache_"):
        assert rights <= {"SELECT", "INSERT", "UPDATE", "DELETE"}
    else:
        assert rights == {"SELECT", "INSERT", "UPDATE", "DELETE"}


def test_the_ledgers_are_append_only() -> None:
    ledgers = {name for name, table in metadata.tables.items() if table.info.get("append_only")}
    assert {"inventory_transactions", "order_status_history", "payment_transactions"} <= ledgers


async def test_only_the_known_functions_act_for_the_owner_and_none_takes_a_tenant(
    owner: asyncpg.Connection, app_role: asyncpg.Connection
) -> None:
    rows = await owner.fetch(
        """
        SELECT p.proname AS name, p.prosecdef AS is_definer, pg_get_function_arguments(p.oid) AS arguments,
               p.proconfig AS config, p.oid, r.rolname AS owner
        FROM pg_proc p JOIN pg_roles r ON r.oid = p.proowner
        WHERE p.pronamespace = 'public'::regnamespace
          AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
        """
    )
    definers = {row["name"]: row["arguments"] for row in rows if row["is_definer"]}
    assert definers == DEFINERS
    for row in rows:
        if row["is_definer"]:
            assert row["config"] == ["search_path=public, pg_temp"]
            assert row["owner"] == roles.OWNER
        is_callable = await app_role.fetchval("SELECT has_function_privilege($1::oid, 'EXECUTE')", row["oid"])
        if is_callable:
            assert "tenant" not in row["arguments"], "no function that the app role may call takes a tenant"
    granted_to_all = await owner.fetchval(
        """
        SELECT count(*) FROM pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
        WHERE p.pronamespace = 'public'::regnamespace AND p.prosecdef AND a.grantee = 0
        """
    )
    assert granted_to_all == 0


async def test_views_are_held_by_the_walls_and_nothing_is_materialised(owner: asyncpg.Connection) -> None:
    rows = await owner.fetch(
        """
        SELECT relname, relkind, reloptions FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('v', 'm')
        """
    )
    assert [row["relname"] for row in rows if row["relkind"] == b"m"] == []
    for row in rows:
        assert "security_invoker=true" in (row["reloptions"] or [])


# Lifecycles

MAPS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("carts", "status"): CART.states,
    ("inventory_reservations", "status"): RESERVATION.states,
    ("orders", "status"): ORDER.states,
    ("orders", "payment_status"): PAYMENT_STATUSES,
    ("orders", "fulfillment_status"): FULFILLMENT_STATUSES,
    ("payments", "status"): PAYMENT.states,
    ("shipments", "status"): SHIPMENT.states,
    ("shipments", "tracking_status"): TRACKING_STATUSES,
}


@pytest.mark.parametrize(("table", "column"), MAPS)
def test_a_column_takes_exactly_the_states_of_its_map(catalog: Catalog, table: str, column: str) -> None:
    text = catalog.checks[table, f"ck_{table}_{column}_known"]
    assert set(re.findall(r"'([a-z_]+)'", text)) == set(MAPS[table, column])


@pytest.mark.parametrize("life", [CART, RESERVATION, ORDER, PAYMENT, SHIPMENT], ids=lambda life: life.name)
def test_every_state_can_be_reached_and_every_step_leads_to_a_known_one(life: Lifecycle) -> None:
    reached, waiting = set(life.initial), list(life.initial)
    while waiting:
        for state in life.edges[waiting.pop()]:
            assert state in life.edges, f"{state} is no state of a {life.name}"
            if state not in reached:
                reached.add(state)
                waiting.append(state)
    assert reached == set(life.states)


def test_nothing_leaves_the_end_of_a_hold_a_cart_a_shipment_or_a_success() -> None:
    assert {state for state, after in RESERVATION.edges.items() if not after} == {"consumed", "released", "expired"}
    assert {state for state, after in CART.edges.items() if not after} == {"merged", "converted"}
    assert {state for state, after in SHIPMENT.edges.items() if not after} == {"delivered", "returned", "cancelled"}
    assert {state for state, after in PAYMENT.edges.items() if not after} == {"succeeded"}
