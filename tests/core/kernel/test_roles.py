"""Database roles: the serving one is weak, and what a managed server forbids is reported, not hidden (I39)."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from shopkit import bootstrap
from shopkit.core.kernel import embedded, roles
from shopkit.core.kernel.crypto import KeyRing
from shopkit.sdk.errors import ConfigFault


@pytest.fixture
async def admin(databases: Any) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(databases.admin)
    yield connection
    await connection.close()


def of(url: str, role: str, database: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{role}@{parts.netloc.rpartition('@')[2]}", path=f"/{database}"))


async def test_the_app_role_is_good_enough_and_the_owner_is_not(databases: Any) -> None:
    for url, is_good in ((databases.app, True), (databases.owner, False)):
        connection = await asyncpg.connect(url)
        role = await roles.inspect_app_role(connection)
        await connection.close()
        assert bool(role.faults) != is_good


@pytest.mark.parametrize("which", ["owner", "superuser"])
async def test_the_shop_does_not_serve_as_owner_or_superuser(databases: Any, config: Any, which: str) -> None:
    url = databases.owner if which == "owner" else databases.of(databases.admin, databases.name)
    with pytest.raises(ConfigFault, match="serve with a weaker one"):
        async with bootstrap.build(config, url, KeyRing.generate(), size=1):
            pass


async def test_the_shop_does_not_serve_with_a_role_that_passes_walls(databases: Any, config: Any) -> None:
    with pytest.raises(ConfigFault, match="BYPASSRLS"):
        async with bootstrap.build(
            config, of(databases.admin, roles.BACKUP, databases.name), KeyRing.generate(), size=1
        ):
            pass


async def test_making_the_roles_again_changes_nothing(databases: Any, admin: asyncpg.Connection) -> None:
    query = "SELECT rolname, rolsuper, rolbypassrls, rolcanlogin FROM pg_roles WHERE rolname LIKE 'shopkit%' ORDER BY 1"
    before = await admin.fetch(query)
    report = await roles.create_roles(databases.admin)
    assert report.missing == []
    assert await admin.fetch(query) == before
    found = {row["rolname"]: (row["rolsuper"], row["rolbypassrls"]) for row in before}
    assert found[roles.OWNER] == found[roles.APP] == (False, False)
    assert found[roles.BACKUP] == (False, True)


async def test_an_administrator_who_is_no_superuser_learns_what_is_missing(
    databases: Any, admin: asyncpg.Connection
) -> None:
    """A managed server: roles and databases can be made, `set_config` cannot be revoked."""
    await admin.execute("CREATE ROLE shopkit_test_managed LOGIN CREATEROLE CREATEDB")
    name = f"{databases.name}_managed"
    try:
        managed = of(databases.admin, "shopkit_test_managed", "postgres")
        report = await roles.create_roles(managed, app="shopkit_test_app")
        assert any("CREATE ROLE" in done for done in report.done)
        assert any("BYPASSRLS" in missing for missing in report.missing)
        assert await roles.create_database(managed, name, owner="shopkit_test_managed")
        assert not await roles.create_database(managed, name, owner="shopkit_test_managed")
        report = await roles.harden(of(databases.admin, "shopkit_test_managed", name), app="shopkit_test_app")
        assert any("set_config" in missing for missing in report.missing)
    finally:
        await admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        await admin.execute("DROP ROLE IF EXISTS shopkit_test_app; DROP ROLE shopkit_test_managed")


async def test_a_password_is_set_and_not_reported(databases: Any, admin: asyncpg.Connection) -> None:
    try:
        report = await roles.create_roles(databases.admin, app="shopkit_test_other", app_password="o'clock; DROP")
        assert "o'clock" not in " ".join(report.done + report.missing)
        assert await admin.fetchval(
            "SELECT rolpassword IS NOT NULL FROM pg_authid WHERE rolname = 'shopkit_test_other'"
        )
    finally:
        await admin.execute("DROP ROLE shopkit_test_other")


def test_names_are_quoted() -> None:
    assert roles.quote('a"; DROP') == '"a""; DROP"'


async def test_the_backup_role_can_dump_every_tenant(databases: Any, tenant: Any, other_tenant: Any) -> None:
    """A13: pg_dump as the backup role, data of both tenants included."""
    dump = await asyncio.create_subprocess_exec(
        str(embedded.binaries() / "pg_dump"),
        "--data-only",
        "--table=stores",
        of(databases.admin, roles.BACKUP, databases.name),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, errors = await dump.communicate()
    assert dump.returncode == 0, errors.decode()
    assert str(tenant.made.tenant_id) in out.decode()
    assert str(other_tenant.made.tenant_id) in out.decode()
