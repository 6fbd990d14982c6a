"""Work that one process may do at a time: deliveries, jobs and schedules share these columns and statements.

`due_at` is when a row may be claimed. Claiming moves it to the end of the lease, so a dead process's work comes back
by itself (I31). Finishing repeats the lease token: whoever lost the lease cannot finish.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

import asyncpg
from msgspec import Struct
from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from shopkit.core.kernel.tables import func
from shopkit.sdk.errors import Conflict

LEASE_SECONDS = 60
BATCH = 100
MOST_ATTEMPTS = 12
"""With the back-off below, about a day."""

Queue = Literal["outbox_deliveries", "jobs", "schedules"]


class LeaseLost(Conflict):
    """Another process has taken this work over; this one's effect must not be stored."""

    code = "lease_lost"
    message = "Another process has taken this work over."


class Leased:
    """The columns of claimable work."""

    due_at: Mapped[datetime] = mapped_column(server_default=func.now())
    attempts: Mapped[int] = mapped_column(server_default="0")
    lease_token: Mapped[UUID | None]
    last_error: Mapped[str | None]
    dead_at: Mapped[datetime | None]


def due_index(table: str) -> Index:
    """What claiming looks up by."""
    return Index(f"ix_{table}_due", "due_at", postgresql_where=text("dead_at IS NULL"))


class Claim(Struct, frozen=True):
    """A leased row. Its content is read under its own tenant."""

    queue: Queue
    tenant_id: UUID
    id: UUID


class Failed(Struct, frozen=True, kw_only=True):
    """What became of a row whose work went wrong."""

    attempts: int
    is_dead: bool
    """It was the last attempt: the row waits in the dead-letter list."""


class DeadLetter(Struct, frozen=True, kw_only=True):
    """A row that nobody will try again until a person says so."""

    id: UUID
    queue: Queue
    name: str
    """The consumer, or the kind of job."""
    subject: str
    """The fact's topic, or the job's key."""
    attempts: int
    last_error: str
    dead_at: datetime


async def claim(
    sql: asyncpg.Connection,
    lease: UUID,
    *,
    deliveries: int = BATCH,
    jobs: int = BATCH,
    schedules: int = BATCH,
    seconds: int = LEASE_SECONDS,
) -> list[Claim]:
    """Lease the next due rows of all tenants, so many of each queue; `claim_work` is one of the three functions of I39.

    Never waits for a lock: what another process is at is passed over.
    """
    rows = await sql.fetch(
        "SELECT queue, tenant_id, id FROM claim_work($1, $2, $3, $4, $5)", lease, seconds, deliveries, jobs, schedules
    )
    return [Claim(row["queue"], row["tenant_id"], row["id"]) for row in rows]


async def finish(sql: asyncpg.Connection, queue: Queue, ids: Sequence[UUID], lease: UUID) -> None:
    """Delete finished rows of one tenant. Raises `LeaseLost` if one of them is not ours any more."""
    done = await sql.execute(
        f"DELETE FROM {queue} WHERE id = ANY($1::uuid[]) AND lease_token = $2",
        ids,
        lease,
    )
    if done != f"DELETE {len(ids)}":
        raise LeaseLost


async def come_again(sql: asyncpg.Connection, schedule_id: UUID, lease: UUID, *, at_once: bool = False) -> None:
    """End one run of a schedule and set its next. Raises `LeaseLost`."""
    done = await sql.execute(
        """
        UPDATE schedules SET lease_token = NULL, attempts = 0, last_error = NULL, last_run_at = now(),
            due_at = now() + CASE WHEN $3 THEN interval '0' ELSE make_interval(secs => every_seconds) END
        WHERE id = $1 AND lease_token = $2
        """,
        schedule_id,
        lease,
        at_once,
    )
    if done != "UPDATE 1":
        raise LeaseLost


async def give_back(
    sql: asyncpg.Connection,
    queue: Queue,
    ids: Sequence[UUID],
    lease: UUID,
    *,
    delay_seconds: float = 0,
    reason: str = "",
) -> None:
    """Let others have rows that were claimed and not begun, or that nobody here can do; it counts as no attempt."""
    await sql.execute(
        f"""
        UPDATE {queue} SET lease_token = NULL, attempts = greatest(attempts - 1, 0),
            due_at = now() + make_interval(secs => $3), last_error = coalesce(nullif($4, ''), last_error)
        WHERE id = ANY($1::uuid[]) AND lease_token = $2
        """,
        ids,
        lease,
        delay_seconds,
        reason,
    )


async def fail(sql: asyncpg.Connection, claimed: Claim, lease: UUID, error: str) -> Failed | None:
    """Note the error; the row is due again after a back-off, or dead after the last attempt. None: it was not ours.

    The back-off triples from 5 s to 6 h; a schedule, which never dies, waits 5 minutes at most.
    """
    longest = "5 minutes" if claimed.queue == "schedules" else "6 hours"
    row = await sql.fetchrow(
        f"""
        UPDATE {claimed.queue}
        SET lease_token = NULL, last_error = left($3, 2000),
            due_at = now() + least(interval '{longest}', interval '5 seconds' * power(3, least(attempts, 12) - 1))
                     * (0.8 + random() * 0.4),
            dead_at = CASE WHEN attempts >= $4 AND '{claimed.queue}' <> 'schedules' THEN now() END
        WHERE id = $1 AND lease_token = $2
        RETURNING attempts, dead_at IS NOT NULL AS is_dead
        """,
        claimed.id,
        lease,
        error,
        MOST_ATTEMPTS,
    )
    return None if row is None else Failed(attempts=row["attempts"], is_dead=row["is_dead"])


async def dead_letters(sql: asyncpg.Connection, *, limit: int = 1000) -> list[DeadLetter]:
    """The tenant's dead rows, the newest first."""
    rows = await sql.fetch(
        """
        SELECT d.id, 'outbox_deliveries' AS queue, d.consumer AS name, e.topic AS subject, d.attempts,
               coalesce(d.last_error, '') AS last_error, d.dead_at
        FROM outbox_deliveries d JOIN outbox_events e ON e.id = d.event_id WHERE d.dead_at IS NOT NULL
        UNION ALL
        SELECT id, 'jobs', kind, coalesce(key, ''), attempts, coalesce(last_error, ''), dead_at
        FROM jobs WHERE dead_at IS NOT NULL
        ORDER BY dead_at DESC LIMIT $1
        """,
        limit,
    )
    return [DeadLetter(**row) for row in rows]


async def revive(sql: asyncpg.Connection, row_id: UUID) -> bool:
    """Let a dead row of the tenant be tried again from the start; False if there is none with this id."""
    found = await sql.fetchval(
        """
        WITH deliveries AS (
            UPDATE outbox_deliveries SET dead_at = NULL, attempts = 0, due_at = now(), lease_token = NULL
            WHERE id = $1 AND dead_at IS NOT NULL RETURNING 1
        ), others AS (
            UPDATE jobs SET dead_at = NULL, attempts = 0, due_at = now(), lease_token = NULL
            WHERE id = $1 AND dead_at IS NOT NULL RETURNING 1
        )
        SELECT EXISTS (SELECT FROM deliveries UNION ALL SELECT FROM others)
        """,
        row_id,
    )
    return bool(found)


def _bury(table: str) -> str:
    """What dies because its process died at every attempt."""
    return f"""
    UPDATE {table} t SET dead_at = now(), last_error = coalesce(t.last_error, 'the process died at every attempt')
    FROM (
        SELECT c.tenant_id, c.id FROM {table} c
        WHERE c.dead_at IS NULL AND c.due_at <= now() AND c.attempts >= {MOST_ATTEMPTS} LIMIT 100 FOR UPDATE SKIP LOCKED
    ) over WHERE t.tenant_id = over.tenant_id AND t.id = over.id;
    """


def _lease(table: str, size: str, *, condition: str = "") -> str:
    return f"""
    RETURN QUERY
    UPDATE {table} t SET lease_token = p_lease, due_at = lease_end, attempts = t.attempts + 1
    FROM (
        SELECT c.tenant_id, c.id FROM {table} c WHERE c.dead_at IS NULL AND c.due_at <= now() {condition}
        ORDER BY c.due_at LIMIT {size} FOR UPDATE SKIP LOCKED
    ) next WHERE t.tenant_id = next.tenant_id AND t.id = next.id
    RETURNING '{table}', t.tenant_id, t.id;
    """


# I30: a fact waits while an earlier one of the same aggregate waits for the same consumer.
IN_ORDER = """AND NOT EXISTS (
            SELECT FROM outbox_deliveries earlier
            WHERE earlier.tenant_id = c.tenant_id AND earlier.consumer = c.consumer
              AND earlier.aggregate_id = c.aggregate_id AND earlier.position < c.position AND earlier.dead_at IS NULL)
        """

CLAIM_WORK = f"""
CREATE FUNCTION claim_work(p_lease uuid, p_seconds integer, p_deliveries integer, p_jobs integer, p_schedules integer)
RETURNS TABLE (queue text, tenant_id uuid, id uuid)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
DECLARE lease_end timestamptz := now() + make_interval(secs => p_seconds);
BEGIN
    {_bury("outbox_deliveries")}
    {_bury("jobs")}
    {_lease("outbox_deliveries", "p_deliveries", condition=IN_ORDER)}
    {_lease("jobs", "p_jobs")}
    {_lease("schedules", "p_schedules")}
END $$
"""
"""The first migration creates it, owned by the owner role; it returns ids only, never content (I39)."""
