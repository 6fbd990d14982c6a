"""Epochs: every process learns of a change within a second, and believes nothing when it could not ask."""

import asyncio
import time

import pytest

from shopkit.bootstrap import Shop
from shopkit.core.kernel import epochs
from shopkit.core.kernel.epochs import FRESH_SECONDS, POLL_SECONDS, Epochs, bump


async def test_a_bump_is_seen_when_it_has_committed_and_only_then(shop: Shop) -> None:
    seen = Epochs()
    await seen.refresh(shop.db)
    before = seen.versions["settings"]
    async with shop.db.transaction(None) as sql:
        await bump(sql, "settings")
        await seen.refresh(shop.db)
        assert seen.versions["settings"] == before
    await seen.refresh(shop.db)
    assert seen.versions["settings"] == before + 1


async def test_what_was_not_asked_for_lately_is_not_believed(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = Epochs()
    assert not seen.is_fresh, "before the first answer there is nothing to believe"
    await seen.refresh(shop.db)
    assert seen.is_fresh
    asked_at = time.monotonic()
    monkeypatch.setattr(epochs.time, "monotonic", lambda: asked_at + FRESH_SECONDS)
    assert not seen.is_fresh


def test_a_lost_poll_is_made_up_for_before_anybody_reads_rows_and_nothing_lags_more_than_a_second() -> None:
    assert POLL_SECONDS * 2 < FRESH_SECONDS < 1


async def test_a_running_process_keeps_itself_fresh(shop: Shop) -> None:
    for _ in range(12):
        assert shop.epochs.is_fresh
        await asyncio.sleep(0.1)
