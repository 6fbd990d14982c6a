"""The database roles: an owner that migrates, a weak app role that serves, a backup role that reads all (A13, I39)."""

import asyncpg
from msgspec import Struct

OWNER = "shopkit_owner"
APP = "shopkit_app"
BACKUP = "shopkit_backup"


class RoleReport(Struct, kw_only=True):
    """What was done, and what this server's administrator may not do (doctor repeats it)."""

    done: list[str]
    missing: list[str]


async def create_roles(admin_dsn: str, *, app: str = APP, app_password: str | None = None) -> RoleReport:
    """Create or repair the roles as far as the administrator's rights go. It needs no superuser to be useful."""
    connection = await asyncpg.connect(admin_dsn)
    report = RoleReport(done=[], missing=[])
    try:
        for name in (OWNER, app, BACKUP):
            if not await connection.fetchval("SELECT true FROM pg_roles WHERE rolname = $1", name):
                await _try(connection, report, f"CREATE ROLE {quote(name)} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE")
        if app_password:
            literal = await connection.fetchval("SELECT quote_literal($1::text)", app_password)
            await _try(
                connection, report, f"ALTER ROLE {quote(app)} PASSWORD {literal}", shown="set the app's password"
            )
        await _try(connection, report, f"ALTER ROLE {quote(BACKUP)} BYPASSRLS")
    finally:
        await connection.close()
    return report


async def create_database(admin_dsn: str, name: str, *, owner: str = OWNER, template: str | None = None) -> bool:
    """Create the database unless it exists; True if it was new."""
    connection = await asyncpg.connect(admin_dsn)
    try:
        if await connection.fetchval("SELECT true FROM pg_database WHERE datname = $1", name):
            return False
        copied = f" TEMPLATE {quote(template)}" if template else ""
        await connection.execute(f"CREATE DATABASE {quote(name)} OWNER {quote(owner)}{copied}")
        return True
    finally:
        await connection.close()


async def harden(admin_dsn: str, *, app: str = APP, backup: str = BACKUP) -> RoleReport:
    """Run inside the shop's database: who may connect, create, and switch the tenant setting (I39)."""
    connection = await asyncpg.connect(admin_dsn)
    report = RoleReport(done=[], missing=[])
    try:
        database = quote(await connection.fetchval("SELECT current_database()"))
        for statement in (
            f"REVOKE ALL ON DATABASE {database} FROM PUBLIC",
            f"GRANT CONNECT ON DATABASE {database} TO {quote(app)}, {quote(backup)}",
            "REVOKE ALL ON SCHEMA public FROM PUBLIC",
            f"GRANT USAGE ON SCHEMA public TO {quote(app)}, {quote(backup)}",
        ):
            await _try(connection, report, statement)
        if await connection.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user"):
            await _try(connection, report, "REVOKE EXECUTE ON FUNCTION set_config(text, text, boolean) FROM PUBLIC")
            # pg_dump calls it, and the driver does before it looks up a type; neither role ever serves.
            trusted = f"{quote(backup)}, {quote(OWNER)}"
            await _try(connection, report, f"GRANT EXECUTE ON FUNCTION set_config(text, text, boolean) TO {trusted}")
        else:
            report.missing.append("revoke set_config from PUBLIC: only a superuser can")
    finally:
        await connection.close()
    return report


async def _try(connection: asyncpg.Connection, report: RoleReport, statement: str, *, shown: str | None = None) -> None:
    try:
        await connection.execute(statement)
        report.done.append(shown or statement)
    except asyncpg.InsufficientPrivilegeError as error:
        report.missing.append(f"{shown or statement}: {error}")


class AppRole(Struct, frozen=True, kw_only=True):
    """What the serving connection really is."""

    name: str
    is_superuser: bool
    bypasses_rls: bool
    owns: int
    """Tables that it owns; an owner is not held by row security."""
    may_set_config: bool

    @property
    def faults(self) -> list[str]:
        """Why ShopKit must not serve with it; empty for a good app role."""
        reasons = []
        if self.is_superuser:
            reasons.append("is a superuser")
        if self.bypasses_rls:
            reasons.append("has BYPASSRLS")
        if self.owns:
            reasons.append(f"owns {self.owns} tables")
        return reasons


async def inspect_app_role(connection: asyncpg.Connection) -> AppRole:
    """Look at the role of this connection."""
    row = await connection.fetchrow(
        """
        SELECT rolname AS name, rolsuper AS is_superuser, rolbypassrls AS bypasses_rls,
               (SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE c.relkind IN ('r', 'p') AND n.nspname = 'public' AND pg_has_role(r.oid, c.relowner, 'USAGE'))
                   AS owns,
               has_function_privilege('set_config(text, text, boolean)', 'EXECUTE') AS may_set_config
        FROM pg_roles r WHERE rolname = current_user
        """
    )
    return AppRole(**row)


def quote(name: str) -> str:
    """An SQL identifier."""
    return '"' + name.replace('"', '""') + '"'
