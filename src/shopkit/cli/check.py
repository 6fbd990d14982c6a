"""`shopkit check`: is this installation as it should be? Looks, and changes nothing."""

import os
import stat
import time
from collections.abc import Iterator
from typing import Literal
from urllib.parse import urlsplit

import asyncpg
import rich_click as click
from msgspec import Struct

from shopkit.cli import options, printing, session
from shopkit.cli.session import Urls
from shopkit.core.kernel import roles
from shopkit.core.kernel.config import Config
from shopkit.core.kernel.crypto import KeyRing
from shopkit.migrations import versions
from shopkit.migrations.protect import rights_of
from shopkit.migrations.tables import metadata
from shopkit.sdk.errors import ConfigFault

OLDEST, NEWEST = 15, 18
"""Major versions of PostgreSQL that the tests run on."""
CLOCK_SECONDS = 2.0
"""Deadlines go by the database's clock, so a difference harms nobody; but logs are hard to read by then."""
FUNCTIONS = {"claim_work", "resolve_host"}
"""What may act before a tenant is known (I39)."""

Status = Literal["ok", "warn", "fail"]
MARKS = {"ok": "\x1b[32mok  \x1b[0m", "warn": "\x1b[33mwarn\x1b[0m", "fail": "\x1b[31mfail\x1b[0m"}


class Finding(Struct, frozen=True, kw_only=True):
    """What one look has found."""

    name: str
    status: Status
    detail: str


@click.command()
@options.as_json
@options.data_dir
def check(is_json: bool, data_dir: str | None) -> int:
    """Look at configuration, key, database, roles, row security and migrations.

    Prints a line per check; the exit code is 1 when one has failed. Nothing is changed.
    """
    findings = _look(data_dir)
    if is_json:
        printing.as_json(findings)
    else:
        for finding in findings:
            _print(finding)
    return int(any(finding.status == "fail" for finding in findings))


def _print(finding: Finding) -> None:
    mark = MARKS[finding.status] if printing.has_colours() else f"{finding.status:<4}"
    print(f"{mark}  {finding.name:<16}{finding.detail}")


def _look(data_dir: str | None) -> list[Finding]:
    try:
        config = session.read(data_dir=data_dir)
    except ConfigFault as error:
        return [fail("configuration", error.text)]
    where = "the embedded PostgreSQL" if config.is_embedded else "an external PostgreSQL"
    found = [ok("configuration", f"readable; the database is {where}"), *_files(config)]
    if config.is_embedded and not session.has_cluster(config):
        return [*found, warn("database", "not made yet; `shopkit serve` makes it")]
    try:
        with session.database(config) as urls:
            found += session.run(_database(config, urls))
    except ConfigFault as error:
        found.append(fail("database", error.text))
    return found


# files


def _files(config: Config) -> Iterator[Finding]:
    yield _data_dir(config)
    yield _key(config)


def _data_dir(config: Config) -> Finding:
    path = config.data_path
    if not path.exists():
        parent = next(folder for folder in path.parents if folder.exists())
        if os.access(parent, os.W_OK | os.X_OK):
            return warn("data directory", f"{path} is not there yet; the first start makes it")
        return fail("data directory", f"{path} is not there, and {parent} is not writable")
    if not path.is_dir() or not os.access(path, os.W_OK | os.X_OK):
        return fail("data directory", f"{path} is not writable")
    return ok("data directory", str(path))


def _key(config: Config) -> Finding:
    try:
        if config.master_key:
            return ok("master key", f"from SHOPKIT_MASTER_KEY, {KeyRing.load(config.master_key).current_id} seals")
        if not config.key_path.exists():
            return warn("master key", f"not made yet; the first start makes {config.key_path}")
        ring = KeyRing.load_file(config.key_path)
    except ConfigFault as error:
        return fail("master key", error.text)
    mode = stat.S_IMODE(config.key_path.stat().st_mode)
    return ok("master key", f"{config.key_path}, mode {mode:04o}, {ring.current_id} seals")


# the database


async def _database(config: Config, urls: Urls) -> list[Finding]:
    try:
        app = await session.connect(urls.app)
    except (asyncpg.InvalidCatalogNameError, asyncpg.InvalidAuthorizationSpecificationError) as error:
        return [fail("database", f"{error}; run `shopkit db roles` and `shopkit migrate`")]
    try:
        found = [await _reachable(app, urls), await _clock(app), await _role(app)]
        revision = await session.revision_of(urls.app)
        found.append(_migrations(revision))
        if revision is not None:
            found += [await _row_security(app), await _grants(app), await _functions(app), await _views(app)]
        found.append(await _connections(app, config))
    finally:
        await app.close()
    if urls.owner is not None:
        found.append(await _owner(urls.owner))
    return found


async def _reachable(app: asyncpg.Connection, urls: Urls) -> Finding:
    version = await app.fetchval("SHOW server_version")
    name = f"PostgreSQL {version} at {urlsplit(urls.app).hostname or 'a socket'}"
    if not OLDEST <= app.get_server_version().major <= NEWEST:
        return warn("database", f"{name}; ShopKit is tested on {OLDEST} to {NEWEST}")
    return ok("database", name)


async def _clock(app: asyncpg.Connection) -> Finding:
    before = time.time()
    theirs = float(await app.fetchval("SELECT extract(epoch FROM clock_timestamp())"))
    ours = (before + time.time()) / 2
    difference = abs(theirs - ours)
    said = f"{difference:.1f} s from the database's"
    return ok("clock", said) if difference <= CLOCK_SECONDS else warn("clock", f"{said}; set this machine's clock")


async def _role(app: asyncpg.Connection) -> Finding:
    role = await roles.inspect_app_role(app)
    may_create = await app.fetchval("SELECT has_schema_privilege('public', 'CREATE')")
    faults = [*role.faults, *(["may create tables"] if may_create else [])]
    if faults:
        return fail("app role", f"{role.name} {' and '.join(faults)}; serve with a weaker one")
    if role.may_set_config:
        return warn("app role", f"{role.name} may call set_config; a superuser can revoke that (`shopkit db roles`)")
    return ok("app role", f"{role.name} owns nothing and cannot switch tenant")


def _migrations(revision: str | None) -> Finding:
    if revision is None:
        return fail("migrations", "none yet; run `shopkit migrate`")
    if revision < versions.HEAD:
        return fail("migrations", f"at {revision}, this version needs {versions.HEAD}; run `shopkit migrate`")
    if revision > versions.HEAD:
        return warn("migrations", f"at {revision}, newer than this version ({versions.HEAD})")
    return ok("migrations", f"at {revision}, the newest")


async def _row_security(app: asyncpg.Connection) -> Finding:
    rows = await app.fetch(
        """
        SELECT c.relname AS name, c.relrowsecurity AS is_on, c.relforcerowsecurity AS is_forced,
               EXISTS (SELECT FROM pg_policies p WHERE p.tablename = c.relname AND p.schemaname = 'public'
                       AND p.policyname = 'tenant_wall' AND p.qual IS NOT NULL AND p.with_check IS NOT NULL)
               AND (SELECT count(*) FROM pg_policies p WHERE p.tablename = c.relname AND p.schemaname = 'public') = 1
                   AS is_walled
        FROM pg_class c
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
          AND (c.relname = 'tenants' OR EXISTS (
              SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped))
        ORDER BY c.relname
        """
    )
    if bad := [row["name"] for row in rows if not row["is_on"] or not row["is_walled"]]:
        return fail("row security", f"open or changed: {_few(bad)}; run `shopkit migrate`")
    if forced := [row["name"] for row in rows if row["is_forced"]]:
        return warn("row security", f"forced on {_few(forced)}: a migration would not see its rows there")
    return ok("row security", f"on, with one policy, on {len(rows)} tables")


async def _grants(app: asyncpg.Connection) -> Finding:
    """Beyond what each table grants; and what is missing."""
    rights = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")
    rows = await app.fetch(
        """
        SELECT c.relname AS name, array(SELECT r FROM unnest($1::text[]) r WHERE has_table_privilege(c.oid, r)) AS held
        FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
        """,
        rights,
    )
    held = {row["name"]: set(row["held"]) for row in rows}
    wrong = []
    for table in metadata.sorted_tables:
        granted = held.get(table.name)
        wanted = set(rights_of(table))
        if granted is not None and granted != wanted:
            excess, lack = ", ".join(sorted(granted - wanted)), ", ".join(sorted(wanted - granted))
            wrong.append(
                f"{table.name} ({'; '.join(filter(None, [excess and f'may {excess}', lack and f'lacks {lack}']))})"
            )
    if wrong:
        return fail("grants", f"not as they should be: {_few(wrong)}; run `shopkit migrate`")
    ledgers = sum(1 for table in metadata.sorted_tables if table.info.get("append_only"))
    return ok("grants", f"as small as they should be; {ledgers} ledgers are append-only")


async def _functions(app: asyncpg.Connection) -> Finding:
    rows = await app.fetch(
        """
        SELECT p.proname AS name, pg_get_userbyid(p.proowner) = current_user AS is_ours,
               EXISTS (SELECT FROM unnest(p.proconfig) c WHERE c LIKE 'search_path=%') AS is_pinned
        FROM pg_proc p
        WHERE p.pronamespace = 'public'::regnamespace AND p.prosecdef AND has_function_privilege(p.oid, 'EXECUTE')
        """
    )
    names = {row["name"] for row in rows}
    if strangers := sorted(names - FUNCTIONS):
        return fail("functions", f"the app role may call {_few(strangers)}, which act as their owner")
    if missing := sorted(FUNCTIONS - names):
        return fail("functions", f"missing: {_few(missing)}; run `shopkit migrate`")
    if loose := sorted(row["name"] for row in rows if row["is_ours"] or not row["is_pinned"]):
        return fail("functions", f"without a pinned search_path, or owned by the app role: {_few(loose)}")
    return ok("functions", f"{_few(sorted(names))} and no others act before a tenant is known")


async def _views(app: asyncpg.Connection) -> Finding:
    rows = await app.fetch(
        """
        SELECT c.relname AS name FROM pg_class c
        WHERE c.relnamespace = 'public'::regnamespace AND has_table_privilege(c.oid, 'SELECT')
          AND (c.relkind = 'm' OR c.relkind = 'v' AND NOT EXISTS (
              SELECT FROM unnest(c.reloptions) o WHERE o IN ('security_invoker=true', 'security_invoker=on')))
          AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
        """
    )
    if rows:
        return fail("views", f"they go round row security: {_few([row['name'] for row in rows])}")
    return ok("views", "none goes round row security")


async def _connections(app: asyncpg.Connection, config: Config) -> Finding:
    most = int(await app.fetchval("SHOW max_connections"))
    wanted = config.database_pool_size + 1
    if wanted * 2 > most:
        return warn("connections", f"a process takes up to {wanted}, the server allows {most}")
    return ok("connections", f"a process takes up to {wanted} of {most}")


async def _owner(owner_url: str) -> Finding:
    try:
        owner = await session.connect(owner_url)
    except (ConfigFault, asyncpg.PostgresError) as error:
        return fail("owner role", str(error))
    try:
        name = await owner.fetchval("SELECT current_user")
        role = await roles.inspect_app_role(owner)
    finally:
        await owner.close()
    if role.is_superuser:
        return warn("owner role", f"{name} is a superuser; migrations need no more than the tables' owner")
    if not role.owns:
        return fail("owner role", f"{name} owns no tables here")
    return ok("owner role", f"{name} owns {role.owns} tables and is no superuser")


def ok(name: str, detail: str) -> Finding:
    """As it should be."""
    return Finding(name=name, status="ok", detail=detail)


def warn(name: str, detail: str) -> Finding:
    """Works, but somebody should know."""
    return Finding(name=name, status="warn", detail=detail)


def fail(name: str, detail: str) -> Finding:
    """Must be mended."""
    return Finding(name=name, status="fail", detail=detail)


def _few(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
