"""Settings: typed, sealed where secret, cached without rows in steady traffic, never older than a second."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Annotated, Any

import asyncpg
import msgspec
import pytest
from msgspec import structs

from shopkit import bootstrap
from shopkit.bootstrap import Shop
from shopkit.core.kernel.crypto import KeyRing, SealError, SealKeyMissing
from shopkit.core.kernel.scope import Scope
from shopkit.core.settings import service as settings
from shopkit.core.settings.service import DOMAINS, Settings
from shopkit.sdk.errors import Invalid
from shopkit.sdk.settings import Secret, setting


class Probe(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True, domain="probe"):
    """Every kind of field."""

    is_on: bool = False
    count: Annotated[int, setting("Count", ge=0, le=10)] = 3
    words: tuple[str, ...] = ()
    api_key: Secret = Secret("")
    other_key: Secret = Secret("")


@pytest.fixture(scope="module", autouse=True)
def _forget_probe() -> Any:
    yield
    DOMAINS.pop("probe")


async def read(shop: Shop, scope: Scope) -> Probe:
    async with shop.uow(scope) as uow:
        return await settings.get(uow, Probe)


async def write(shop: Shop, scope: Scope, values: dict[str, Any], **where: Any) -> None:
    async with shop.uow(scope) as uow:
        await settings.put(uow, values, **where)


async def raw(owner: asyncpg.Connection, scope: Scope, key: str) -> Any:
    return await owner.fetchrow(
        "SELECT value::text AS value, is_encrypted FROM settings WHERE tenant_id = $1 AND key = $2",
        scope.tenant_id,
        key,
    )


@pytest.fixture
async def other_shop(shop: Shop, databases: Any, config: Any) -> AsyncIterator[Shop]:
    """Another process of the same shop."""
    async with bootstrap.build(config, databases.app, shop.keyring, size=4) as built, built.running():
        yield built


async def test_a_new_shop_has_the_defaults(shop: Shop, scope: Scope) -> None:
    assert await read(shop, scope) == Probe()


async def test_what_was_put_is_read_back_typed(shop: Shop, scope: Scope) -> None:
    async with shop.uow(scope) as uow:
        await settings.put(uow, {"probe.is_on": True, "probe.count": 7, "probe.words": ["a", "খ"]})
        assert await settings.get(uow, Probe) == Probe(is_on=True, count=7, words=("a", "খ")), (
            "at once where it was put"
        )


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("probe.count", "7"),
        ("probe.count", 11),
        ("probe.count", 7.5),
        ("probe.is_on", 1),
        ("probe.words", "abc"),
        ("probe.api_key", 5),
        ("probe.unknown", 1),
        ("unknown.count", 1),
        ("probe", 1),
        ("", 1),
    ],
)
async def test_a_wrong_value_or_name_is_refused_by_its_pointer(shop: Shop, scope: Scope, key: str, value: Any) -> None:
    with pytest.raises(Invalid) as refused:
        await write(shop, scope, {"probe.is_on": True, key: value})
    assert [error.field for error in refused.value.errors] == [f"/{key}"]
    assert await read(shop, scope) == Probe(), "and nothing was changed"


async def test_a_stores_own_value_wins_over_the_tenants(shop: Shop, scope: Scope) -> None:
    await write(shop, scope, {"probe.count": 1, "probe.is_on": True})
    async with shop.uow(scope) as uow:
        await settings.put(uow, {"probe.count": 2}, store_id=scope.store.id)
        assert await settings.get(uow, Probe) == Probe(count=2, is_on=True)


async def test_putting_again_replaces(shop: Shop, owner: asyncpg.Connection, scope: Scope) -> None:
    await write(shop, scope, {"probe.count": 1})
    await write(shop, scope, {"probe.count": 2})
    assert (await raw(owner, scope, "probe.count"))["value"] == "2"


async def test_a_secret_is_sealed_at_rest_and_opens_only_here(
    shop: Shop, owner: asyncpg.Connection, scope: Scope
) -> None:
    await write(shop, scope, {"probe.api_key": "geheim-123"})
    row = await raw(owner, scope, "probe.api_key")
    assert row["is_encrypted"]
    assert row["value"].startswith('"v1.')
    assert "geheim" not in row["value"]
    async with shop.uow(scope) as uow:
        uow.fresh = True
        found = await settings.get(uow, Probe)
    assert found.api_key.reveal() == "geheim-123"
    assert "geheim" not in repr(found)
    with pytest.raises(TypeError):
        msgspec.json.encode(found)


async def test_a_sealed_value_moved_to_another_field_store_or_tenant_does_not_open(
    shop: Shop, owner: asyncpg.Connection, scope: Scope, other_tenant: Any
) -> None:
    await write(shop, scope, {"probe.api_key": "geheim-123"})
    sealed = (await raw(owner, scope, "probe.api_key"))["value"]
    for where, key, store_id in (
        (scope, "probe.other_key", None),
        (scope, "probe.api_key", scope.store.id),
        (other_tenant.scope, "probe.api_key", None),
    ):
        await owner.execute(
            """
            INSERT INTO settings (tenant_id, store_id, key, value, is_encrypted) VALUES ($1, $2, $3, $4::jsonb, true)
            """,
            where.tenant_id,
            store_id,
            key,
            sealed,
        )
        with pytest.raises(SealError):
            async with shop.uow(where) as uow:
                uow.fresh = True
                await settings.get(uow, Probe)
        await owner.execute(
            "DELETE FROM settings WHERE tenant_id = $1 AND key = $2 AND store_id IS NOT DISTINCT FROM $3",
            where.tenant_id,
            key,
            store_id,
        )


async def test_plain_text_in_a_secrets_place_is_an_error_not_a_secret(shop: Shop, owner: Any, scope: Scope) -> None:
    await owner.execute(
        "INSERT INTO settings (tenant_id, key, value) VALUES ($1, 'probe.api_key', '\"plain\"')", scope.tenant_id
    )
    with pytest.raises(SealError):
        await read(shop, scope)


async def test_a_missing_key_is_a_clear_error(shop: Shop, databases: Any, config: Any, scope: Scope) -> None:
    await write(shop, scope, {"probe.api_key": "geheim-123"})
    async with bootstrap.build(config, databases.app, KeyRing.generate(), size=2) as stranger:
        with pytest.raises(SealKeyMissing):
            await read(stranger, scope)


async def test_another_process_sees_a_change_within_a_second(shop: Shop, other_shop: Shop, scope: Scope) -> None:
    assert (await read(other_shop, scope)).count == 3
    await write(shop, scope, {"probe.count": 9})
    changed = time.monotonic()
    while (await read(other_shop, scope)).count != 9:
        assert time.monotonic() - changed < 1
        await asyncio.sleep(0.02)


async def test_steady_traffic_reads_no_rows(shop: Shop, scope: Scope) -> None:
    await write(shop, scope, {"probe.count": 9})
    await asyncio.sleep(1)
    await read(shop, scope)
    statements: list[str] = []
    for _ in range(20):
        async with shop.uow(scope) as uow:
            uow.sql.add_query_logger(lambda record: statements.append(record.query))
            assert (await settings.get(uow, Probe)).count == 9
        await asyncio.sleep(0.05)
    assert statements
    assert [statement for statement in statements if "FROM settings" in statement] == []


async def test_the_cache_is_not_believed_when_the_poll_fails(
    shop: Shop, databases: Any, config: Any, scope: Scope
) -> None:
    async with bootstrap.build(config, databases.app, shop.keyring, size=2) as silent:
        await silent.epochs.refresh(silent.db)
        assert (await read(silent, scope)).count == 3
        await write(shop, scope, {"probe.count": 9})
        assert (await read(silent, scope)).count == 3, "not polled yet, and fresh enough"
        await asyncio.sleep(1)
        assert (await read(silent, scope)).count == 9, "nobody polled: rows are read"


async def test_a_change_that_is_rolled_back_is_seen_by_nobody(shop: Shop, other_shop: Shop, scope: Scope) -> None:
    with pytest.raises(KeyError):
        async with shop.uow(scope) as uow:
            await settings.put(uow, {"probe.count": 9})
            assert (await settings.get(uow, Probe)).count == 9
            raise KeyError
    await asyncio.sleep(0.6)
    assert (await read(shop, scope)).count == (await read(other_shop, scope)).count == 3


async def test_one_tenants_settings_are_not_anothers(shop: Shop, scope: Scope, other_tenant: Any) -> None:
    await write(shop, scope, {"probe.count": 9})
    assert (await read(shop, other_tenant.scope)).count == 3
    crossed = structs.replace(other_tenant.scope, store=scope.store)
    assert (await read(shop, crossed)).count == 3


async def test_a_field_that_a_newer_version_wrote_is_passed_over(shop: Shop, owner: Any, scope: Scope) -> None:
    await owner.execute(
        "INSERT INTO settings (tenant_id, key, value) VALUES ($1, 'probe.of_tomorrow', '1')", scope.tenant_id
    )
    assert await read(shop, scope) == Probe()


@pytest.mark.parametrize("domain", sorted(set(DOMAINS) - {"probe"}))
def test_every_settings_struct_has_a_default_for_every_field(domain: str) -> None:
    DOMAINS[domain]()
