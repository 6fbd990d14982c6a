"""How each kind of work is done once it is claimed: deliveries, jobs, chores. Errors rise to the runner."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import asyncpg
from msgspec import Struct, structs

from shopkit import registry
from shopkit.bootstrap import Shop
from shopkit.core.kernel import leases, outbox
from shopkit.core.kernel.ids import uuid7
from shopkit.core.kernel.jobs import Handler, Schedule
from shopkit.core.kernel.leases import BATCH, LEASE_SECONDS, Claim
from shopkit.core.kernel.outbox import Consumers, Event
from shopkit.core.kernel.uow import Uow, unit_of_work

CONSUMER_SECONDS = 20
JOB_SECONDS = LEASE_SECONDS - 15
"""A job that lasts longer is ended before its lease is."""
SCHEDULE_SECONDS = 20
"""After so long a chore lets others have their turn and goes on later."""


class Unknown(Exception):
    """No consumer, handler or chore of this name in this process; another version may have it (I62)."""


class Work(Struct, frozen=True, kw_only=True):
    """Who does what."""

    consumers: Consumers
    handlers: Mapping[str, Handler]
    schedules: Mapping[str, Schedule]

    async def deliver(self, shop: Shop, tenant_id: UUID, ids: Sequence[UUID], lease: UUID) -> None:
        """Bring facts to their consumers: the effects, the marks and the end of the deliveries in one transaction.

        A delivery whose lease is lost is passed over: it is somebody else's.
        """
        scope = await shop.scope_of(tenant_id)
        async with unit_of_work(shop.db, scope, self.consumers, caches=shop.caches, waker=shop.waker) as uow:
            rows = await uow.sql.fetch(DELIVERIES, ids, lease)
            strangers = [row for row in rows if row["consumer"] not in self.consumers.by_name]
            if strangers and len(rows) > 1:
                raise Unknown("one by one, then")
            if strangers:
                raise Unknown(f"nobody here is called {strangers[0]['consumer']}")
            fresh = await _mark(uow, rows)
            for row in rows:
                if (row["consumer"], row["event_id"]) in fresh:
                    await self._handle(uow, row)
            await leases.finish(uow.sql, "outbox_deliveries", [row["id"] for row in rows], lease)

    async def _handle(self, uow: Uow, row: asyncpg.Record) -> None:
        fact = outbox.decode(row["topic"], row["payload"])
        event = Event(id=row["event_id"], fact=fact, happened_at=row["created_at"])
        # What follows from a request carries its id.
        uow.scope = structs.replace(uow.scope, request_id=row["request_id"])
        await self.consumers.by_name[row["consumer"]].handle(uow, event)
        await uow.flush()

    async def job(self, shop: Shop, claim: Claim, lease: UUID) -> None:
        """Do a job outside of any transaction, then finish it in one that repeats the lease."""
        scope = await shop.scope_of(claim.tenant_id)
        async with shop.db.transaction(claim.tenant_id) as sql:
            row = await sql.fetchrow(
                "SELECT kind, payload FROM jobs WHERE id = $1 AND lease_token = $2", claim.id, lease
            )
        if row is None:
            return
        handler = self.handlers.get(row["kind"])
        if handler is None:
            raise Unknown(f"nobody here does {row['kind']}")
        async with asyncio.timeout(JOB_SECONDS):
            await handler.run(shop, scope, row["payload"])
        async with shop.db.transaction(claim.tenant_id) as sql:
            await leases.finish(sql, "jobs", [claim.id], lease)

    async def schedule(self, shop: Shop, claim: Claim, lease: UUID) -> None:
        """Run a chore until little is left to do or its time is up, each batch in a transaction of its own."""
        scope = await shop.scope_of(claim.tenant_id)
        async with shop.db.transaction(claim.tenant_id) as sql:
            name = await sql.fetchval("SELECT name FROM schedules WHERE id = $1 AND lease_token = $2", claim.id, lease)
        if name is None:
            return
        chore = self.schedules.get(name)
        if chore is None:
            raise Unknown(f"nobody here does {name}")
        end = time.monotonic() + SCHEDULE_SECONDS
        is_more = True
        while is_more and time.monotonic() < end:
            async with unit_of_work(shop.db, scope, self.consumers, caches=shop.caches, waker=shop.waker) as uow:
                is_more = await chore.run(uow) >= BATCH
        async with shop.db.transaction(claim.tenant_id) as sql:
            await leases.come_again(sql, claim.id, lease, at_once=is_more)


# Locked for the rest of the transaction: nobody takes over what is being done.
DELIVERIES = """
SELECT d.id, d.consumer, d.event_id, e.topic, e.payload, e.request_id, e.created_at
FROM outbox_deliveries d JOIN outbox_events e ON e.id = d.event_id
WHERE d.id = ANY($1::uuid[]) AND d.lease_token = $2 ORDER BY d.position, d.consumer FOR UPDATE OF d
"""

MARK = """
INSERT INTO processed_events (id, consumer, event_id)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[])
ON CONFLICT (tenant_id, consumer, event_id) DO NOTHING RETURNING consumer, event_id
"""


async def _mark(uow: Uow, rows: Sequence[asyncpg.Record]) -> set[tuple[Any, Any]]:
    """Mark the events as processed; those that were not before (B10)."""
    marked = await uow.sql.fetch(
        MARK, [uuid7() for _ in rows], [row["consumer"] for row in rows], [row["event_id"] for row in rows]
    )
    return {(row["consumer"], row["event_id"]) for row in marked}


REGISTERED = Work(
    consumers=registry.CONSUMERS,
    handlers=registry.HANDLERS,
    schedules={schedule.name: schedule for schedule in registry.SCHEDULES},
)
