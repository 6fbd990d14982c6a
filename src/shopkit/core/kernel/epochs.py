"""Versions of what processes cache: polled, so that a cache lags a change by at most a second (B1, B12).

Two kinds. `cache_epochs` holds a version per name, raised by `bump`. `cache_changes` tells whose catalogue changed: a
row per transaction, inserted by triggers, so that no transaction ever waits for another one that only told the caches.
"""

import time
from datetime import datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

import asyncpg

from shopkit.core.kernel.db import Database

if TYPE_CHECKING:
    from shopkit.core.kernel.uow import Uow

FRESH_SECONDS = 0.9
"""A process that could not ask for so long stops believing its caches."""
POLL_SECONDS = 0.4
EVERYBODY: Final = UUID(int=0)
"""The scope of a change by a session without a tenant, such as a migration: it may concern any tenant."""

Generation = tuple[int | None, ...]
"""What a tenant's public pages follow from, apart from the clock."""

NOTE_CHANGE: Final = f"""
CREATE OR REPLACE FUNCTION note_change() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO cache_changes (scope)
    VALUES (coalesce(NULLIF(current_setting('app.tenant_id', true), '')::uuid, '{EVERYBODY}'))
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$
"""
"""What the triggers call (`migrations.protect`): the tenant's catalogue has changed, once this transaction commits."""

_ASK: Final = """
SELECT pg_current_snapshot()::text AS snapshot, now() AS asked_at,
    coalesce($2::timestamptz < now() - interval '1 hour'
        OR pg_snapshot_xmax(pg_current_snapshot()) < pg_snapshot_xmax($1::text::pg_snapshot), true) AS is_lost,
    ARRAY(SELECT name || '=' || version FROM cache_epochs) AS versions,
    ARRAY(SELECT DISTINCT scope FROM cache_changes
          WHERE transaction >= pg_snapshot_xmin($1::text::pg_snapshot)::text::bigint
            AND NOT pg_visible_in_snapshot(transaction::text::xid8, $1::text::pg_snapshot)) AS changed
"""
"""Rows that the last answer's snapshot could not see are news, in whatever order their transactions committed.

Lost: rows that were news may have been purged since, or this is another server than it was.
"""


class Epochs:
    """The versions of everything cached, as this process last saw them; one poll for all caches."""

    def __init__(self) -> None:
        self.versions: dict[str, int] = {}
        self._changes: dict[UUID, int] = {}
        self._changes_of_all = 0
        self._snapshot: str | None = None
        self._answered_at: datetime | None = None
        """The last answer's time, by the database's clock."""
        self._seen_at = 0.0

    @property
    def is_fresh(self) -> bool:
        """Whether caches may be believed."""
        return time.monotonic() - self._seen_at < FRESH_SECONDS

    def generation(self, tenant_id: UUID) -> Generation:
        """Differs from an earlier one whenever settings, hosts or the tenant's catalogue have changed in between."""
        known = self.versions.get
        return known("settings"), known("hosts"), self._changes_of_all, self._changes.get(tenant_id, 0)

    async def refresh(self, db: Database) -> None:
        """Ask once."""
        asked_at = time.monotonic()
        async with db.transaction(None) as sql:
            answer = await sql.fetchrow(_ASK, self._snapshot, self._answered_at)
        if asked_at < self._seen_at:
            return  # somebody who asked later was answered already; what this answer knows more will be news again
        if answer["is_lost"] or EVERYBODY in answer["changed"]:
            self._changes_of_all += 1
        for tenant_id in answer["changed"]:
            self._changes[tenant_id] = self._changes.get(tenant_id, 0) + 1
        named = (each.partition("=") for each in answer["versions"])
        self.versions = {name: int(version) for name, _, version in named}
        self._snapshot, self._answered_at = answer["snapshot"], answer["asked_at"]
        self._seen_at = asked_at


async def bump(sql: asyncpg.Connection, name: str) -> None:
    """Tell every process that something cached has changed, when this transaction commits."""
    await sql.execute("UPDATE cache_epochs SET version = version + 1 WHERE name = $1", name)


async def purge(uow: "Uow") -> int:
    """Forget changes that every process has seen, a batch at a time.

    They are kept for a day: longer than any transaction is open, so none is gone before it could be seen.
    """
    done: str = await uow.sql.execute(
        """
        DELETE FROM cache_changes USING (
            SELECT transaction, scope FROM cache_changes ORDER BY transaction LIMIT 500
        ) oldest
        WHERE cache_changes.transaction = oldest.transaction AND cache_changes.scope = oldest.scope
          AND cache_changes.created_at < now() - interval '1 day'
        """
    )
    return int(done.rpartition(" ")[2])
