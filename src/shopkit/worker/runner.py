"""The worker's loop: claim what is due in all tenants, do it, wait to be woken. Any number may run side by side.

`await run(shop, stop)` beside the web server or alone. A round claims, brings facts to their consumers, and starts jobs
and chores beside itself, so that a slow mail server holds up nothing else. `shop.worker_seen_at` is when the last round
ended: the lag that health reports. A backlog cannot be measured from here: the app role sees no tenant's rows at once.
"""

import asyncio
import contextlib
import time
from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID, uuid4

import structlog

from shopkit.bootstrap import Shop
from shopkit.core.kernel import leases
from shopkit.core.kernel.leases import Claim, LeaseLost
from shopkit.worker.work import CONSUMER_SECONDS, REGISTERED, Unknown, Work

log = structlog.get_logger("shopkit.worker")

JOBS_AT_ONCE = 8
SCHEDULES_AT_ONCE = 2
CHUNK = 20
"""Deliveries that share a transaction."""
CHUNKS_AT_ONCE = 3
"""Connections that consumers take from the pool at most; in `serve` the web shares it."""
UNKNOWN_SECONDS = 60
"""How long work that nobody here knows waits for a process that does: a newer version, a plugin switched on again."""
STOP_SECONDS = 10
"""How long running work may go on after the stop."""
AWAY_SECONDS = 1.0
MOST_AWAY_SECONDS = 15.0
"""How long the loop waits after it could not reach the database, at first and at most."""


async def run(shop: Shop, stop: asyncio.Event, work: Work = REGISTERED) -> None:
    """Work until `stop`; then let what runs end (10 s at most) and give back what was not begun."""
    worker = Worker(shop, work)
    worker.is_stopping = stop.is_set()
    stopping = asyncio.create_task(stop.wait())
    stopping.add_done_callback(lambda _: worker.stop())
    try:
        while not worker.is_stopping:
            await worker.step()
        await worker.drain()
    finally:
        stopping.cancel()
        await worker.abandon()
        shop.worker_seen_at = None


class Worker:
    """One loop and the work that it has begun."""

    def __init__(self, shop: Shop, work: Work = REGISTERED) -> None:
        self.is_stopping = False
        self._shop = shop
        self._work = work
        self._jobs: set[asyncio.Task[None]] = set()
        self._schedules: set[asyncio.Task[None]] = set()
        self._chunks = asyncio.Semaphore(CHUNKS_AT_ONCE)
        self._away_seconds = 0.0

    def stop(self) -> None:
        """Begin nothing more."""
        self.is_stopping = True
        self._shop.waker.event.set()

    async def step(self) -> None:
        """One round, and the wait after it if there was nothing to do. The database may be away (I65)."""
        self._shop.waker.event.clear()
        try:
            has_claimed = await self.round()
        except Exception as error:
            await self._back_off(error)
            return
        if self._away_seconds:
            self._away_seconds = 0.0
            log.info("worker_back")
        if not has_claimed:
            await self._wait(self._shop.config.worker_poll_seconds)

    async def round(self) -> bool:
        """Claim once, deliver, start the rest. True if there was anything."""
        lease = uuid4()
        async with self._shop.db.transaction(None) as sql:
            claims = await leases.claim(
                sql,
                lease,
                jobs=JOBS_AT_ONCE - len(self._jobs),
                schedules=SCHEDULES_AT_ONCE - len(self._schedules),
            )
        deliveries: dict[UUID, list[UUID]] = defaultdict(list)
        for claim in claims:
            if claim.queue == "outbox_deliveries":
                deliveries[claim.tenant_id].append(claim.id)
            else:
                self._begin(self._jobs if claim.queue == "jobs" else self._schedules, claim, lease)
        await self._deliver(deliveries, lease)
        self._shop.worker_seen_at = time.monotonic()
        return bool(claims)

    async def drain(self) -> None:
        """Wait for what runs, for a while."""
        running = self._jobs | self._schedules
        if running:
            await asyncio.wait(running, timeout=STOP_SECONDS)

    async def abandon(self) -> None:
        """End what still runs and give it back."""
        running = self._jobs | self._schedules
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _begin(self, running: set[asyncio.Task[None]], claim: Claim, lease: UUID) -> None:
        task = asyncio.create_task(self._do(claim, lease))
        running.add(task)
        task.add_done_callback(running.discard)
        # Its place is free: there may be more to claim.
        task.add_done_callback(lambda _: self._shop.waker.event.set())

    async def _deliver(self, deliveries: dict[UUID, list[UUID]], lease: UUID) -> None:
        """Every claimed delivery, a few transactions at once."""
        chunks = [
            self._deliver_chunk(tenant_id, ids[start : start + CHUNK], lease)
            for tenant_id, ids in deliveries.items()
            for start in range(0, len(ids), CHUNK)
        ]
        outcomes = await asyncio.gather(*chunks, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome

    async def _deliver_chunk(self, tenant_id: UUID, ids: Sequence[UUID], lease: UUID) -> None:
        async with self._chunks:
            if self.is_stopping:
                await self._give_back(Claim("outbox_deliveries", tenant_id, ids[0]), ids, lease)
                return
            await self._deliver_together(tenant_id, ids, lease)

    async def _deliver_together(self, tenant_id: UUID, ids: Sequence[UUID], lease: UUID) -> None:
        """All in one transaction; if that fails, each in its own, so that a poisoned fact spoils only itself (I30)."""
        try:
            async with asyncio.timeout(CONSUMER_SECONDS):
                await self._work.deliver(self._shop, tenant_id, ids, lease)
        except Exception as error:
            # If the database is away, noting the failure fails too, and that ends the round.
            if len(ids) == 1:
                await self._failed(Claim("outbox_deliveries", tenant_id, ids[0]), lease, error)
                return
            for one in ids:
                await self._deliver_together(tenant_id, [one], lease)

    async def _do(self, claim: Claim, lease: UUID) -> None:
        """A job or a chore, with whatever comes of it. What cannot be noted now, the end of the lease mends."""
        try:
            if claim.queue == "jobs":
                await self._work.job(self._shop, claim, lease)
            else:
                await self._work.schedule(self._shop, claim, lease)
        except asyncio.CancelledError:
            await self._give_back(claim, [claim.id], lease)
            raise
        except Exception as error:
            try:
                await self._failed(claim, lease, error)
            except Exception as second:
                log.warning("failure_not_noted", queue=claim.queue, id=str(claim.id), error=repr(second))

    async def _failed(self, claim: Claim, lease: UUID, error: Exception) -> None:
        where = {"queue": claim.queue, "tenant": str(claim.tenant_id), "id": str(claim.id)}
        if isinstance(error, LeaseLost):
            log.info("lease_lost", **where)
            return
        if isinstance(error, Unknown):
            await self._give_back(claim, [claim.id], lease, delay_seconds=UNKNOWN_SECONDS, reason=str(error))
            log.warning("work_unknown", **where, error=str(error))
            return
        async with self._shop.db.transaction(claim.tenant_id) as sql:
            failed = await leases.fail(sql, claim, lease, f"{type(error).__name__}: {error}")
        if failed is not None:
            log.error("work_failed", **where, attempts=failed.attempts, is_dead=failed.is_dead, exc_info=error)

    async def _give_back(
        self, claim: Claim, ids: Sequence[UUID], lease: UUID, *, delay_seconds: float = 0, reason: str = ""
    ) -> None:
        try:
            async with self._shop.db.transaction(claim.tenant_id) as sql:
                await leases.give_back(sql, claim.queue, ids, lease, delay_seconds=delay_seconds, reason=reason)
        except Exception as error:
            # The lease ends by itself.
            log.warning("not_given_back", queue=claim.queue, tenant=str(claim.tenant_id), error=repr(error))

    async def _back_off(self, error: Exception) -> None:
        """Say it once, try again ever more slowly."""
        if not self._away_seconds:
            log.error("worker_interrupted", exc_info=error)
        self._away_seconds = min(MOST_AWAY_SECONDS, self._away_seconds * 2 or AWAY_SECONDS)
        await self._wait(self._away_seconds, for_work=False)

    async def _wait(self, seconds: float, *, for_work: bool = True) -> None:
        if self.is_stopping:
            return
        if not for_work:
            self._shop.waker.event.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._shop.waker.event.wait(), seconds)
