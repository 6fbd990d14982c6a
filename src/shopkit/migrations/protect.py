"""What every table gets beside its columns: row security, grants, `updated_at`. Applied after each migration.

Derived from the tables themselves, so that a new one cannot be forgotten; running it twice changes nothing.
"""

from sqlalchemy import Connection, MetaData, Table, inspect, text

from shopkit.core.kernel.epochs import NOTE_CHANGE
from shopkit.core.kernel.leases import CLAIM_WORK
from shopkit.core.kernel.roles import BACKUP
from shopkit.core.tenancy.hosts import RESOLVE_HOST

TENANT = "(SELECT NULLIF(current_setting('app.tenant_id', true), '')::uuid)"

TOUCH = """
CREATE OR REPLACE FUNCTION touch_updated_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN NEW.updated_at := now(); RETURN NEW; END $$
"""

RIGHTS = {"tenants": ("SELECT",), "tenant_hosts": ("SELECT",), "cache_epochs": ("SELECT", "UPDATE")}
"""What the app role may do where it is less than usual; the owner does the rest."""

CATALOGUE = (
    "brands", "categories", "category_listings", "category_translations", "media_assets", "product_categories",
    "product_listings", "product_locations", "product_media", "product_option_values", "product_options",
    "product_tags", "product_translations", "product_variants", "products", "slug_redirects", "store_locations",
    "tags", "variant_option_values", "variant_prices", "vendors",
)  # fmt: skip
"""What the public pages show: a change of any row is told to the caches (`kernel.epochs`)."""
CHANGES = {
    **{table: {"note_change": "INSERT OR UPDATE OR DELETE ON {} FOR EACH STATEMENT"} for table in CATALOGUE},
    # Pages tell whether there is any stock, not how much: an order that leaves some calls nothing.
    "inventory_stocks": {
        "note_change": "INSERT OR DELETE ON {} FOR EACH STATEMENT",
        "note_change_of_stock": """UPDATE ON {} FOR EACH ROW WHEN (
            (OLD.stock + OLD.oversell_limit > OLD.reserved) <> (NEW.stock + NEW.oversell_limit > NEW.reserved)
            OR (OLD.variant_id, OLD.location_id) IS DISTINCT FROM (NEW.variant_id, NEW.location_id))""",
    },
}
"""Table to its triggers that tell the caches."""


def protect(connection: Connection, metadata: MetaData, app_role: str) -> None:
    """Row security and triggers on all tables, and the least grants that the app role needs."""
    connection.execute(text(TOUCH))
    connection.exec_driver_sql(NOTE_CHANGE)
    for function in (CLAIM_WORK, RESOLVE_HOST):
        connection.exec_driver_sql(function.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"))
    # After a step back the newest tables are gone.
    present = set(inspect(connection).get_table_names())
    for table in metadata.sorted_tables:
        if table.name not in present:
            continue
        _secure(connection, table)
        _touch(connection, table)
        _tell(connection, table)
        _grant(connection, table, app_role)
    role = _quote(connection, app_role)
    connection.execute(text("REVOKE ALL ON FUNCTION claim_work, resolve_host FROM PUBLIC"))
    connection.execute(text(f"GRANT EXECUTE ON FUNCTION claim_work, resolve_host TO {role}"))
    connection.execute(text(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {role}"))
    connection.execute(text(f"GRANT SELECT ON shopkit_version TO {role}"))
    if connection.scalar(text("SELECT true FROM pg_roles WHERE rolname = :name"), {"name": BACKUP}):
        backup = _quote(connection, BACKUP)
        connection.execute(text(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {backup}"))
        connection.execute(text(f"GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO {backup}"))


def _secure(connection: Connection, table: Table) -> None:
    """Enabled, not forced: the owner never serves, and a forced owner cannot backfill (D3)."""
    column = "id" if table.name == "tenants" else "tenant_id"
    if column not in table.c:
        return
    connection.execute(text(f'ALTER TABLE "{table.name}" ENABLE ROW LEVEL SECURITY'))
    connection.execute(text(f'DROP POLICY IF EXISTS tenant_wall ON "{table.name}"'))
    connection.execute(
        text(
            f'CREATE POLICY tenant_wall ON "{table.name}" USING ({column} = {TENANT}) WITH CHECK ({column} = {TENANT})'
        )
    )


def _touch(connection: Connection, table: Table) -> None:
    if "updated_at" in table.c:
        connection.execute(
            text(
                f'CREATE OR REPLACE TRIGGER touch_updated_at BEFORE UPDATE ON "{table.name}" '
                "FOR EACH ROW EXECUTE FUNCTION touch_updated_at()"
            )
        )


def _tell(connection: Connection, table: Table) -> None:
    for name, event in CHANGES.get(table.name, {}).items():
        when = event.format(f'"{table.name}"')
        connection.exec_driver_sql(f"CREATE OR REPLACE TRIGGER {name} AFTER {when} EXECUTE FUNCTION note_change()")


def rights_of(table: Table) -> tuple[str, ...]:
    """What the app role may do with a table: a ledger only grows (I17)."""
    usual = ("SELECT", "INSERT") if table.info.get("append_only") else ("SELECT", "INSERT", "UPDATE", "DELETE")
    return RIGHTS.get(table.name, usual)


def _grant(connection: Connection, table: Table, app_role: str) -> None:
    role = _quote(connection, app_role)
    connection.execute(text(f'REVOKE ALL ON "{table.name}" FROM {role}'))
    connection.execute(text(f'GRANT {", ".join(rights_of(table))} ON "{table.name}" TO {role}'))


def _quote(connection: Connection, name: str) -> str:
    return connection.dialect.identifier_preparer.quote(name)
