"""One fresh PostgreSQL for the run, ShopKit's own embedded one, with a database beside it for the limits."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import uvloop
from msgspec import Struct

from bench import limits_tables
from shopkit.cli import session
from shopkit.core.kernel import embedded
from shopkit.core.kernel.config import Config

LIMITS_DATABASE = "bench_limits"


class Postgres(Struct, kw_only=True):
    """The running server, shared with ShopKit through its data directory; `pid` is the postmaster's."""

    data_dir: Path
    pid: int
    version: str
    limits_dsn: str
    shop_dsn: str
    """The shop's database as superuser, for VACUUM only."""

    @property
    def pgbench(self) -> Path:
        return embedded.binaries() / "pgbench"


@contextmanager
def fresh(data_dir: Path, settings: Mapping[str, str]) -> Iterator[Postgres]:
    """Start it in an empty directory; it keeps the CPU of this process. Stopped on leaving, whatever happened."""
    with embedded.start(session.postgres_home(Config(data_dir=str(data_dir))), settings=settings) as server:
        pid = int((Path(server.data_dir) / "cluster" / "postmaster.pid").read_text().splitlines()[0])
        version = uvloop.run(_create(server.dsn(server.superuser, "postgres")))
        yield Postgres(
            data_dir=data_dir,
            pid=pid,
            version=version,
            limits_dsn=server.dsn(server.superuser, LIMITS_DATABASE),
            shop_dsn=server.dsn(server.superuser, session.DATABASE),
        )


async def _create(dsn: str) -> str:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(f"CREATE DATABASE {LIMITS_DATABASE}")
        return str(await connection.fetchval("SHOW server_version"))
    finally:
        await connection.close()


def fill_limits(postgres: Postgres, *, products: int, hot: int) -> None:
    """The dataset, copied into the limits' plain tables."""
    uvloop.run(limits_tables.fill(postgres.limits_dsn, count=products, hot=hot))
    vacuum(postgres.limits_dsn)


def vacuum(dsn: str) -> None:
    """What autovacuum does a minute later, before the first figure instead of in the middle of one."""
    uvloop.run(_vacuum(dsn))


async def _vacuum(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()
