"""Work that one process may do at a time: deliveries, jobs and schedules share these columns and statements.

`due_at` is when a row may be claimed. Claiming moves it to the end of the lease, so a dead process's work comes back
by itself (I31). Finishing repeats the lease token: whoever lost the lease cannot finish.
"""

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


async def claim(sql: asyncpg.Connection, lease: UUID, *, batch: int = BATCH, seconds: int = LEASE_SECONDS) -> list[Claim]:
    """Lease the next due rows of every queue and tenant; `claim_work` is one of the three functions of I39."""
    rows = await sql.fetch("SELECT queue, tenant_id, id FROM claim_work($1, $2, $3)", lease, batch, seconds)
    return [Claim(row["queue"], row["tenant_id"], row["id"]) for row in rows]


async def finish(sql: asyncpg.Connection, claimed: Claim, lease: UUID) -> None:
    """Delete the finished row. Raises `LeaseLost` if the lease is not ours any more."""
    done = await sql.execute(f"DELETE FROM {claimed.queue} WHERE id = $1 AND lease_token = $2", claimed.id, lease)  # noqa: S608
    if done != "DELETE 1":
        raise LeaseLost


async def fail(sql: asyncpg.Connection, claimed: Claim, lease: UUID, error: str) -> None:
    """Note the error; the row is due again after a back-off, or dead after the last attempt."""
    await sql.execute(
        f"""
        UPDATE {claimed.queue}
        SET lease_token = NULL, last_error = left($3, 2000),
            due_at = now() + least(interval '1 hour' * 6, interval '5 seconds' * power(3, attempts - 1))
                     * (0.8 + random() * 0.4),
            dead_at = CASE WHEN attempts >= $4 AND '{claimed.queue}' <> 'schedules' THEN now() END
        WHERE id = $1 AND lease_token = $2
        """,  # noqa: S608
        claimed.id,
        lease,
        error,
        MOST_ATTEMPTS,
    )


async def revive(sql: asyncpg.Connection, queue: Queue, row_id: UUID) -> bool:
    """Let a dead row be tried again from the start."""
    done = await sql.execute(
        f"UPDATE {queue} SET dead_at = NULL, attempts = 0, due_at = now() WHERE id = $1 AND dead_at IS NOT NULL",  # noqa: S608
        row_id,
    )
    return bool(done == "UPDATE 1")


CLAIM_WORK = f"""
CREATE FUNCTION claim_work(p_lease uuid, p_batch integer, p_seconds integer)
RETURNS TABLE (queue text, tenant_id uuid, id uuid)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
DECLARE lease_end timestamptz := now() + make_interval(secs => p_seconds);
BEGIN
    UPDATE outbox_deliveries SET dead_at = now(), last_error = coalesce(last_error, 'the process died at every attempt')
    WHERE dead_at IS NULL AND due_at <= now() AND attempts >= {MOST_ATTEMPTS};
    UPDATE jobs SET dead_at = now(), last_error = coalesce(last_error, 'the process died at every attempt')
    WHERE dead_at IS NULL AND due_at <= now() AND attempts >= {MOST_ATTEMPTS};

    RETURN QUERY
    UPDATE outbox_deliveries d SET lease_token = p_lease, due_at = lease_end, attempts = d.attempts + 1
    FROM (
        SELECT c.tenant_id, c.id FROM outbox_deliveries c
        WHERE c.dead_at IS NULL AND c.due_at <= now() AND NOT EXISTS (
            SELECT FROM outbox_deliveries earlier
            WHERE earlier.tenant_id = c.tenant_id AND earlier.consumer = c.consumer
              AND earlier.aggregate_id = c.aggregate_id AND earlier.position < c.position AND earlier.dead_at IS NULL)
        ORDER BY c.due_at LIMIT p_batch FOR UPDATE SKIP LOCKED
    ) next WHERE d.tenant_id = next.tenant_id AND d.id = next.id
    RETURNING 'outbox_deliveries', d.tenant_id, d.id;

    RETURN QUERY
    UPDATE jobs j SET lease_token = p_lease, due_at = lease_end, attempts = j.attempts + 1
    FROM (
        SELECT c.tenant_id, c.id FROM jobs c WHERE c.dead_at IS NULL AND c.due_at <= now()
        ORDER BY c.due_at LIMIT p_batch FOR UPDATE SKIP LOCKED
    ) next WHERE j.tenant_id = next.tenant_id AND j.id = next.id
    RETURNING 'jobs', j.tenant_id, j.id;

    RETURN QUERY
    UPDATE schedules s SET lease_token = p_lease, due_at = lease_end, attempts = s.attempts + 1
    FROM (
        SELECT c.tenant_id, c.id FROM schedules c WHERE c.dead_at IS NULL AND c.due_at <= now()
        ORDER BY c.due_at LIMIT p_batch FOR UPDATE SKIP LOCKED
    ) next WHERE s.tenant_id = next.tenant_id AND s.id = next.id
    RETURNING 'schedules', s.tenant_id, s.id;
END $$
"""
"""The first migration creates it, owned by the owner role; it returns ids only, never content (I39)."""
