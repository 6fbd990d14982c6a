"""Builds the shop of a process: configuration, key ring, database, caches."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from uuid import UUID

import structlog

from shopkit.core.checkout.process import CheckoutShop
from shopkit.core.kernel import roles
from shopkit.core.kernel.batching import Batches
from shopkit.core.kernel.config import Config
from shopkit.core.kernel.crypto import KeyRing
from shopkit.core.kernel.db import Database
from shopkit.core.kernel.epochs import POLL_SECONDS, Epochs
from shopkit.core.kernel.outbox import Waker
from shopkit.core.kernel.scope import SYSTEM, Actor, Scope
from shopkit.core.kernel.shop import Limits
from shopkit.core.kernel.uow import Uow, unit_of_work
from shopkit.core.orders.numbers import Numbers
from shopkit.core.settings.service import Cache
from shopkit.core.storefront.cache import PageCache, StorefrontShop
from shopkit.core.tenancy.resolving import Places
from shopkit.registry import CONSUMERS
from shopkit.sdk.errors import ConfigFault

log = structlog.get_logger(__name__)

WORKER_SILENT_SECONDS = 120


class Shop(CheckoutShop, StorefrontShop):
    """What lives as long as the process; whoever needs a transaction asks it for a `uow`."""

    def __init__(self, config: Config, dsn: str, db: Database, keyring: KeyRing) -> None:
        self.config = config
        self.dsn = dsn
        self.db = db
        self.keyring = keyring
        self.epochs = Epochs()
        self.caches = Cache(self.epochs, keyring)
        self.places = Places(db, self.epochs)
        self.waker = Waker()
        self.limits = Limits(config)
        self.reads = Batches(self.uow)
        self.pages = PageCache(self.epochs, config.page_cache_bytes)
        self.numbers = Numbers(db)
        self.worker_seen_at: float | None = None
        """When this process's worker last finished a round, by the monotonic clock; None without a worker."""

    def worker_health(self) -> str:
        """`ok`, or how long the worker of this process has been silent; `ok` where it runs elsewhere."""
        if self.worker_seen_at is None:
            return "ok"
        silent_seconds = time.monotonic() - self.worker_seen_at
        return "ok" if silent_seconds < WORKER_SILENT_SECONDS else f"silent for {silent_seconds:.0f} s"

    def uow(self, scope: Scope) -> AbstractAsyncContextManager[Uow]:
        """Open a transaction for the scope's tenant; leaving commits."""
        return unit_of_work(self.db, scope, CONSUMERS, caches=self.caches, waker=self.waker)

    async def scope_of(self, tenant_id: UUID, *, actor: Actor = SYSTEM) -> Scope:
        """The scope of a tenant's default store, for workers and commands."""
        place = await self.places.of_tenant(tenant_id)
        return Scope(tenant_id=tenant_id, store=place.store, actor=actor, locale=place.store.locale)

    async def _poll(self) -> None:
        while True:
            try:
                await self.epochs.refresh(self.db)
            except Exception as error:
                # The caches stop being believed by themselves; requests then read rows.
                log.warning("epochs_not_polled", error=repr(error))
            await asyncio.sleep(POLL_SECONDS)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keep caches fresh and the worker awake while the process serves."""
        await self.epochs.refresh(self.db)
        tasks = [asyncio.create_task(self._poll()), asyncio.create_task(self.waker.run(self.dsn))]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.gather(*tasks)


@asynccontextmanager
async def build(config: Config, dsn: str, keyring: KeyRing, *, size: int | None = None) -> AsyncIterator[Shop]:
    """Connect as the app role and build the shop. Raises `ConfigFault` when the role is too strong (I39)."""
    db = await Database.open(dsn, size=size or config.database_pool_size)
    try:
        async with db.pool.acquire() as connection:
            role = await roles.inspect_app_role(connection)
        if role.faults:
            raise ConfigFault(f"The database role {role.name} {' and '.join(role.faults)}; serve with a weaker one.")
        yield Shop(config, dsn, db, keyring)
    finally:
        await db.close()


def keyring_of(config: Config) -> KeyRing:
    """The key ring from the environment, or from its file, which is made on first run (mode 0600)."""
    if config.master_key:
        return KeyRing.load(config.master_key)
    config.data_path.mkdir(parents=True, exist_ok=True)
    return KeyRing.load_or_create(config.key_path)
