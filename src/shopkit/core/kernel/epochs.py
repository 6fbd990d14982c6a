"""Versions of what processes cache: polled, so that a cache lags a change by at most a second (B1, B12)."""

import time

import asyncpg

from shopkit.core.kernel.db import Database

FRESH_SECONDS = 0.9
"""A process that could not ask for so long stops believing its caches."""
POLL_SECONDS = 0.4


class Epochs:
    """The versions of everything cached, as this process last saw them; one poll for all caches."""

    def __init__(self) -> None:
        self.versions: dict[str, int] = {}
        self._seen_at = 0.0

    @property
    def is_fresh(self) -> bool:
        """Whether caches may be believed."""
        return time.monotonic() - self._seen_at < FRESH_SECONDS

    async def refresh(self, db: Database) -> None:
        """Ask once."""
        asked_at = time.monotonic()
        async with db.transaction(None) as sql:
            rows = await sql.fetch("SELECT name, version FROM cache_epochs")
        self.versions = {row["name"]: row["version"] for row in rows}
        self._seen_at = asked_at


async def bump(sql: asyncpg.Connection, name: str) -> None:
    """Tell every process that something cached has changed, when this transaction commits."""
    await sql.execute("UPDATE cache_epochs SET version = version + 1 WHERE name = $1", name)
