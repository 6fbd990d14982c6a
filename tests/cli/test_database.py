import asyncio
import itertools
from pathlib import Path

import asyncpg
import pytest

from shopkit.core.kernel import roles
from shopkit.core.kernel.embedded import EmbeddedPostgres
from shopkit.migrations import versions

_numbers = itertools.count(1)


@pytest.fixture
def external(server: EmbeddedPostgres) -> dict[str, str]:
    """A database of its own, as the URLs of somebody's server."""
    name = f"external{next(_numbers)}"
    asyncio.run(roles.create_database(server.dsn("postgres", "postgres"), name))
    return {
        "SHOPKIT_DATABASE_URL": server.dsn("shopkit_app", name),
        "SHOPKIT_DATABASE_OWNER_URL": server.dsn("shopkit_owner", name),
        "admin": server.dsn("postgres", name),
    }


@pytest.fixture
def command(inside, folder: Path, external: dict[str, str]):
    """Runs a command on that database."""
    urls = {name: url for name, url in external.items() if name != "admin"}
    return lambda *words, **extra: inside(*words, data_dir=folder, **{**urls, **extra})


def execute(url: str, sql: str) -> None:
    async def once() -> None:
        connection = await asyncpg.connect(url)
        await connection.execute(sql)
        await connection.close()

    asyncio.run(once())


def findings(done) -> dict[str, str]:
    return {finding["name"]: finding["status"] for finding in done.data}


def test_an_external_database_is_prepared_migrated_and_sold_from(command, external) -> None:
    as_admin = {"SHOPKIT_DATABASE_OWNER_URL": external["admin"]}
    assert command("db", "roles", **as_admin).code == 0
    again = command("db", "roles", "--json", **as_admin)
    assert again.data["missing"] == []
    assert command("migrate", "--json").data == {"before": None, "after": versions.HEAD}
    assert command("migrate", "--json").data == {"before": versions.HEAD, "after": versions.HEAD}
    assert command("tenant", "create", "first", "--name", "First").code == 0
    assert command("order", "list", "--json").data == []
    checked = command("check", "--json")
    assert (checked.code, set(findings(checked).values()) - {"ok", "warn"}) == (0, set())

    assert command("tenant", "create", "second", "--host", "second.example").code == 0
    ambiguous = command("order", "list")
    assert (ambiguous.code, "give --tenant" in ambiguous.err) == (1, True)
    for tenant in ("first", "second", "second.example"):
        assert command("order", "list", "--tenant", tenant, "--json").data == []
    assert [row["slug"] for row in command("tenant", "list", "--json").data] == ["first", "second"]


def test_what_a_weak_administrator_cannot_do_is_listed(command) -> None:
    done = command("db", "roles", "--json")
    assert done.code == 0
    assert "revoke set_config from PUBLIC: only a superuser can" in done.data["missing"]


@pytest.mark.parametrize(
    ("harm", "name"),
    [
        ("ALTER TABLE orders DISABLE ROW LEVEL SECURITY", "row security"),
        ("CREATE POLICY open ON orders USING (true)", "row security"),
        ("GRANT UPDATE ON payment_transactions TO shopkit_app", "grants"),
        ("GRANT CREATE ON SCHEMA public TO shopkit_app", "app role"),
        (
            "CREATE FUNCTION leak() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM orders';"
            "GRANT EXECUTE ON FUNCTION leak() TO shopkit_app",
            "functions",
        ),
        ("CREATE VIEW leaky AS SELECT * FROM orders; GRANT SELECT ON leaky TO shopkit_app", "views"),
        ("UPDATE shopkit_version SET version_num = '0000'", "migrations"),
    ],
)
def test_check_finds(command, external, harm: str, name: str) -> None:
    command("db", "roles", SHOPKIT_DATABASE_OWNER_URL=external["admin"])
    assert command("migrate").code == 0
    assert set(findings(command("check", "--json")).values()) <= {"ok", "warn"}
    execute(external["admin"], harm)
    done = command("check", "--json")
    assert done.code == 1
    assert [found for found, status in findings(done).items() if status == "fail"] == [name]


def test_check_finds_a_strong_role_and_an_open_key(inside, home: Path, server: EmbeddedPostgres, folder: Path) -> None:
    done = inside("check", "--json", data_dir=home, SHOPKIT_DATABASE_URL=server.dsn("postgres", "shopkit"))
    assert (done.code, findings(done)["app role"]) == (1, "fail")
    (folder / "master.key").write_text("k1:" + "A" * 43 + "=")
    (folder / "master.key").chmod(0o644)
    done = inside("check", "--json", data_dir=folder)
    assert (done.code, findings(done)["master key"]) == (1, "fail")


def test_check_of_the_demo_is_all_well(shopkit) -> None:
    done = shopkit("check", "--json")
    assert (done.code, set(findings(done).values())) == (0, {"ok"})


def test_migrating_goes_back_only_where_no_data_is_lost(command) -> None:
    command("migrate")
    assert command("migrate", "--back", "--json").data["before"] == versions.HEAD
    assert command("migrate", "--json").data["after"] == versions.HEAD
    assert command("tenant", "create", "somebody").code == 0
    while (back := command("migrate", "--back")).code == 0:
        pass
    assert back.err.count("Error: Nothing was changed: ") == 1


def test_a_migration_that_cannot_be_is_one_sentence(inside, command, external, folder: Path) -> None:
    alone = inside("migrate", data_dir=folder, SHOPKIT_DATABASE_URL=external["SHOPKIT_DATABASE_URL"])
    assert (alone.code, "SHOPKIT_DATABASE_OWNER_URL" in alone.err) == (2, True)
    command("migrate")
    assert command("migrate", "--to", "nowhere").code == 1
    assert command("migrate", "--to", "0001", "--back").code == 2
    assert command("migrate", "--json").data["before"] == versions.HEAD


def test_a_tenant_that_cannot_be_is_refused(command) -> None:
    command("migrate")
    assert command("tenant", "create", "good", "--host", "good.example").code == 0
    for words in (["good"], ["Bad Slug"], ["other", "--host", "good.example"], ["other", "--currency", "taka"]):
        refused = command("tenant", "create", *words)
        assert (refused.code, refused.out) == (1, "")
        assert refused.err.startswith("Error: ")
