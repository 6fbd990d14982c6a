"""Where PostgreSQL's time goes, statement by statement (`--statements`). Watching has a cost, so it is off."""

import asyncpg
from msgspec import Struct
from rich.console import Console
from rich.table import Table

SETTINGS = {
    "shared_preload_libraries": "pg_stat_statements",
    "pg_stat_statements.track_planning": "on",
    "pg_stat_statements.track_utility": "on",
}
SHOWN = 25
SHOWN_LENGTH = 400


class Statement(Struct, kw_only=True):
    """One statement as the server normalised it; milliseconds are sums over all its calls."""

    calls: int
    plan_ms: float
    run_ms: float
    text: str


async def reset(dsn: str) -> None:
    """Forget what was counted so far."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        await connection.execute("SELECT pg_stat_statements_reset()")
    finally:
        await connection.close()


async def top(dsn: str) -> list[Statement]:
    """The most expensive first."""
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch(
            """SELECT calls, total_plan_time AS plan_ms, total_exec_time AS run_ms, query AS text
               FROM pg_stat_statements ORDER BY total_plan_time + total_exec_time DESC LIMIT $1""",
            SHOWN,
        )
        return [Statement(**dict(row)) for row in rows]
    finally:
        await connection.close()


def show(console: Console, name: str, statements: list[Statement], operations: int) -> None:
    """Per operation: calls, and milliseconds of planning and of running."""
    table = Table("calls", "plan ms", "run ms", "statement", title=f"{name}: PostgreSQL per operation")
    each = max(operations, 1)
    for found in statements:
        numbers = (f"{found.calls / each:.2f}", f"{found.plan_ms / each:.3f}", f"{found.run_ms / each:.3f}")
        table.add_row(*numbers, " ".join(found.text.split())[:SHOWN_LENGTH])
    console.print(table)
