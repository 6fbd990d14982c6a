"""The worker as a process of its own: killed again and again, and left without its database."""

import asyncio
import contextlib
import os
import random
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import structlog

from shopkit import bootstrap
from shopkit.core.kernel import embedded, roles
from shopkit.core.kernel.config import Config
from shopkit.core.kernel.crypto import KeyRing
from shopkit.core.kernel.ids import uuid7
from shopkit.core.kernel.jobs import Handler, Job
from shopkit.core.kernel.outbox import Consumer, Consumers
from shopkit.core.kernel.uow import unit_of_work
from shopkit.migrations import runner
from shopkit.sdk.events import OrderConfirmed
from shopkit.worker.runner import run
from shopkit.worker.work import Work

FACTS = 300

WORKER = """
import asyncio, sys
from shopkit import bootstrap
from shopkit.core.kernel.config import Config
from shopkit.core.kernel.crypto import KeyRing
from shopkit.core.kernel.outbox import Consumer, Consumers
from shopkit.sdk.events import OrderConfirmed
from shopkit.worker.runner import run
from shopkit.worker.work import Work

async def count(uow, event):
    await uow.sql.execute(
        "UPDATE order_number_counters SET next_number = next_number + 1 WHERE store_id = $1", uow.scope.store.id)
    await asyncio.sleep(0.001)

async def main():
    config = Config(data_dir="/nonexistent", worker_poll_seconds=0.05)
    consumers = Consumers([Consumer(name="count", topics=frozenset({OrderConfirmed.topic}), handle=count)])
    async with bootstrap.build(config, sys.argv[1], KeyRing.generate(), size=4) as shop, shop.running():
        print("ready", flush=True)
        await run(shop, asyncio.Event(), Work(consumers=consumers, handlers={}, schedules={}))

asyncio.run(main())
"""


async def nothing(*_: Any) -> None:
    """Only the worker's process consumes."""


COUNTED = Consumers([Consumer(name="count", topics=frozenset({OrderConfirmed.topic}), handle=nothing)])


async def start(dsn: str) -> asyncio.subprocess.Process:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        WORKER,
        dsn,
        stdout=asyncio.subprocess.PIPE,
        env={"PATH": os.defpath, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    assert process.stdout is not None
    assert await asyncio.wait_for(process.stdout.readline(), 20) == b"ready\n"
    return process


async def test_killed_at_any_point_no_fact_is_lost_and_none_has_its_effect_twice(alone: Any, new_tenant: Any) -> None:
    tenant = await new_tenant(alone.shop, alone.owner)
    shop, owner, chance = alone.shop, alone.owner, random.Random(3)
    await owner.execute("DELETE FROM schedules")
    for start_at in range(0, FACTS, 30):
        async with unit_of_work(shop.db, tenant.scope, COUNTED, caches=shop.caches) as uow:
            for number in range(start_at, start_at + 30):
                uow.publish(OrderConfirmed(order_id=uuid7(), number=str(number)))

    async def left() -> int:
        # The leases of the dead end at once, here; in life they do after a minute.
        await owner.execute("UPDATE outbox_deliveries SET due_at = now(), attempts = 1 WHERE due_at > now()")
        return await owner.fetchval("SELECT count(*) FROM outbox_deliveries")

    kills, waiting = 0, FACTS
    while kills < 4 and waiting:
        process = await start(alone.databases.app)
        await asyncio.sleep(0.02 + chance.random() * 0.1)
        process.kill()
        await process.wait()
        kills += 1
        waiting = await left()
    assert kills >= 2, "it was killed while there was work"
    process = await start(alone.databases.app)
    async with asyncio.timeout(20):
        while await owner.fetchval("SELECT count(*) FROM outbox_deliveries"):
            await left()
            await asyncio.sleep(0.2)
    process.kill()
    await process.wait()
    counted = await owner.fetchval(
        "SELECT next_number FROM order_number_counters WHERE tenant_id = $1", tenant.made.tenant_id
    )
    assert counted - 1001 == FACTS


# Without its database


@pytest.fixture
def place() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="shopkit-worker-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@contextlib.asynccontextmanager
async def working(shop: Any, work: Work) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(run(shop, stop, work))
    try:
        yield
    finally:
        stop.set()
        await task


async def test_the_worker_waits_for_its_database_and_goes_on_when_it_is_back(
    place: Path, databases: Any, new_tenant: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I65. The error is logged once, not once per try."""
    monkeypatch.setattr("shopkit.worker.runner.MOST_AWAY_SECONDS", 0.2)
    monkeypatch.setattr("shopkit.worker.runner.AWAY_SECONDS", 0.1)
    server = embedded.start(place)
    await roles.create_roles(server.dsn(server.superuser, "postgres"))
    await roles.create_database(server.dsn(server.superuser, "postgres"), "shop")
    await roles.harden(server.dsn(server.superuser, "shop"))
    await runner.upgrade(server.dsn(roles.OWNER, "shop"), app_role=roles.APP)
    done: list[int] = []

    has_run = asyncio.Event()

    async def do(_: Any, __: Any, payload: Any) -> None:
        done.append(payload["n"])
        has_run.set()

    work = Work(consumers=Consumers(), handlers={"test.do": Handler(kind="test.do", run=do)}, schedules={})
    config = Config(data_dir="/nonexistent", worker_poll_seconds=0.1)

    async def until_done(*numbers: int) -> None:
        await asyncio.wait_for(has_run.wait(), 15)
        has_run.clear()
        assert done == list(numbers)

    async with (
        bootstrap.build(config, server.dsn(roles.APP, "shop"), KeyRing.generate(), size=4) as shop,
        shop.running(),
    ):
        owner = await asyncpg.connect(server.dsn(roles.OWNER, "shop"))
        tenant = await new_tenant(shop, owner)
        await owner.execute("DELETE FROM schedules")
        await owner.close()

        async def enqueue(number: int) -> None:
            async with shop.uow(tenant.scope) as uow:
                uow.enqueue(Job(kind="test.do", payload={"n": number}))

        with structlog.testing.capture_logs() as logs:
            async with working(shop, work):
                await enqueue(1)
                await until_done(1)
                server.stop()
                await asyncio.sleep(1)
                server = embedded.start(place)
                await enqueue(2)
                await until_done(1, 2)
        assert [line["event"] for line in logs if line["event"].startswith("worker_")] == [
            "worker_interrupted",
            "worker_back",
        ]
    server.stop()
