"""Work to do once, and work to do every so often: rows on the lease module, written in the caller's transaction."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import asyncpg
import msgspec
from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.orm import Mapped, mapped_column

from shopkit.core.kernel.leases import Leased, due_index
from shopkit.core.kernel.tables import Index, TenantRow, check, func, unique

if TYPE_CHECKING:
    from shopkit.core.kernel.uow import Uow


class JobRow(Leased, TenantRow):
    """A job; deleted when done, kept when dead. With a key, at most one of its kind waits."""

    __tablename__ = "jobs"
    __table_args__ = (
        Index("uq_jobs_kind_key", "tenant_id", "kind", "key", unique=True, postgresql_where=text("key IS NOT NULL")),
        due_index("jobs"),
    )

    kind: Mapped[str]
    key: Mapped[str | None]
    payload: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class ScheduleRow(Leased, TenantRow):
    """A chore that comes again; one row per tenant and name, never dead."""

    __tablename__ = "schedules"
    __table_args__ = (
        unique("name"),
        check("every_seconds_positive", "every_seconds > 0"),
        due_index("schedules"),
    )

    name: Mapped[str]
    every_seconds: Mapped[int]
    last_run_at: Mapped[datetime | None]


class Job(Struct, frozen=True, kw_only=True):
    """Something for the worker: `kind` names the handler, `key` makes waiting duplicates one."""

    kind: str
    payload: Mapping[str, Any] = msgspec.field(default_factory=dict)
    key: str | None = None
    delay_seconds: float = 0


class Handler(Struct, frozen=True, kw_only=True):
    """What does jobs of one kind. `shop` is the process's `Shop`, so that the network stays outside transactions."""

    kind: str
    run: Callable[[Any, Any, Mapping[str, Any]], Awaitable[None]]
    """`run(shop, scope, payload)`; it may run twice and must notice."""


class Schedule(Struct, frozen=True, kw_only=True):
    """A chore of every tenant; `run` works in small transactions of its own and returns how much it did."""

    name: str
    every_seconds: int
    run: "Callable[[Uow], Awaitable[int]]"
    """Called again at once while it returns `leases.BATCH` or more."""


WRITE = """
INSERT INTO jobs (kind, key, payload, due_at)
SELECT kind, key, payload, now() + make_interval(secs => delay_seconds)
FROM jsonb_to_recordset($1::jsonb) AS g(kind text, key text, payload jsonb, delay_seconds double precision)
ON CONFLICT (tenant_id, kind, key) WHERE key IS NOT NULL DO UPDATE
SET payload = excluded.payload, attempts = 0, lease_token = NULL, dead_at = NULL,
    due_at = CASE WHEN jobs.lease_token IS NULL AND jobs.dead_at IS NULL
             THEN least(jobs.due_at, excluded.due_at) ELSE excluded.due_at END
"""


async def write(sql: asyncpg.Connection, waiting: Sequence[Job]) -> None:
    """Store the jobs in one statement.

    A key that waits already keeps its place and takes the new payload. One that is being done just now, or is dead,
    is done again: whoever is at it has not seen this change, and cannot finish the row any more.
    """
    wanted = {(job.kind, job.key or str(number)): job for number, job in enumerate(waiting)}
    # In one order everywhere, so that two transactions with the same keys do not wait for each other.
    await sql.execute(WRITE, msgspec.json.encode([wanted[name] for name in sorted(wanted)]))
