"""Jobs: rows of the caller's transaction, one waiting row per key."""

from typing import Any

from shopkit import registry
from shopkit.bootstrap import Shop
from shopkit.core.kernel.jobs import Job
from shopkit.core.kernel.scope import Scope


async def enqueue(shop: Shop, scope: Scope, *jobs: Job) -> None:
    async with shop.uow(scope) as uow:
        for job in jobs:
            uow.enqueue(job)


async def rows(owner: Any, scope: Scope) -> list[Any]:
    return await owner.fetch(
        """
        SELECT kind, key, payload::text, attempts, lease_token, dead_at, extract(epoch FROM due_at - now())::int
               AS waits
        FROM jobs WHERE tenant_id = $1 ORDER BY kind, key
        """,
        scope.tenant_id,
    )


async def test_jobs_with_a_key_wait_once_and_those_without_each_for_themselves(
    shop: Shop, owner: Any, scope: Scope
) -> None:
    await enqueue(shop, scope, Job(kind="t.a", key="k"), Job(kind="t.a", key="k"), Job(kind="t.b"), Job(kind="t.b"))
    await enqueue(shop, scope, Job(kind="t.a", key="k"), Job(kind="t.a", key="other"), Job(kind="t.c", key="k"))
    found = [(row["kind"], row["key"]) for row in await rows(owner, scope)]
    assert found == [("t.a", "k"), ("t.a", "other"), ("t.b", None), ("t.b", None), ("t.c", "k")]


async def test_equal_keys_of_two_tenants_are_two_jobs(shop: Shop, owner: Any, scope: Scope, other_tenant: Any) -> None:
    for one in (scope, other_tenant.scope):
        await enqueue(shop, one, Job(kind="t.a", key="k"))
        assert len(await rows(owner, one)) == 1


async def test_asked_again_it_takes_the_new_payload_and_the_earlier_time(shop: Shop, owner: Any, scope: Scope) -> None:
    await enqueue(shop, scope, Job(kind="t.a", key="k", payload={"n": 1}, delay_seconds=600))
    await enqueue(shop, scope, Job(kind="t.a", key="k", payload={"n": 2}, delay_seconds=60))
    await enqueue(shop, scope, Job(kind="t.a", key="k", payload={"n": 3}, delay_seconds=300))
    (row,) = await rows(owner, scope)
    assert row["payload"] == '{"n": 3}'
    assert 55 <= row["waits"] <= 60


async def test_asked_again_a_dead_job_lives(shop: Shop, owner: Any, scope: Scope) -> None:
    await enqueue(shop, scope, Job(kind="t.a", key="k"))
    await owner.execute("UPDATE jobs SET dead_at = now(), attempts = 12 WHERE tenant_id = $1", scope.tenant_id)
    await enqueue(shop, scope, Job(kind="t.a", key="k"))
    (row,) = await rows(owner, scope)
    assert (row["dead_at"], row["attempts"]) == (None, 0)


async def test_jobs_cost_one_statement(shop: Shop, scope: Scope) -> None:
    statements: list[str] = []
    async with shop.uow(scope) as uow:
        uow.sql.add_query_logger(lambda record: statements.append(record.query))
        for number in range(10):
            uow.enqueue(Job(kind="t.a", payload={"n": number}))
    assert len(statements) == 2


async def test_every_tenant_has_a_row_for_each_chore(owner: Any, tenant: Any) -> None:
    found = await owner.fetch("SELECT name, every_seconds FROM schedules WHERE tenant_id = $1", tenant.made.tenant_id)
    assert {(row["name"], row["every_seconds"]) for row in found} == {
        (schedule.name, schedule.every_seconds) for schedule in registry.SCHEDULES
    }


def test_names_of_handlers_and_chores_say_their_domain_and_stand_once() -> None:
    names = [*registry.HANDLERS, *(schedule.name for schedule in registry.SCHEDULES), *registry.CONSUMERS.by_name]
    assert len(names) == len(set(names))
    assert all("." in name for name in names)
    assert all(kind == handler.kind for kind, handler in registry.HANDLERS.items())
