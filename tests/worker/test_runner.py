"""The worker against a real PostgreSQL: facts, jobs and chores, with processes that die and consumers that fail."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any
from uuid import UUID, uuid4

import pytest
from msgspec import structs

from shopkit import bootstrap
from shopkit.bootstrap import Shop
from shopkit.core.kernel import leases
from shopkit.core.kernel.ids import uuid7
from shopkit.core.kernel.jobs import Handler, Job, Schedule
from shopkit.core.kernel.outbox import Consumer, Consumers, Event
from shopkit.core.kernel.scope import Scope
from shopkit.core.kernel.uow import Uow, unit_of_work
from shopkit.sdk.events import OrderConfirmed, OrderProcessing
from shopkit.worker import dead
from shopkit.worker.runner import Worker, run
from shopkit.worker.work import Work

TOPICS = frozenset({OrderConfirmed.topic, OrderProcessing.topic})


class Seen:
    """A consumer whose effect is a row: one setting per event, so that effect and mark commit together or not."""

    def __init__(self, name: str = "seen") -> None:
        self.name = name
        self.numbers: list[str] = []
        self.poison: set[str] = set()
        self.sleep_seconds = 0.0
        self.before_end: Callable[[], Awaitable[None]] | None = None

    async def __call__(self, uow: Uow, event: Event) -> None:
        await uow.sql.execute(
            "INSERT INTO order_number_counters (store_id, next_number) VALUES ($1, 1) "
            "ON CONFLICT (tenant_id, store_id) DO UPDATE SET next_number = order_number_counters.next_number + 1",
            uow.scope.store.id,
        )
        await asyncio.sleep(self.sleep_seconds)
        if event.fact.number in self.poison:
            raise ValueError(f"no {event.fact.number}")
        self.numbers.append(event.fact.number)
        if self.before_end is not None:
            await self.before_end()

    def consumers(self) -> Consumers:
        return Consumers([Consumer(name=self.name, topics=TOPICS, handle=self)])


def work_of(
    consumers: Consumers | None = None,
    handlers: Mapping[str, Any] | None = None,
    schedules: Mapping[str, Any] | None = None,
) -> Work:
    return Work(
        consumers=consumers or Consumers(),
        handlers={kind: Handler(kind=kind, run=do) for kind, do in (handlers or {}).items()},
        schedules=schedules or {},
    )


@pytest.fixture
async def shop(alone: Any) -> AsyncIterator[Shop]:
    """Nobody's work is left over from the test before."""
    for table in ("outbox_deliveries", "jobs", "schedules"):
        await alone.owner.execute(f"DELETE FROM {table}")
    yield alone.shop


@pytest.fixture
async def scope(alone: Any, shop: Shop, new_tenant: Any) -> Scope:
    tenant = await new_tenant(shop, alone.owner)
    await alone.owner.execute("DELETE FROM schedules")
    return tenant.scope


async def publish(shop: Shop, scope: Scope, consumers: Consumers, *numbers: str, order_id: UUID | None = None) -> None:
    for number in numbers:
        async with unit_of_work(shop.db, scope, consumers, caches=shop.caches, waker=shop.waker) as uow:
            uow.publish(OrderConfirmed(order_id=order_id or uuid7(), number=number))


async def enqueue(shop: Shop, scope: Scope, *jobs: Job) -> None:
    async with shop.uow(scope) as uow:
        for job in jobs:
            uow.enqueue(job)


async def rounds(shop: Shop, work: Work, *, most: int = 20) -> None:
    """Until there is nothing to claim and nothing runs."""
    worker = Worker(shop, work)
    for _ in range(most):
        has_claimed = await worker.round()
        await worker.drain()
        if not has_claimed:
            return
    raise AssertionError("it does not end")


async def until(holds: Callable[[], Any], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while True:
            answer = holds()
            if await answer if isinstance(answer, Awaitable) else answer:
                return
            await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def running(shop: Shop, work: Work) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(run(shop, stop, work))
    try:
        yield
    finally:
        stop.set()
        await task


async def hasten(alone: Any) -> None:
    """What waits for its time is due now."""
    for table in ("outbox_deliveries", "jobs", "schedules"):
        await alone.owner.execute(f"UPDATE {table} SET due_at = now() - interval '1 second'")


async def counted(alone: Any, scope: Scope) -> int:
    """How often the consumers' effect was committed."""
    return (
        await alone.owner.fetchval(
            "SELECT next_number FROM order_number_counters WHERE tenant_id = $1", scope.tenant_id
        )
        - 1001
    )


async def left(alone: Any, table: str) -> int:
    return await alone.owner.fetchval(f"SELECT count(*) FROM {table}")


# Facts


async def test_every_fact_takes_effect_once_and_its_delivery_is_gone(alone: Any, shop: Shop, scope: Scope) -> None:
    seen = Seen()
    await publish(shop, scope, seen.consumers(), *[str(number) for number in range(50)])
    await rounds(shop, work_of(seen.consumers()))
    assert sorted(seen.numbers, key=int) == [str(number) for number in range(50)]
    assert await counted(alone, scope) == 50
    assert await left(alone, "outbox_deliveries") == 0
    assert (
        await alone.owner.fetchval("SELECT count(*) FROM processed_events WHERE tenant_id = $1", scope.tenant_id) == 50
    )


async def test_facts_of_one_aggregate_come_in_order(shop: Shop, scope: Scope) -> None:
    seen, orders = Seen(), [uuid7() for _ in range(3)]
    for number in range(8):
        for order_id in orders:
            await publish(shop, scope, seen.consumers(), f"{orders.index(order_id)}-{number}", order_id=order_id)
    await rounds(shop, work_of(seen.consumers()))
    for index in range(3):
        own = [number for number in seen.numbers if number.startswith(f"{index}-")]
        assert own == [f"{index}-{number}" for number in range(8)]


async def test_a_second_delivery_of_an_event_has_no_effect(alone: Any, shop: Shop, scope: Scope) -> None:
    seen = Seen()
    await publish(shop, scope, seen.consumers(), "1")
    await rounds(shop, work_of(seen.consumers()))
    await alone.owner.execute(
        """
        INSERT INTO outbox_deliveries (tenant_id, event_id, consumer, aggregate_id, position)
        SELECT tenant_id, id, 'seen', aggregate_id, position FROM outbox_events WHERE tenant_id = $1
        """,
        scope.tenant_id,
    )
    await rounds(shop, work_of(seen.consumers()))
    assert seen.numbers == ["1"]
    assert await left(alone, "outbox_deliveries") == 0


async def test_a_poisoned_fact_delays_its_own_aggregate_only(alone: Any, shop: Shop, scope: Scope) -> None:
    seen, order_id = Seen(), uuid7()
    seen.poison = {"bad"}
    await publish(shop, scope, seen.consumers(), "bad", "after", order_id=order_id)
    await publish(shop, scope, seen.consumers(), "1", "2", "3")
    await rounds(shop, work_of(seen.consumers()))
    assert sorted(seen.numbers) == ["1", "1", "2", "2", "3", "3"] or sorted(seen.numbers) == ["1", "2", "3"]
    assert await counted(alone, scope) == 3, "what failed, or was rolled back with it, had no effect"
    assert await left(alone, "outbox_deliveries") == 2


async def test_after_the_last_attempt_a_fact_is_dead_the_later_ones_go_on_and_a_person_can_revive_it(
    alone: Any, shop: Shop, scope: Scope
) -> None:
    seen, order_id = Seen(), uuid7()
    seen.poison = {"bad"}
    await publish(shop, scope, seen.consumers(), "bad", "after", order_id=order_id)
    for _ in range(leases.MOST_ATTEMPTS):
        assert seen.numbers == []
        await hasten(alone)
        await rounds(shop, work_of(seen.consumers()))
    assert seen.numbers == ["after"]
    (letter,) = await dead.dead_letters(shop, scope)
    assert (letter.queue, letter.name, letter.subject) == ("outbox_deliveries", "seen", OrderConfirmed.topic)
    assert letter.attempts == leases.MOST_ATTEMPTS
    assert "no bad" in letter.last_error
    seen.poison = set()
    await dead.revive(shop, scope, letter.id)
    await rounds(shop, work_of(seen.consumers()))
    assert seen.numbers == ["after", "bad"]
    assert await dead.dead_letters(shop, scope) == []


async def test_two_workers_at_once_never_do_a_delivery_twice(alone: Any, shop: Shop, scope: Scope) -> None:
    seen = Seen()
    seen.sleep_seconds = 0.001
    await publish(shop, scope, seen.consumers(), *[str(number) for number in range(120)])
    async with running(shop, work_of(seen.consumers())), running(shop, work_of(seen.consumers())):
        await until(lambda: left_none(alone))
    assert await counted(alone, scope) == 120
    assert await left(alone, "outbox_deliveries") == 0


async def left_none(alone: Any) -> bool:
    return await left(alone, "outbox_deliveries") == 0


async def test_a_consumer_that_loses_its_lease_stores_nothing(alone: Any, shop: Shop, scope: Scope) -> None:
    seen = Seen()
    await publish(shop, scope, seen.consumers(), "1")
    lease = uuid4()
    async with shop.db.transaction(None) as sql:
        (claim,) = await leases.claim(sql, lease, seconds=0)
    async with shop.db.transaction(None) as sql:
        (again,) = await leases.claim(sql, uuid4())
    assert again == claim, "an ended lease hands the work over"
    work = work_of(seen.consumers())
    await work.deliver(shop, scope.tenant_id, [claim.id], lease)
    assert seen.numbers == [], "it saw that the delivery is somebody else's"
    assert await counted(alone, scope) == 0
    with pytest.raises(leases.LeaseLost):
        async with shop.db.transaction(scope.tenant_id) as sql:
            await leases.finish(sql, "outbox_deliveries", [claim.id], lease)
    assert await left(alone, "outbox_deliveries") == 1


async def test_a_worker_killed_in_the_middle_leaves_no_effect_and_no_loss(alone: Any, shop: Shop, scope: Scope) -> None:
    seen = Seen()

    async def die() -> None:
        raise asyncio.CancelledError

    seen.before_end = die
    await publish(shop, scope, seen.consumers(), "1", "2")
    with pytest.raises(asyncio.CancelledError):
        await Worker(shop, work_of(seen.consumers())).round()
    assert await counted(alone, scope) == 0
    seen.before_end, seen.numbers = None, []
    await rounds(shop, work_of(seen.consumers()))
    assert seen.numbers == [], "the lease of the dead still holds"
    await hasten(alone)
    await rounds(shop, work_of(seen.consumers()))
    assert sorted(seen.numbers) == ["1", "2"]
    assert await counted(alone, scope) == 2


async def test_work_that_nobody_here_knows_waits_for_somebody_who_does(alone: Any, shop: Shop, scope: Scope) -> None:
    seen, newer = Seen(), Seen("newer")
    both = Consumers([*seen.consumers().by_name.values(), *newer.consumers().by_name.values()])
    await publish(shop, scope, both, "1", "2")
    await enqueue(shop, scope, Job(kind="test.unknown"))
    await rounds(shop, work_of(seen.consumers()))
    assert sorted(set(seen.numbers)) == ["1", "2"]
    assert await counted(alone, scope) == 2
    assert await left(alone, "outbox_deliveries") == 2
    assert await alone.owner.fetchval("SELECT sum(attempts) FROM outbox_deliveries") == 0, "nobody has tried it"
    assert "nobody here" in await alone.owner.fetchval("SELECT last_error FROM jobs")
    await hasten(alone)
    await rounds(shop, work_of(both))
    assert sorted(newer.numbers) == ["1", "2"]


async def test_what_a_consumer_publishes_is_delivered_too_with_the_request_id_of_its_cause(
    alone: Any, shop: Shop, scope: Scope
) -> None:
    heard: list[str] = []

    async def echo(uow: Uow, event: Event) -> None:
        uow.publish(OrderProcessing(order_id=event.fact.order_id, number=event.fact.number))

    async def hear(uow: Uow, event: Event) -> None:
        heard.append(event.fact.number)

    consumers = Consumers(
        [
            Consumer(name="echo", topics=frozenset({OrderConfirmed.topic}), handle=echo),
            Consumer(name="hear", topics=frozenset({OrderProcessing.topic}), handle=hear),
        ]
    )
    for number in ("1", "2"):
        await publish(shop, structs.replace(scope, request_id=f"request-{number}"), consumers, number)
    await rounds(shop, work_of(consumers))
    assert sorted(heard) == ["1", "2"]
    rows = await alone.owner.fetch(
        "SELECT payload->>'number' AS number, request_id FROM outbox_events WHERE tenant_id = $1 AND topic = $2",
        scope.tenant_id,
        OrderProcessing.topic,
    )
    assert {(row["number"], row["request_id"]) for row in rows} == {("1", "request-1"), ("2", "request-2")}


# Jobs


async def test_a_job_runs_outside_transactions_and_is_gone(alone: Any, shop: Shop, scope: Scope) -> None:
    done: list[Any] = []

    async def do(given_shop: Any, given_scope: Scope, payload: Mapping[str, Any]) -> None:
        done.append((given_shop is shop, given_scope.tenant_id, payload))
        open_ones = await alone.owner.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'"
        )
        done.append(open_ones)

    await enqueue(shop, scope, Job(kind="test.do", payload={"n": 1}))
    await rounds(shop, work_of(handlers={"test.do": do}))
    assert done == [(True, scope.tenant_id, {"n": 1}), 0]
    assert await left(alone, "jobs") == 0


async def test_a_failing_job_comes_again_later_and_dies_visibly(alone: Any, shop: Shop, scope: Scope) -> None:
    tries = 0

    async def fail(*_: Any) -> None:
        nonlocal tries
        tries += 1
        raise RuntimeError("not today")

    await enqueue(shop, scope, Job(kind="test.fail", key="k"))
    work = work_of(handlers={"test.fail": fail})
    await rounds(shop, work)
    assert tries == 1
    waits = await alone.owner.fetchval("SELECT due_at - now() FROM jobs")
    assert 3 < waits.total_seconds() < 7
    for _ in range(leases.MOST_ATTEMPTS):
        await hasten(alone)
        await rounds(shop, work)
    assert tries == leases.MOST_ATTEMPTS
    (letter,) = await dead.dead_letters(shop, scope)
    assert (letter.name, letter.subject, letter.last_error) == ("test.fail", "k", "RuntimeError: not today")


async def test_a_slow_job_holds_up_neither_facts_nor_other_jobs(shop: Shop, scope: Scope) -> None:
    seen, go, quick = Seen(), asyncio.Event(), asyncio.Event()

    async def slow(*_: Any) -> None:
        await go.wait()

    async def fast(*_: Any) -> None:
        quick.set()

    async with running(shop, work_of(seen.consumers(), {"test.slow": slow, "test.fast": fast})):
        await enqueue(shop, scope, Job(kind="test.slow"))
        await asyncio.sleep(0.05)
        await enqueue(shop, scope, Job(kind="test.fast"))
        await publish(shop, scope, seen.consumers(), "1")
        await asyncio.wait_for(quick.wait(), 5)
        await until(lambda: seen.numbers == ["1"])
        go.set()


async def test_a_job_that_lost_its_lease_cannot_finish(alone: Any, shop: Shop, scope: Scope) -> None:
    started, go, runs = asyncio.Event(), asyncio.Event(), 0

    async def slow(*_: Any) -> None:
        nonlocal runs
        runs += 1
        started.set()
        await go.wait()

    await enqueue(shop, scope, Job(kind="test.slow"))
    work = work_of(handlers={"test.slow": slow})
    first = Worker(shop, work)
    await first.round()
    await asyncio.wait_for(started.wait(), 5)
    await hasten(alone)
    second = Worker(shop, work)
    await second.round()
    await until(lambda: runs == 2)
    go.set()
    await asyncio.gather(first.drain(), second.drain())
    assert await left(alone, "jobs") == 0
    assert await left(alone, "jobs") == 0, "the loser failed silently, the winner finished"


async def test_a_key_asked_for_again_while_its_job_runs_runs_again(alone: Any, shop: Shop, scope: Scope) -> None:
    started, go, payloads = asyncio.Event(), asyncio.Event(), []

    async def slow(_: Any, __: Any, payload: Mapping[str, Any]) -> None:
        payloads.append(payload["version"])
        started.set()
        await go.wait()

    work = work_of(handlers={"test.slow": slow})
    await enqueue(shop, scope, Job(kind="test.slow", key="one", payload={"version": 1}))
    worker = Worker(shop, work)
    await worker.round()
    await asyncio.wait_for(started.wait(), 5)
    await enqueue(shop, scope, Job(kind="test.slow", key="one", payload={"version": 2}))
    go.set()
    await worker.drain()
    await rounds(shop, work)
    assert payloads == [1, 2]
    assert await left(alone, "jobs") == 0


async def test_stopping_lets_jobs_end_and_gives_back_what_takes_too_long(
    alone: Any, shop: Shop, scope: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shopkit.worker.runner.STOP_SECONDS", 0.3)
    started, ended = asyncio.Event(), []

    async def short(*_: Any) -> None:
        started.set()
        await asyncio.sleep(0.1)
        ended.append("short")

    async def endless(*_: Any) -> None:
        await asyncio.Event().wait()

    async with running(shop, work_of(handlers={"test.short": short, "test.endless": endless})):
        await enqueue(shop, scope, Job(kind="test.endless"), Job(kind="test.short"))
        await asyncio.wait_for(started.wait(), 5)
    assert ended == ["short"]
    row = await alone.owner.fetchrow("SELECT kind, attempts, lease_token, due_at <= now() AS is_due FROM jobs")
    assert dict(row) == {"kind": "test.endless", "attempts": 0, "lease_token": None, "is_due": True}


# Schedules


async def schedule(alone: Any, scope: Scope, name: str, every_seconds: int = 60) -> None:
    await alone.owner.execute(
        "INSERT INTO schedules (tenant_id, name, every_seconds) VALUES ($1, $2, $3)",
        scope.tenant_id,
        name,
        every_seconds,
    )


async def test_a_chore_runs_until_little_is_left_and_comes_again(alone: Any, shop: Shop, scope: Scope) -> None:
    amounts = [500, 100, 99]

    async def chore(uow: Uow) -> int:
        assert uow.tenant_id == scope.tenant_id
        return amounts.pop(0)

    await schedule(alone, scope, "test.chore")
    work = work_of(schedules={"test.chore": Schedule(name="test.chore", every_seconds=60, run=chore)})
    await rounds(shop, work)
    assert amounts == []
    row = await alone.owner.fetchrow(
        """
        SELECT extract(epoch FROM due_at - now()) AS waits, attempts, lease_token, last_run_at IS NULL AS never
        FROM schedules
        """
    )
    assert 50 < row["waits"] <= 60
    assert (row["attempts"], row["lease_token"], row["never"]) == (0, None, False)
    amounts.append(0)
    await hasten(alone)
    await rounds(shop, work)
    assert amounts == []


async def test_a_chore_never_dies_and_is_tried_again_within_minutes(alone: Any, shop: Shop, scope: Scope) -> None:
    async def chore(_: Uow) -> int:
        raise RuntimeError("again not")

    await schedule(alone, scope, "test.chore")
    await alone.owner.execute("UPDATE schedules SET attempts = 5000")
    await rounds(shop, work_of(schedules={"test.chore": Schedule(name="test.chore", every_seconds=60, run=chore)}))
    row = await alone.owner.fetchrow(
        "SELECT extract(epoch FROM due_at - now()) AS waits, dead_at, last_error FROM schedules"
    )
    assert row["waits"] <= 360
    assert row["dead_at"] is None
    assert "again not" in row["last_error"]


# The loop


async def test_the_worker_is_woken_within_a_moment(shop: Shop, scope: Scope) -> None:
    seen = Seen()
    async with running(shop, work_of(seen.consumers())):
        await asyncio.sleep(0.1)
        begun = asyncio.get_running_loop().time()
        await publish(shop, scope, seen.consumers(), "1")
        await until(lambda: seen.numbers == ["1"])
        assert asyncio.get_running_loop().time() - begun < 0.5
    assert shop.worker_health() == "ok"


async def test_the_worker_wakes_for_what_another_process_commits(
    alone: Any, shop: Shop, scope: Scope, config: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = Seen()
    monkeypatch.setattr(shop, "config", structs.replace(config, worker_poll_seconds=30.0))
    async with (
        bootstrap.build(config, alone.databases.app, shop.keyring, size=2) as other,
        other.running(),
        running(shop, work_of(seen.consumers())),
    ):
        await asyncio.sleep(0.3)
        await publish(other, scope, seen.consumers(), "1")
        await until(lambda: seen.numbers == ["1"], seconds=5)


async def test_nothing_notifies_inside_a_business_transaction(shop: Shop, scope: Scope) -> None:
    statements: list[str] = []
    async with shop.db.transaction(scope.tenant_id) as probe:
        bodies = await probe.fetch(
            "SELECT prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosrc ~* 'notify'"
        )
    assert bodies == []
    seen = Seen()
    async with unit_of_work(shop.db, scope, seen.consumers(), caches=shop.caches, waker=shop.waker) as uow:
        uow.sql.add_query_logger(lambda record: statements.append(record.query))
        uow.publish(OrderConfirmed(order_id=uuid7(), number="1"))
        uow.enqueue(Job(kind="test.none"))
    assert statements
    assert not [statement for statement in statements if "notify" in statement.lower()]
