"""One fresh PostgreSQL for the run, ShopKit's own embedded one, with a database beside it for the limits."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import uvloop
from msgspec import Struct

from bench import limits_tables
from shopkit.core.kernel import embedded

LIMITS_DATABASE = "bench_limits"


class Postgres(Struct, kw_only=True):
    """The running server: its data directory is ShopKit's, `pid` is the postmaster's."""

    data_dir: Path
    pid: int
    version: str
    limits_dsn: str

    @property
    def pgbench(self) -> Path:
        return embedded.binaries() / "pgbench"


@contextmanager
def fresh(data_dir: Path) -> Iterator[Postgres]:
    """Start it in an empty directory; it keeps the CPU of this process. Stopped on leaving, whatever happened."""
    with embedded.start(data_dir) as server:
        pid = int((Path(server.data_dir) / "cluster" / "postmaster.pid").read_text().splitlines()[0])
        version = uvloop.run(_create(server.dsn(server.superuser, "postgres")))
        limits_dsn = server.dsn(server.superuser, LIMITS_DATABASE)
        yield Postgres(data_dir=data_dir, pid=pid, version=version, limits_dsn=limits_dsn)


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
