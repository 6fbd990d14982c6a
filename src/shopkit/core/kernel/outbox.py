"""Facts written in the transaction that made them true, one delivery per consumer, each at least once (I27–I30)."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Struct
from sqlalchemy import BigInteger, Identity
from sqlalchemy.orm import Mapped, mapped_column

from shopkit.core.kernel.ids import uuid7
from shopkit.core.kernel.leases import Leased, due_index
from shopkit.core.kernel.tables import Big, TenantRow, belongs_to, func, unique
from shopkit.sdk.events import FACTS, Fact

if TYPE_CHECKING:
    from shopkit.core.kernel.uow import Uow


class OutboxEvent(TenantRow):
    """A committed fact, kept 30 days for audit and replay (B9, D37)."""

    __tablename__ = "outbox_events"

    position: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    topic: Mapped[str]
    aggregate_id: Mapped[UUID]
    payload: Mapped[dict[str, Any]]
    request_id: Mapped[str] = mapped_column(server_default="")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)


class OutboxDelivery(Leased, TenantRow):
    """One fact on its way to one consumer; deleted when done, kept when dead."""

    __tablename__ = "outbox_deliveries"
    __table_args__ = (
        unique("consumer", "aggregate_id", "position"),
        belongs_to("event_id", "outbox_events"),
        due_index("outbox_deliveries"),
    )

    event_id: Mapped[UUID]
    consumer: Mapped[str]
    aggregate_id: Mapped[UUID]
    position: Mapped[Big]


class ProcessedEvent(TenantRow):
    """A consumer has acted on an event; written with the effect, so that a second delivery does nothing (B10)."""

    __tablename__ = "processed_events"
    __table_args__ = (unique("consumer", "event_id"),)

    consumer: Mapped[str]
    event_id: Mapped[UUID]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)


class Event(Struct, frozen=True, kw_only=True):
    """A fact as its consumers get it."""

    id: UUID
    """The same at every delivery, for whoever must know it again."""
    fact: Fact
    happened_at: datetime


class Consumer(Struct, frozen=True, kw_only=True):
    """Somebody who wants facts. `handle` runs in the transaction that marks the event as processed (I28)."""

    name: str
    topics: frozenset[str]
    handle: "Callable[[Uow, Event], Awaitable[None]]"


class Consumers:
    """Who listens to what; fixed when the process starts, equal in every process."""

    def __init__(self, consumers: Sequence[Consumer] = ()) -> None:
        self.by_name: Mapping[str, Consumer] = {consumer.name: consumer for consumer in consumers}
        unknown = {topic for consumer in consumers for topic in consumer.topics} - set(FACTS)
        if unknown or len(self.by_name) != len(consumers):
            raise ValueError(f"Consumers need names of their own and known topics: {sorted(unknown)}")
        self.of: Mapping[str, tuple[str, ...]] = {
            topic: tuple(c.name for c in consumers if topic in c.topics) for topic in FACTS
        }


WRITE = """
WITH given AS (
    SELECT * FROM jsonb_to_recordset($1::jsonb)
        AS g(id uuid, topic text, aggregate_id uuid, payload jsonb, consumers jsonb)
), written AS (
    INSERT INTO outbox_events (id, topic, aggregate_id, payload, request_id)
    SELECT id, topic, aggregate_id, payload, $2 FROM given
    RETURNING id, aggregate_id, position
)
INSERT INTO outbox_deliveries (event_id, consumer, aggregate_id, position)
SELECT w.id, c.name, w.aggregate_id, w.position
FROM written w JOIN given g USING (id), jsonb_array_elements_text(g.consumers) AS c(name)
"""


async def write(sql: asyncpg.Connection, facts: Sequence[Fact], consumers: Consumers, request_id: str) -> bool:
    """Store the facts and one delivery per consumer in one statement. True if anybody has something to do."""
    rows = [
        {
            "id": uuid7(),
            "topic": fact.topic,
            "aggregate_id": getattr(fact, fact.aggregate),
            "payload": fact,
            "consumers": consumers.of[fact.topic],
        }
        for fact in facts
    ]
    await sql.execute(WRITE, msgspec.json.encode(rows), request_id)
    return any(row["consumers"] for row in rows)


def decode(topic: str, payload: Any) -> Fact:
    """The fact that a stored row stands for."""
    return msgspec.convert(payload, FACTS[topic])


async def purge(uow: "Uow") -> int:
    """Delete facts older than 30 days that nobody waits for, and the marks of those who saw them, in batches."""
    done = await uow.sql.execute(
        """
        DELETE FROM outbox_events WHERE id IN (
            SELECT e.id FROM outbox_events e WHERE e.created_at < now() - interval '30 days'
            AND NOT EXISTS (SELECT FROM outbox_deliveries d WHERE d.event_id = e.id) ORDER BY e.created_at LIMIT 500)
        """
    )
    await uow.sql.execute(
        """
        DELETE FROM processed_events WHERE id IN (
            SELECT id FROM processed_events WHERE created_at < now() - interval '60 days' LIMIT 500)
        """
    )
    return int(done.split()[-1])


CHANNEL = "shopkit_work"
COALESCE_SECONDS = 0.05


class Waker:
    """Tells workers that there is work: at most one NOTIFY per 50 ms and process, never inside a business transaction.

    Correctness never depends on it; the worker polls as well.
    """

    def __init__(self) -> None:
        self.event = asyncio.Event()
        self._send = asyncio.Event()

    def poke(self) -> None:
        """There may be work. Costs two flag settings."""
        self.event.set()
        self._send.set()

    async def run(self, dsn: str) -> None:
        """Send the notices of this process and hear those of others, until cancelled; reconnect after a failure."""
        while True:
            try:
                connection = await asyncpg.connect(dsn, server_settings={"application_name": "shopkit waker"})
            except (OSError, asyncpg.PostgresError):
                await asyncio.sleep(1)
                continue
            try:
                await connection.add_listener(CHANNEL, lambda *_: self.event.set())
                while not connection.is_closed():
                    try:
                        await asyncio.wait_for(self._send.wait(), timeout=5)
                    except TimeoutError:
                        continue
                    self._send.clear()
                    await connection.execute(f"NOTIFY {CHANNEL}")
                    await asyncio.sleep(COALESCE_SECONDS)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await asyncio.sleep(1)
            finally:
                connection.terminate()
