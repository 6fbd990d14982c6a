"""Reads that arrive together are one transaction, and nobody notices."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from shopkit.core.kernel.batching import MOST, Batches


class Reads:
    """A read that doubles numbers, and what was asked of it."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []
        self.transactions: list[int] = []
        self.calls: asyncio.Queue[None] = asyncio.Queue()
        self.gate: asyncio.Event | None = None

    async def __call__(self, uow: Any, numbers: Sequence[int]) -> list[int]:
        self.asked.append(list(numbers))
        self.calls.put_nowait(None)
        self.transactions.append(await uow.sql.fetchval("SELECT pg_current_xact_id()::text::bigint"))
        if self.gate:
            await self.gate.wait()
        if 13 in numbers:
            raise ValueError("thirteen")
        return [2 * number for number in numbers]


@pytest.fixture
def batches(shop: Any) -> Batches:
    return Batches(shop.uow)


async def test_what_arrives_together_is_answered_in_one_transaction(batches: Batches, scope: Any) -> None:
    read = Reads()
    answers = await asyncio.gather(*(batches.ask(scope, read, number) for number in range(10)))
    assert answers == [0, 2, 4, 6, 8, 10, 12, 14, 16, 18]
    assert read.asked == [list(range(10))]


async def test_equal_questions_are_asked_once(batches: Batches, scope: Any) -> None:
    read = Reads()
    assert await asyncio.gather(*(batches.ask(scope, read, 7) for _ in range(5))) == [14] * 5
    assert read.asked == [[7]]


async def test_an_answer_is_never_older_than_its_question(batches: Batches, scope: Any) -> None:
    """A question that comes while the same one is being answered is asked again."""
    read = Reads()
    read.gate = asyncio.Event()
    first = asyncio.create_task(batches.ask(scope, read, 7))
    await read.calls.get()
    second = asyncio.create_task(batches.ask(scope, read, 7))
    await read.calls.get()
    assert len(read.asked) == 2
    read.gate.set()
    assert await asyncio.gather(first, second) == [14, 14]
    assert len(set(read.transactions)) == 2


async def test_a_crowd_is_answered_in_parts(batches: Batches, scope: Any) -> None:
    read = Reads()
    count = 3 * MOST + 1
    answers = await asyncio.gather(*(batches.ask(scope, read, 100 + number) for number in range(count)))
    assert answers == [2 * (100 + number) for number in range(count)]
    assert max(map(len, read.asked)) == MOST


async def test_one_that_fails_spoils_only_itself(batches: Batches, scope: Any) -> None:
    read = Reads()
    answers = await asyncio.gather(
        *(batches.ask(scope, read, number) for number in (12, 13, 14)), return_exceptions=True
    )
    assert answers[::2] == [24, 28]
    assert isinstance(answers[1], ValueError)


async def test_who_leaves_takes_nobody_along(batches: Batches, scope: Any) -> None:
    read = Reads()
    read.gate = asyncio.Event()
    leaving, staying = (asyncio.create_task(batches.ask(scope, read, 7)) for _ in range(2))
    await read.calls.get()
    leaving.cancel()
    read.gate.set()
    assert await staying == 14
    with pytest.raises(asyncio.CancelledError):
        await leaving


async def test_tenants_stores_and_languages_never_share(batches: Batches, scope: Any, other_tenant: Any) -> None:
    seen: list[tuple[Any, str]] = []

    async def read(uow: Any, numbers: Sequence[int]) -> list[Any]:
        seen.append((uow.tenant_id, uow.scope.locale))
        return [(await uow.sql.fetchval("SELECT tenant_id FROM stores"), uow.scope.locale)] * len(numbers)

    scopes = [scope, replace(scope, locale="bn"), other_tenant.scope]
    answers = await asyncio.gather(*(batches.ask(each, read, 1) for each in scopes * 3))
    assert answers == [(each.tenant_id, each.locale) for each in scopes * 3]
    assert len(seen) == 3


async def test_nothing_is_left_behind(batches: Batches, scope: Any) -> None:
    await asyncio.gather(*(batches.ask(scope, Reads(), number) for number in range(5)))
    await asyncio.sleep(0)
    assert not batches._queues
