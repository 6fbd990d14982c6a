"""Leases: one process at a time, handed over when it dies, never finished by a loser."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest

from shopkit.bootstrap import Shop
from shopkit.core.kernel import leases, outbox
from shopkit.core.kernel.ids import uuid7
from shopkit.core.kernel.jobs import Job
from shopkit.core.kernel.leases import Claim, LeaseLost
from shopkit.core.kernel.outbox import Consumer, Consumers
from shopkit.core.kernel.scope import Scope
from shopkit.core.kernel.uow import unit_of_work
from shopkit.sdk.events import OrderConfirmed


@pytest.fixture
async def shop(alone: Any) -> Shop:
    for table in ("outbox_deliveries", "jobs", "schedules"):
        await alone.owner.execute(f"DELETE FROM {table}")
    return alone.shop


@pytest.fixture
async def scope(alone: Any, shop: Shop, new_tenant: Any) -> Scope:
    tenant = await new_tenant(shop, alone.owner)
    await alone.owner.execute("DELETE FROM schedules")
    return tenant.scope


async def claim(shop: Shop, lease: UUID | None = None, **sizes: int) -> list[Claim]:
    async with shop.db.transaction(None) as sql:
        return await leases.claim(sql, lease or uuid4(), **sizes)


async def enqueue(shop: Shop, scope: Scope, *jobs: Job) -> None:
    async with shop.uow(scope) as uow:
        for job in jobs:
            uow.enqueue(job)


async def nothing(*_: Any) -> None:
    """A consumer that is never called here."""


HEARD = Consumers([Consumer(name="ears", topics=frozenset({OrderConfirmed.topic}), handle=nothing)])


async def publish(shop: Shop, scope: Scope, order_id: UUID, number: str) -> None:
    async with unit_of_work(shop.db, scope, HEARD, caches=shop.caches) as uow:
        uow.publish(OrderConfirmed(order_id=order_id, number=number))


async def row(alone: Any, table: str = "jobs") -> Any:
    return await alone.owner.fetchrow(f"SELECT *, due_at - now() AS waits FROM {table}")


async def test_work_of_all_tenants_is_claimed_once(alone: Any, shop: Shop, scope: Scope, new_tenant: Any) -> None:
    other = await new_tenant(shop, alone.owner)
    await alone.owner.execute("DELETE FROM schedules")
    for one in (scope, other.scope):
        await enqueue(shop, one, *(Job(kind=f"test.{number}") for number in range(5)))
    claims = await claim(shop)
    assert len(claims) == 10
    assert {each.tenant_id for each in claims} == {scope.tenant_id, other.made.tenant_id}
    assert await claim(shop) == []


async def test_many_processes_at_once_share_the_work(shop: Shop, scope: Scope) -> None:
    await enqueue(shop, scope, *(Job(kind="test.x") for _ in range(200)))
    shares = await asyncio.gather(*(claim(shop, jobs=30) for _ in range(10)))
    everything = [each.id for share in shares for each in share]
    assert len(everything) == len(set(everything)) == 200


async def test_a_claim_takes_so_many_of_each_queue(shop: Shop, scope: Scope) -> None:
    await enqueue(shop, scope, *(Job(kind="test.x") for _ in range(5)))
    assert await claim(shop, jobs=0) == []
    assert len(await claim(shop, jobs=3)) == 3
    assert len(await claim(shop)) == 2


async def test_what_is_not_due_is_not_claimed(alone: Any, shop: Shop, scope: Scope) -> None:
    await enqueue(shop, scope, Job(kind="test.later", delay_seconds=60))
    assert await claim(shop) == []
    waits = (await row(alone))["waits"].total_seconds()
    assert 55 < waits <= 60


async def test_an_ended_lease_hands_the_work_over_and_the_loser_cannot_finish(
    alone: Any, shop: Shop, scope: Scope
) -> None:
    await enqueue(shop, scope, Job(kind="test.x"))
    first, second = uuid4(), uuid4()
    (claimed,) = await claim(shop, first, seconds=0)
    assert await claim(shop, second) == [claimed]
    with pytest.raises(LeaseLost):
        async with shop.db.transaction(scope.tenant_id) as sql:
            await sql.execute("INSERT INTO vendors (slug, name) VALUES ('effect', 'x')")
            await leases.finish(sql, "jobs", [claimed.id], first)
    async with shop.db.transaction(scope.tenant_id) as sql:
        assert await sql.fetchval("SELECT count(*) FROM vendors") == 1, "the loser's effect is gone"
        assert await leases.fail(sql, claimed, first, "late") is None
        await leases.give_back(sql, "jobs", [claimed.id], first)
    assert (await row(alone))["lease_token"] == second
    async with shop.db.transaction(scope.tenant_id) as sql:
        await leases.finish(sql, "jobs", [claimed.id], second)
    assert await row(alone) is None


async def test_finishing_many_is_all_or_nothing(alone: Any, shop: Shop, scope: Scope) -> None:
    await enqueue(shop, scope, Job(kind="test.a"), Job(kind="test.b"))
    lease = uuid4()
    ids = [each.id for each in await claim(shop, lease)]
    with pytest.raises(LeaseLost):
        async with shop.db.transaction(scope.tenant_id) as sql:
            await leases.finish(sql, "jobs", [*ids, uuid7()], lease)
    assert await alone.owner.fetchval("SELECT count(*) FROM jobs") == 2


async def test_another_tenant_cannot_finish_it_even_with_the_lease(
    alone: Any, shop: Shop, scope: Scope, new_tenant: Any
) -> None:
    other = await new_tenant(shop, alone.owner)
    await alone.owner.execute("DELETE FROM schedules")
    await enqueue(shop, scope, Job(kind="test.x"))
    lease = uuid4()
    (claimed,) = await claim(shop, lease)
    with pytest.raises(LeaseLost):
        async with shop.db.transaction(other.made.tenant_id) as sql:
            await leases.finish(sql, "jobs", [claimed.id], lease)


@pytest.mark.parametrize(("attempts", "least", "most"), [(1, 3, 7), (2, 11, 19), (5, 320, 500), (11, 17_000, 26_000)])
async def test_the_back_off_triples_up_to_six_hours(
    alone: Any, shop: Shop, scope: Scope, attempts: int, least: float, most: float
) -> None:
    await enqueue(shop, scope, Job(kind="test.x"))
    await alone.owner.execute("UPDATE jobs SET attempts = $1", attempts - 1)
    lease = uuid4()
    (claimed,) = await claim(shop, lease)
    async with shop.db.transaction(scope.tenant_id) as sql:
        failed = await leases.fail(sql, claimed, lease, "x" * 5000)
    assert (failed.attempts, failed.is_dead) == (attempts, False)
    stored = await row(alone)
    assert least <= stored["waits"].total_seconds() <= most
    assert len(stored["last_error"]) == 2000


async def test_after_the_last_attempt_it_is_dead_and_can_be_revived(alone: Any, shop: Shop, scope: Scope) -> None:
    await enqueue(shop, scope, Job(kind="test.x", key="k"))
    await alone.owner.execute("UPDATE jobs SET attempts = $1", leases.MOST_ATTEMPTS - 1)
    lease = uuid4()
    (claimed,) = await claim(shop, lease)
    async with shop.db.transaction(scope.tenant_id) as sql:
        assert (await leases.fail(sql, claimed, lease, "no")).is_dead
    await alone.owner.execute("UPDATE jobs SET due_at = now()")
    assert await claim(shop) == []
    async with shop.db.transaction(scope.tenant_id) as sql:
        (letter,) = await leases.dead_letters(sql)
        assert (letter.id, letter.name, letter.subject, letter.last_error) == (claimed.id, "test.x", "k", "no")
        assert not await leases.revive(sql, uuid7())
        assert await leases.revive(sql, letter.id)
        assert not await leases.revive(sql, letter.id), "it lives already"
    assert await claim(shop) == [claimed]
    assert (await row(alone))["attempts"] == 1


async def test_what_kills_its_process_every_time_is_dead_in_the_end(alone: Any, shop: Shop, scope: Scope) -> None:
    await enqueue(shop, scope, Job(kind="test.killer"))
    for _ in range(leases.MOST_ATTEMPTS):
        assert len(await claim(shop, seconds=0)) == 1
    assert await claim(shop) == []
    stored = await row(alone)
    assert stored["dead_at"] is not None
    assert "died" in stored["last_error"]


async def test_giving_back_counts_as_no_attempt(alone: Any, shop: Shop, scope: Scope) -> None:
    await enqueue(shop, scope, Job(kind="test.x"))
    lease = uuid4()
    (claimed,) = await claim(shop, lease)
    async with shop.db.transaction(scope.tenant_id) as sql:
        await leases.give_back(sql, "jobs", [claimed.id], lease, delay_seconds=30, reason="not here")
    stored = await row(alone)
    assert (stored["attempts"], stored["lease_token"], stored["last_error"]) == (0, None, "not here")
    assert 25 < stored["waits"].total_seconds() <= 30


async def test_a_later_fact_of_an_aggregate_waits_for_the_earlier_one(alone: Any, shop: Shop, scope: Scope) -> None:
    order_id = uuid7()
    for number in ("1", "2"):
        await publish(shop, scope, order_id, number)
    await publish(shop, scope, uuid7(), "other")
    lease = uuid4()
    first = await claim(shop, lease)
    assert len(first) == 2, "one of each order"
    assert await claim(shop) == []
    async with shop.db.transaction(scope.tenant_id) as sql:
        await leases.finish(sql, "outbox_deliveries", [each.id for each in first], lease)
    assert len(await claim(shop)) == 1


async def test_a_dead_fact_lets_the_later_ones_of_its_aggregate_go(alone: Any, shop: Shop, scope: Scope) -> None:
    order_id = uuid7()
    for number in ("1", "2"):
        await publish(shop, scope, order_id, number)
    await alone.owner.execute(
        "UPDATE outbox_deliveries SET dead_at = now() WHERE position = (SELECT min(position) FROM outbox_deliveries)"
    )
    (later,) = await claim(shop)
    payload = await alone.owner.fetchval(
        "SELECT payload FROM outbox_events e JOIN outbox_deliveries d ON d.event_id = e.id WHERE d.id = $1", later.id
    )
    assert '"2"' in payload


async def test_a_claim_passes_over_what_is_locked_instead_of_waiting(alone: Any, shop: Shop, scope: Scope) -> None:
    await enqueue(shop, scope, Job(kind="test.a"), Job(kind="test.b"), Job(kind="test.dying"))
    await alone.owner.execute("UPDATE jobs SET attempts = 50 WHERE kind = 'test.dying'")
    async with shop.db.transaction(scope.tenant_id) as busy:
        await busy.execute("SELECT FROM jobs WHERE kind IN ('test.a', 'test.dying') FOR UPDATE")
        assert len(await asyncio.wait_for(claim(shop), 1)) == 1


async def test_claiming_looks_at_due_rows_only(alone: Any, shop: Shop, scope: Scope) -> None:
    """Ten thousand rows that wait for their time cost a poll nothing."""
    await alone.owner.execute(
        """
        INSERT INTO jobs (tenant_id, kind, due_at)
        SELECT $1, 'test.later', now() + interval '1 day' FROM generate_series(1, 10000)
        """,
        scope.tenant_id,
    )
    await alone.owner.execute("ANALYZE jobs")
    plan = await alone.owner.fetch(
        "EXPLAIN SELECT id FROM jobs WHERE dead_at IS NULL AND due_at <= now() ORDER BY due_at LIMIT 100 FOR UPDATE"
    )
    text = "\n".join(line[0] for line in plan)
    assert "ix_jobs_due" in text
    assert "Seq Scan" not in text


async def test_facts_that_nobody_waits_for_are_forgotten_after_thirty_days(
    alone: Any, shop: Shop, scope: Scope
) -> None:
    for number in ("old", "waiting", "new"):
        await publish(shop, scope, uuid7(), number)
    await alone.owner.execute(
        "UPDATE outbox_events SET created_at = now() - interval '31 days' WHERE payload->>'number' <> 'new'"
    )
    await alone.owner.execute(
        """
        DELETE FROM outbox_deliveries d USING outbox_events e
        WHERE e.id = d.event_id AND e.payload->>'number' <> 'waiting'
        """
    )
    async with shop.uow(scope) as uow:
        assert await outbox.purge(uow) == 1
    left = await alone.owner.fetch(
        "SELECT payload->>'number' AS number FROM outbox_events WHERE tenant_id = $1 ORDER BY position", scope.tenant_id
    )
    assert [each["number"] for each in left] == ["waiting", "new"]
