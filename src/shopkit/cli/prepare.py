"""Makes a database ready: roles, database, migrations, the first tenant, and demo data where wanted.

`serve` and `demo` run this in a child process, and only when something is missing: what it imports (Alembic, the
loader, images) never stays in the memory of a serving process.
"""

import fcntl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import rich_click as click

import shopkit
from shopkit import registry
from shopkit.cli import options, printing, session
from shopkit.cli.session import Urls
from shopkit.core.kernel import roles
from shopkit.core.kernel.config import Config
from shopkit.core.kernel.roles import RoleReport
from shopkit.core.tenancy import service as tenancy
from shopkit.migrations import versions
from shopkit.sdk.errors import ConfigFault

DEMO = Path(shopkit.__file__).parent / "demo" / "shop.json"
FIRST_TENANT = "default"
BEGUN, LOADED = "begun", "loaded"


async def is_ready(config: Config, urls: Urls, *, with_demo: bool) -> bool:
    """Whether the database needs nothing. Gives every tenant its chores on the way: they are code, not data."""
    owner = urls.need_owner()
    if (await session.revision_of(owner) or "") < versions.HEAD:
        return False
    connection = await session.connect(owner)
    try:
        await tenancy.ensure_schedules(connection, registry.SCHEDULES)
        has_tenant = bool(await connection.fetchval("SELECT EXISTS (SELECT FROM tenants)"))
    finally:
        await connection.close()
    return has_tenant and not (with_demo and demo_state(config) != LOADED)


def in_child(config: Config, *, with_demo: bool) -> None:
    """Prepare in a process of its own. Raises `ConfigFault` when it fails; it has said why."""
    command = [sys.executable, "-m", "shopkit", "prepare", *(["--demo"] if with_demo else [])]
    with subprocess.Popen(command, env=session.environment_of(config)) as child:  # noqa: S603 our own words
        try:
            code = child.wait()
        except KeyboardInterrupt:
            # It must be gone before we let go of the server: whoever is last stops it.
            child.terminate()
            child.wait()
            raise
    if code:
        raise ConfigFault("The database could not be prepared; the reason stands above.")


@click.command()
@click.option("--demo", "with_demo", is_flag=True, help="Load the demo data too.")
@options.data_dir
def prepare(with_demo: bool, data_dir: str | None) -> None:
    """Make the database ready to serve."""
    config = session.read(data_dir=data_dir)
    with session.database(config) as urls, _alone(config):
        session.run(_prepare(config, urls, with_demo=with_demo))


async def _prepare(config: Config, urls: Urls, *, with_demo: bool) -> None:
    if (await session.revision_of(urls.need_owner()) or "") < versions.HEAD:
        with printing.step("Creating roles and tables"):
            if urls.server is not None:
                await make_database(urls)
            await migrate_to_head(urls)
    await _first_tenant(urls)
    if with_demo:
        await _load_demo(config, urls)


async def make_database(urls: Urls) -> RoleReport:
    """Roles and database on the embedded server."""
    assert urls.server is not None
    assert urls.admin is not None
    of_server = urls.server.dsn(urls.server.superuser, "postgres")
    report = await roles.create_roles(of_server)
    await roles.create_database(of_server, session.DATABASE)
    hardened = await roles.harden(urls.admin)
    return RoleReport(done=report.done + hardened.done, missing=report.missing + hardened.missing)


async def migrate_to_head(urls: Urls) -> tuple[str | None, str | None]:
    """Migrate, and give every tenant its chores; (before, after)."""
    # Alembic and Mako are 15 MB: only who migrates pays for them.
    from shopkit.migrations import runner  # noqa: PLC0415

    owner = urls.need_owner()
    moved = await runner.upgrade(owner, app_role=urls.app_role)
    connection = await session.connect(owner)
    try:
        await tenancy.ensure_schedules(connection, registry.SCHEDULES)
    finally:
        await connection.close()
    return moved


async def _first_tenant(urls: Urls) -> None:
    connection = await session.connect(urls.need_owner())
    try:
        if not await connection.fetchval("SELECT EXISTS (SELECT FROM tenants)"):
            new = tenancy.NewTenant(slug=FIRST_TENANT, name="My shop")
            await tenancy.create(connection, new, registry.SCHEDULES)
    except asyncpg.UniqueViolationError:
        pass  # somebody else was first
    finally:
        await connection.close()


# the demo data: loaded once, never again into a shop whose owner has changed or deleted it


def demo_state(config: Config) -> str:
    """`begun`, `loaded`, or nothing."""
    mark = _mark(config)
    return mark.read_text().strip() if mark.exists() else ""


def _mark(config: Config) -> Path:
    return config.data_path / "demo-data"


async def _load_demo(config: Config, urls: Urls) -> None:
    if demo_state(config) == LOADED:
        return
    async with session.open_shop(config, urls) as shop:
        scope = await session.find_scope(shop, urls, None)
        async with shop.uow(scope) as uow:
            has_products = await uow.sql.fetchval("SELECT EXISTS (SELECT FROM products)")
        if has_products and demo_state(config) != BEGUN:
            printing.note("This shop has products already: the demo data is left out.")
        else:
            _mark(config).write_text(BEGUN)
            from shopkit.cli.load import load_file  # noqa: PLC0415 - the loader draws in images

            await load_file(shop, scope, DEMO)
    _mark(config).write_text(LOADED)


@contextmanager
def _alone(config: Config) -> Iterator[None]:
    """Two that start at once on the same data directory prepare it one after the other."""
    with (config.data_path / "prepare.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
