"""How every command reaches its configuration, its database and its shop: the one place that decides."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

import asyncpg
import msgspec
from msgspec import Struct

from shopkit import bootstrap
from shopkit.bootstrap import Shop
from shopkit.cli import printing
from shopkit.core.kernel import embedded, logs, roles
from shopkit.core.kernel.config import PREFIX, Config, read_config
from shopkit.core.kernel.embedded import EmbeddedPostgres
from shopkit.core.kernel.scope import STAFF, Scope
from shopkit.migrations import versions
from shopkit.sdk.errors import ConfigFault, Conflict, NotFound

try:
    from uvloop import new_event_loop
except ImportError:  # not made for every platform
    from asyncio import new_event_loop  # type: ignore[assignment]

T = TypeVar("T")

DATABASE = "shopkit"
"""The database's name on the embedded server."""
CONNECTIONS = 2
"""A command needs one connection, and a second beside a transaction."""


class Urls(Struct, frozen=True, kw_only=True):
    """The database as each role sees it; None where nobody told us how."""

    app: str
    owner: str | None
    admin: str | None = None
    """The superuser of the embedded server."""
    server: EmbeddedPostgres | None = None

    @property
    def app_role(self) -> str:
        """The role that serves."""
        return unquote(urlsplit(self.app).username or "") or roles.APP

    def need_owner(self) -> str:
        """The owner's URL. Raises `ConfigFault` where it is not configured."""
        if self.owner is None:
            raise ConfigFault("This needs the owner role: set SHOPKIT_DATABASE_OWNER_URL.")
        return self.owner


def read(**overrides: object) -> Config:
    """The configuration from the environment, with what was given on the command line in its place."""
    logs.configure_command()
    given = {name: value for name, value in overrides.items() if value is not None}
    return msgspec.structs.replace(read_config(os.environ), **given)


def environment_of(config: Config, urls: Urls | None = None) -> Mapping[str, str]:
    """What a child process needs to see the same configuration, and, with `urls`, the server that we hold."""
    if urls is not None:
        config = msgspec.structs.replace(config, database_url=urls.app, database_owner_url="")
    fresh = Config()
    changed = {
        PREFIX + name.upper(): str(getattr(config, name))
        for name in Config.__struct_fields__
        if getattr(config, name) != getattr(fresh, name)
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return {**kept, **changed}


def postgres_home(config: Config) -> Path:
    """Where the embedded server lives."""
    return config.data_path / "postgres"


@contextmanager
def database(config: Config) -> Iterator[Urls]:
    """The configured server, or the embedded one, started or joined; it stops with its last user."""
    if not config.is_embedded:
        yield Urls(app=config.database_url, owner=config.database_owner_url or None)
        return
    with embedded.start(postgres_home(config), progress=printing.note) as server:
        yield Urls(
            app=server.dsn(roles.APP, DATABASE),
            owner=server.dsn(roles.OWNER, DATABASE),
            admin=server.dsn(server.superuser, DATABASE),
            server=server,
        )


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run it, on uvloop where there is one; Ctrl-C interrupts it."""
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        return runner.run(work)


NOT_THERE = (
    asyncpg.InvalidCatalogNameError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.UndefinedTableError,
    asyncpg.InsufficientPrivilegeError,
)
"""What a server without our roles, database or tables answers."""


async def revision_of(url: str) -> str | None:
    """The revision of the database; None where it is missing or empty."""
    try:
        connection = await connect(url)
    except (asyncpg.InvalidCatalogNameError, asyncpg.InvalidAuthorizationSpecificationError):
        return None
    try:
        revision: str | None = await connection.fetchval("SELECT version_num FROM shopkit_version")
    except NOT_THERE:
        return None
    finally:
        await connection.close()
    return revision


async def connect(url: str) -> asyncpg.Connection:
    """A connection of a command. Raises `ConfigFault` when nobody answers or the password is wrong."""
    try:
        return await asyncpg.connect(url, timeout=10)
    except (OSError, TimeoutError, asyncpg.InvalidPasswordError) as error:
        place = urlsplit(url)
        raise ConfigFault(f"No connection to the database at {place.hostname or 'its socket'}: {error}") from error


async def require_migrated(config: Config, urls: Urls) -> None:
    """Raise `ConfigFault` unless the database is at this version or a later one (I69)."""
    revision = await revision_of(urls.app)
    if revision is None or revision < versions.HEAD:
        advice = "Start `shopkit serve` once" if config.is_embedded and revision is None else "Run `shopkit migrate`"
        found = "is empty" if revision is None else f"is at {revision}"
        raise ConfigFault(f"The database {found}, this version needs {versions.HEAD}. {advice}.")


async def check_fitness(config: Config, urls: Urls) -> None:
    """Raise `ConfigFault` when the shop could not be built: a role that is too strong, an unreadable key."""
    async with bootstrap.build(config, urls.app, bootstrap.keyring_of(config), size=1):
        pass


@asynccontextmanager
async def open_shop(config: Config, urls: Urls) -> AsyncIterator[Shop]:
    """The shop as a command uses it: the app role, a few connections, no caches kept fresh."""
    await require_migrated(config, urls)
    async with bootstrap.build(config, urls.app, bootstrap.keyring_of(config), size=CONNECTIONS) as shop:
        yield shop


async def find_scope(shop: Shop, urls: Urls, tenant: str | None) -> Scope:
    """Staff's scope in the named tenant, or in the only one. Raises `NotFound`, `Conflict` when there are several.

    The app role sees no list of tenants: a slug needs the owner's URL, a host name does not.
    """
    if urls.owner is not None:
        return await shop.scope_of(await _by_slug(urls.owner, tenant), actor=STAFF)
    async with shop.db.pool.acquire() as connection:
        found = await connection.fetchrow("SELECT * FROM resolve_host($1)", tenant or "")
    if found is None:
        raise NotFound(
            f"There is no tenant with the host name {tenant}; its slug needs SHOPKIT_DATABASE_OWNER_URL."
            if tenant
            else "There is no tenant, or more than one: make one with `shopkit tenant create`, or give --tenant."
        )
    return await shop.scope_of(found["tenant_id"], actor=STAFF)


async def _by_slug(owner_url: str, wanted: str | None) -> Any:
    connection = await connect(owner_url)
    try:
        rows = await connection.fetch(
            "SELECT id, slug FROM tenants WHERE $1::text IS NULL OR slug = $1 LIMIT 20", wanted
        )
        if wanted and not rows:
            rows = await connection.fetch("SELECT tenant_id AS id FROM tenant_hosts WHERE host = lower($1)", wanted)
    finally:
        await connection.close()
    if not rows:
        raise NotFound(
            f"There is no tenant {wanted}."
            if wanted
            else "There is no tenant yet: make one with `shopkit tenant create`."
        )
    if len(rows) > 1:
        raise Conflict(f"There are several tenants ({', '.join(row['slug'] for row in rows)}): give --tenant.")
    return rows[0]["id"]


def has_cluster(config: Config) -> bool:
    """Whether the embedded server was ever started here."""
    home = postgres_home(config)
    return (home / "cluster").exists() or (home / "location").exists()


def as_staff(data_dir: str | None, tenant: str | None, work: Callable[[Shop, Scope], Awaitable[T]]) -> T:
    """Open everything, do the work as staff of the tenant, close everything."""
    config = read(data_dir=data_dir)
    if config.is_embedded and not has_cluster(config):
        raise ConfigFault(f"There is no shop in {config.data_path}. Start `shopkit serve` once, or give --data-dir.")

    async def opened(urls: Urls) -> T:
        async with open_shop(config, urls) as shop:
            return await work(shop, await find_scope(shop, urls, tenant))

    with database(config) as urls:
        return run(opened(urls))
