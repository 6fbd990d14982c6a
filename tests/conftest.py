"""A real PostgreSQL for the whole run, and a tenant of its own for each test: real commits, nothing to clean up.

`SHOPKIT_TEST_ADMIN_URL` names another server (a superuser's URL); without it the embedded one is used.
"""

import importlib.util
import itertools
import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import httpx
import pytest
from msgspec import Struct

from shopkit import bootstrap, registry
from shopkit.bootstrap import Shop
from shopkit.core.kernel import embedded, roles
from shopkit.core.kernel.config import Config
from shopkit.core.kernel.crypto import KeyRing
from shopkit.core.kernel.scope import Scope
from shopkit.core.tenancy import service as tenancy
from shopkit.core.tenancy.service import CreatedTenant
from shopkit.migrations import runner

UNLIMITED = 10_000_000


class Databases(Struct, kw_only=True):
    """Where the run's database is, seen by each role."""

    admin: str
    owner: str
    app: str
    name: str

    def of(self, url: str, database: str) -> str:
        """The same server and role, another database."""
        parts = urlsplit(url)
        return urlunsplit(parts._replace(path=f"/{database}"))


def as_role(admin_url: str, role: str, database: str) -> str:
    """The server of `admin_url`, as another role, which needs no password in tests."""
    parts = urlsplit(admin_url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{role}@{host}", path=f"/{database}"))


@pytest.fixture(scope="session")
def admin_url() -> Iterator[str]:
    if url := os.environ.get("SHOPKIT_TEST_ADMIN_URL"):
        yield url
        return
    with tempfile.TemporaryDirectory(prefix="shopkit-tests-") as folder:
        Path(folder).chmod(0o755)
        with embedded.start(Path(folder), settings={"max_connections": "200"}) as server:
            yield server.dsn(server.superuser, "postgres")


@pytest.fixture(scope="session")
async def databases(admin_url: str) -> AsyncIterator[Databases]:
    name = f"shopkit_test_{os.getpid()}"
    await roles.create_roles(admin_url)
    await roles.create_database(admin_url, name)
    await roles.harden(as_role(admin_url, urlsplit(admin_url).username or "postgres", name))
    owner = as_role(admin_url, roles.OWNER, name)
    await runner.upgrade(owner, app_role=roles.APP)
    yield Databases(admin=admin_url, owner=owner, app=as_role(admin_url, roles.APP, name), name=name)
    connection = await asyncpg.connect(admin_url)
    await connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    await connection.close()


@pytest.fixture(scope="session")
async def owner(databases: Databases) -> AsyncIterator[asyncpg.Connection]:
    """The owner role: no superuser, not held by row security. For making tenants and for looking behind the walls."""
    connection = await asyncpg.connect(databases.owner)
    yield connection
    await connection.close()


@pytest.fixture(scope="session")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    return Config(
        data_dir=str(tmp_path_factory.mktemp("data")),
        carts_per_minute=UNLIMITED,
        checkouts_per_minute=UNLIMITED,
        lookups_per_minute=UNLIMITED,
        log_level="error",
        page_cache_bytes=0,  # tests read what they have just written; test_cache.py has shops that keep answers
    )


@pytest.fixture(scope="session")
async def shop(databases: Databases, config: Config) -> AsyncIterator[Shop]:
    async with bootstrap.build(config, databases.app, KeyRing.generate(), size=20) as built, built.running():
        yield built


_numbers = itertools.count(1)


class Tenant(Struct, kw_only=True):
    """A fresh tenant: its ids, its host and the scope of its default store."""

    made: CreatedTenant
    host: str
    scope: Scope


async def make_tenant(shop: Shop, owner: asyncpg.Connection, **fields: object) -> Tenant:
    slug = f"t{next(_numbers)}"
    host = f"{slug}.shop.test"
    new = tenancy.NewTenant(slug=slug, name=f"Shop {slug}", hosts=[host], **fields)
    made = await tenancy.create(owner, new, registry.SCHEDULES)
    return Tenant(made=made, host=host, scope=await shop.scope_of(made.tenant_id))


@pytest.fixture
async def tenant(shop: Shop, owner: asyncpg.Connection) -> Tenant:
    return await make_tenant(shop, owner)


@pytest.fixture
async def other_tenant(shop: Shop, owner: asyncpg.Connection) -> Tenant:
    return await make_tenant(shop, owner)


@pytest.fixture
def scope(tenant: Tenant) -> Scope:
    return tenant.scope


NewTenant = Callable[..., Awaitable[Tenant]]


@pytest.fixture(scope="session")
def new_tenant() -> NewTenant:
    """`await new_tenant(shop, owner)`: one more tenant."""
    return make_tenant


class Alone(Struct, kw_only=True):
    """A shop whose database nobody else uses, for what sees all tenants at once: claims, workers, the catalogue."""

    shop: Shop
    owner: asyncpg.Connection
    databases: Databases


@pytest.fixture(scope="module")
async def alone(databases: Databases, config: Config) -> AsyncIterator[Alone]:
    name = f"{databases.name}_{next(_numbers)}"
    await roles.create_database(databases.admin, name)
    await roles.harden(databases.of(databases.admin, name))
    own = Databases(
        admin=databases.of(databases.admin, name),
        owner=databases.of(databases.owner, name),
        app=databases.of(databases.app, name),
        name=name,
    )
    await runner.upgrade(own.owner, app_role=roles.APP)
    connection = await asyncpg.connect(own.owner)
    async with bootstrap.build(config, own.app, KeyRing.generate(), size=20) as built, built.running():
        yield Alone(shop=built, owner=connection, databases=own)
    await connection.close()
    admin = await asyncpg.connect(databases.admin)
    await admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    await admin.close()


@pytest.fixture(scope="session")
def app(shop: Shop) -> object:
    from shopkit.web.app import create_app

    return create_app(shop)


@pytest.fixture
async def client(app: object, tenant: Tenant) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the tenant's shop, in this event loop; unexpected exceptions reach the test as 500 answers."""
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{tenant.host}") as made:
        yield made


def _load(name: str) -> ModuleType:
    """A module beside this one: under `importlib` mode tests are no package."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def making() -> ModuleType:
    """The module `make.py`: its classes, and what needs no database (`making.address()`, `making.quick_body(...)`)."""
    return _load("make")


@pytest.fixture
def make(making: ModuleType, shop: Shop, tenant: Tenant) -> Any:
    """Builders of the test's tenant: `await make.product(...)`; see `make.py`."""
    return making.Make(shop, tenant.made, tenant.scope)


@pytest.fixture
def buyer(making: ModuleType, client: httpx.AsyncClient) -> Any:
    """A customer of the test's tenant: `await buyer.order(product)`; see `make.py`."""
    return making.Buyer(client)
