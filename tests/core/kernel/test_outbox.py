"""The outbox: a delivery per consumer, positions, and the wake-up that never touches a business transaction."""

import asyncio
from typing import Any

import asyncpg
import msgspec
import pytest

from shopkit.bootstrap import Shop
from shopkit.core.kernel import outbox
from shopkit.core.kernel.ids import uuid7
from shopkit.core.kernel.outbox import CHANNEL, Consumer, Consumers, Waker
from shopkit.core.kernel.scope import Scope
from shopkit.core.kernel.uow import unit_of_work
from shopkit.sdk.events import FACTS, OrderConfirmed, OrderPlaced, StockLow


async def nothing(*_: Any) -> None:
    """A consumer that is never called here."""


def listening(name: str, *topics: str) -> Consumer:
    return Consumer(name=name, topics=frozenset(topics), handle=nothing)


BOTH = Consumers([listening("one", OrderConfirmed.topic), listening("two", OrderConfirmed.topic, OrderPlaced.topic)])


async def test_each_consumer_of_a_topic_gets_a_delivery(shop: Shop, owner: asyncpg.Connection, scope: Scope) -> None:
    order_id, variant_id = uuid7(), uuid7()
    async with unit_of_work(shop.db, scope, BOTH, caches=shop.caches) as uow:
        uow.publish(OrderConfirmed(order_id=order_id, number="1"))
        uow.publish(StockLow(variant_id=variant_id, location_id=uuid7(), available=1))
    assert uow.has_work
    events = await owner.fetch("SELECT * FROM outbox_events WHERE tenant_id = $1 ORDER BY position", scope.tenant_id)
    assert [(event["topic"], event["aggregate_id"]) for event in events] == [
        ("order.confirmed", order_id),
        ("stock.low", variant_id),
    ]
    deliveries = await owner.fetch(
        "SELECT * FROM outbox_deliveries WHERE tenant_id = $1 ORDER BY consumer", scope.tenant_id
    )
    assert [(row["consumer"], row["event_id"], row["position"], row["aggregate_id"]) for row in deliveries] == [
        (name, events[0]["id"], events[0]["position"], order_id) for name in ("one", "two")
    ]


async def test_a_fact_that_nobody_hears_is_kept_and_wakes_nobody(shop: Shop, owner: Any, scope: Scope) -> None:
    async with unit_of_work(shop.db, scope, Consumers(), caches=shop.caches) as uow:
        uow.publish(OrderConfirmed(order_id=uuid7(), number="1"))
    assert not uow.has_work
    assert await owner.fetchval("SELECT count(*) FROM outbox_events WHERE tenant_id = $1", scope.tenant_id) == 1


async def test_facts_and_deliveries_cost_one_statement(shop: Shop, scope: Scope) -> None:
    statements: list[str] = []
    async with unit_of_work(shop.db, scope, BOTH, caches=shop.caches) as uow:
        uow.sql.add_query_logger(lambda record: statements.append(record.query))
        for number in range(10):
            uow.publish(OrderConfirmed(order_id=uuid7(), number=str(number)))
    assert len(statements) == 2, "the facts, and COMMIT"


@pytest.mark.parametrize("topic", FACTS)
def test_every_fact_comes_back_as_it_was_stored(topic: str) -> None:
    type_ = FACTS[topic]
    values: dict[str, Any] = {"UUID": uuid7(), "str": "x", "int": 2**60}
    fact = type_(**{field.name: values[field.type.__name__] for field in msgspec.structs.fields(type_)})
    stored = msgspec.json.decode(msgspec.json.encode(fact))
    assert outbox.decode(topic, stored) == fact
    assert type_.aggregate in type_.__struct_fields__
    assert type_.topic == topic


def test_a_fact_of_a_newer_version_with_more_fields_is_understood() -> None:
    stored = {"order_id": str(uuid7()), "number": "1", "new_field": True}
    assert outbox.decode("order.confirmed", stored).number == "1"


@pytest.mark.parametrize(
    "wrong",
    [[listening("a", "order.unheard_of")], [listening("a", "order.placed"), listening("a", "order.confirmed")]],
)
def test_consumers_have_names_of_their_own_and_known_topics(wrong: list[Consumer]) -> None:
    with pytest.raises(ValueError, match="names of their own"):
        Consumers(wrong)


async def test_many_wake_ups_are_one_notice(databases: Any) -> None:
    listener = await asyncpg.connect(databases.app)
    notices: list[Any] = []
    await listener.add_listener(CHANNEL, lambda *args: notices.append(args))
    waker = Waker()
    running = asyncio.create_task(waker.run(databases.app))
    try:
        await until_heard(waker, notices)
        await asyncio.sleep(0.2)
        notices.clear()
        for _ in range(1000):
            waker.poke()
            await asyncio.sleep(0)
        await asyncio.sleep(0.3)
        assert 1 <= len(notices) <= 5
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await listener.close()


async def until_heard(waker: Waker, notices: list[Any]) -> None:
    async with asyncio.timeout(5):
        while not notices:
            waker.poke()
            await asyncio.sleep(0.02)


async def test_the_waker_comes_back_after_its_connection_was_cut(databases: Any, shop: Shop) -> None:
    admin = await asyncpg.connect(databases.admin)
    ended = await admin.fetchval(
        """
        SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
        WHERE application_name = 'shopkit waker' AND datname = $1
        """,
        databases.name,
    )
    assert ended >= 1
    await admin.close()
    listener = await asyncpg.connect(databases.app)
    notices: list[Any] = []
    await listener.add_listener(CHANNEL, lambda *args: notices.append(args))
    await until_heard(shop.waker, notices)
    await listener.close()
