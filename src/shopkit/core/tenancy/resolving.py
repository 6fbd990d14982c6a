"""Which tenant and store a request is for: from its host, remembered until something about hosts or stores changes."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from uuid import UUID

import asyncpg
from msgspec import Struct

from shopkit.core.kernel.db import Database
from shopkit.core.kernel.epochs import Epochs
from shopkit.core.kernel.scope import StoreInfo
from shopkit.sdk.errors import NotFound, Unavailable

MOST_HOSTS = 10_000


class StoreClosed(Unavailable):
    """The tenant is suspended, or the store is closed or in maintenance."""

    code = "store_closed"
    message = "This shop is closed at the moment."
    retry_after_seconds = 300


class Place(Struct, frozen=True, kw_only=True):
    """A tenant and one of its stores, open or not."""

    tenant_id: UUID
    store: StoreInfo
    is_open: bool


class Places:
    """Hosts and stores as this process knows them."""

    def __init__(self, db: Database, epochs: Epochs) -> None:
        self._db = db
        self._epochs = epochs
        self._known: OrderedDict[tuple[str | UUID, str], tuple[int | None, Place | None]] = OrderedDict()

    async def find(self, host: str, store_slug: str = "") -> Place:
        """The place of a host name without port, or the named store of its tenant.

        Raises `NotFound` for an unknown host or store, `StoreClosed` while it is not open.
        """
        place = await self._recall((host, store_slug), lambda: self._ask(host, store_slug))
        if place is None:
            raise NotFound
        if not place.is_open:
            raise StoreClosed
        return place

    async def of_tenant(self, tenant_id: UUID) -> Place:
        """The default store of a tenant that is known already, open or not."""
        place = await self._recall((tenant_id, ""), lambda: self._ask_tenant(tenant_id))
        if place is None:
            raise NotFound("There is no such tenant.")
        return place

    async def _recall(self, key: tuple[str | UUID, str], ask: Callable[[], Awaitable[Place | None]]) -> Place | None:
        epoch, place = self._known.get(key, (None, None))
        if epoch is None or not self._epochs.is_fresh or epoch != self._epochs.versions.get("hosts"):
            epoch = self._epochs.versions.get("hosts")
            place = await ask()
            self._known[key] = (epoch, place)
            self._known.move_to_end(key)
            if len(self._known) > MOST_HOSTS:
                self._known.popitem(last=False)
        return place

    async def _ask_tenant(self, tenant_id: UUID) -> Place | None:
        async with self._db.transaction(tenant_id) as sql:
            row = await sql.fetchrow(f"{STORE} WHERE s.is_default")
        return None if row is None else _place(tenant_id, row)

    async def _ask(self, host: str, store_slug: str) -> Place | None:
        async with self._db.transaction(None) as sql:
            found = await sql.fetchrow("SELECT * FROM resolve_host($1)", host)
        if found is None:
            return None
        async with self._db.transaction(found["tenant_id"]) as sql:
            row = await sql.fetchrow(
                f"{STORE} WHERE CASE WHEN $1 = '' THEN s.id = $2 ELSE s.slug = $1 END", store_slug, found["store_id"]
            )
        return None if row is None else _place(found["tenant_id"], row)


STORE = """
SELECT s.id, s.slug, s.name, s.currency, s.default_locale AS locale, s.locales, s.country_code, s.timezone,
       s.status = 'active' AND t.status = 'active' AS is_open
FROM stores s JOIN tenants t ON t.id = s.tenant_id
"""


def _place(tenant_id: UUID, row: asyncpg.Record) -> Place:
    fields = dict(row)
    is_open = fields.pop("is_open")
    locales = tuple(sorted(fields.pop("locales"), key=lambda spoken: spoken != fields["locale"]))
    return Place(tenant_id=tenant_id, store=StoreInfo(**fields, locales=locales), is_open=is_open)
