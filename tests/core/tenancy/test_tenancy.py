"""Tenants and hosts: made whole, found by name, closed when they are closed, forgotten within a second."""

import asyncio
import time
from typing import Any

import asyncpg
import pytest
from msgspec import structs

from shopkit import registry
from shopkit.bootstrap import Shop
from shopkit.core.kernel.ids import uuid7
from shopkit.core.tenancy import service as tenancy
from shopkit.core.tenancy.resolving import Places, StoreClosed
from shopkit.core.tenancy.service import NewTenant
from shopkit.sdk.errors import NotFound


async def changed(owner: asyncpg.Connection, statement: str, *values: Any) -> None:
    """What the commands do: the change, and the notice to every process."""
    async with owner.transaction():
        await owner.execute(statement, *values)
        await owner.execute("UPDATE cache_epochs SET version = version + 1 WHERE name = 'hosts'")


async def within_a_second(holds: Any) -> None:
    begun = time.monotonic()
    while not await holds():
        assert time.monotonic() - begun < 1
        await asyncio.sleep(0.02)


async def test_a_new_tenant_can_sell(shop: Shop, tenant: Any) -> None:
    place = await shop.places.find(tenant.host)
    assert (place.tenant_id, place.store.id) == (tenant.made.tenant_id, tenant.made.store_id)
    assert (place.store.currency, place.store.country_code, place.store.timezone) == ("BDT", "BD", "Asia/Dhaka")
    assert place.store.locales == ("en", "bn")
    async with shop.uow(tenant.scope) as uow:
        for table in ("stores", "store_locations", "vendors", "order_number_counters"):
            assert await uow.sql.fetchval(f"SELECT count(*) FROM {table}") == 1
        assert await uow.sql.fetchval("SELECT count(*) FROM schedules") == len(registry.SCHEDULES)


async def test_a_tenant_is_made_whole_or_not_at_all(owner: asyncpg.Connection, tenant: Any) -> None:
    with pytest.raises(asyncpg.UniqueViolationError):
        await tenancy.create(owner, NewTenant(slug="half-made", name="x", hosts=[tenant.host]), registry.SCHEDULES)
    assert await tenancy.find_tenant(owner, "half-made") is None


async def test_the_default_language_comes_first(shop: Shop, owner: asyncpg.Connection, new_tenant: Any) -> None:
    bangla = await new_tenant(shop, owner, default_locale="bn", locales=("en", "bn"))
    assert bangla.scope.store.locales == ("bn", "en")
    assert bangla.scope.locale == "bn"


async def test_an_unknown_host_is_nobodys_once_there_are_two_tenants(
    shop: Shop, tenant: Any, other_tenant: Any
) -> None:
    with pytest.raises(NotFound):
        await shop.places.find("unknown.shop.test")


async def test_an_unknown_host_is_the_only_tenants(alone: Any, new_tenant: Any) -> None:
    only = await new_tenant(alone.shop, alone.owner)
    for host in ("127.0.0.1", "anything.test", ""):
        assert (await alone.shop.places.find(host)).tenant_id == only.made.tenant_id
    await new_tenant(alone.shop, alone.owner)

    async def is_gone() -> bool:
        try:
            await alone.shop.places.find("127.0.0.1")
        except NotFound:
            return True
        return False

    await within_a_second(is_gone)


async def test_a_store_is_picked_inside_the_tenant_only(shop: Shop, owner: Any, tenant: Any, other_tenant: Any) -> None:
    second = uuid7()
    await owner.execute(
        """
        INSERT INTO stores (tenant_id, id, slug, name, currency, country_code, timezone)
        VALUES ($1, $2, 'second', 'Second', 'USD', 'US', 'UTC')
        """,
        tenant.made.tenant_id,
        second,
    )
    assert (await shop.places.find(tenant.host, "second")).store.id == second
    with pytest.raises(NotFound):
        await shop.places.find(other_tenant.host, "second")
    assert (await shop.places.find(other_tenant.host, "main")).store.id == other_tenant.made.store_id


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE tenants SET status = 'suspended' WHERE id = $1",
        "UPDATE stores SET status = 'maintenance' WHERE tenant_id = $1",
        "UPDATE stores SET status = 'closed' WHERE tenant_id = $1",
    ],
)
async def test_what_is_closed_stops_answering_within_a_second(
    shop: Shop, owner: asyncpg.Connection, tenant: Any, statement: str
) -> None:
    await shop.places.find(tenant.host)
    await changed(owner, statement, tenant.made.tenant_id)

    async def is_closed() -> bool:
        try:
            await shop.places.find(tenant.host)
        except StoreClosed:
            return True
        return False

    await within_a_second(is_closed)
    assert (await shop.scope_of(tenant.made.tenant_id)).tenant_id == tenant.made.tenant_id, "its work goes on"


async def test_steady_traffic_asks_the_database_nothing(shop: Shop, tenant: Any) -> None:
    await asyncio.sleep(0.5)
    first = await shop.places.find(tenant.host)
    for _ in range(15):
        assert await shop.places.find(tenant.host) is first
        await asyncio.sleep(0.05)


async def test_hosts_that_strangers_invent_do_not_fill_the_memory(
    shop: Shop, tenant: Any, other_tenant: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shopkit.core.tenancy.resolving.MOST_HOSTS", 10)
    places = Places(shop.db, shop.epochs)
    for number in range(30):
        with pytest.raises(NotFound):
            await places.find(f"invented-{number}.test")
    assert len(places._known) == 10


async def test_a_tenant_that_does_not_exist_has_no_scope(shop: Shop) -> None:
    with pytest.raises(NotFound):
        await shop.scope_of(uuid7())


@pytest.mark.parametrize("host", ["UPPER.test", "with space.test", "with/slash", "with:80", "x" * 254])
async def test_a_host_has_one_spelling(owner: asyncpg.Connection, tenant: Any, host: str) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await owner.execute(
            "INSERT INTO tenant_hosts (tenant_id, host, store_id) VALUES ($1, $2, $3)",
            tenant.made.tenant_id,
            host,
            tenant.made.store_id,
        )


async def test_chores_follow_the_present_version(owner: asyncpg.Connection, tenant: Any) -> None:
    first, *others = registry.SCHEDULES
    await tenancy.ensure_schedules(owner, [structs.replace(first, every_seconds=77), *others])
    query = "SELECT every_seconds FROM schedules WHERE tenant_id = $1 AND name = $2"
    assert await owner.fetchval(query, tenant.made.tenant_id, first.name) == 77
    await tenancy.ensure_schedules(owner, registry.SCHEDULES)
    assert await owner.fetchval(query, tenant.made.tenant_id, first.name) == first.every_seconds
