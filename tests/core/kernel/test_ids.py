"""Ids are versions 7, unique and in order."""

import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from uuid import UUID

import pytest

from shopkit.core.kernel import ids
from shopkit.core.kernel.ids import uuid7


def test_an_id_is_a_real_uuid_of_version_7() -> None:
    made = uuid7()
    assert type(made) is UUID
    assert (made.version, made.variant) == (7, "specified in RFC 4122")
    assert UUID(str(made)) == made
    assert hash(UUID(bytes=made.bytes)) == hash(made)


def test_an_id_carries_the_time() -> None:
    before = time.time_ns() // 1_000_000
    made = uuid7()
    assert before <= made.int >> 80 <= time.time_ns() // 1_000_000 + 100


def test_ids_rise_within_a_process() -> None:
    made = [uuid7() for _ in range(20_000)]
    assert all(a < b for a, b in pairwise(made))


def test_threads_never_share_an_id_and_each_sees_them_rise() -> None:
    with ThreadPoolExecutor(8) as pool:
        batches = list(pool.map(lambda _: [uuid7() for _ in range(2_000)], range(8)))
    assert all(batch == sorted(batch) for batch in batches)
    assert len({made for batch in batches for made in batch}) == 16_000


def test_ids_rise_though_the_clock_steps_back(monkeypatch: pytest.MonkeyPatch) -> None:
    last = uuid7()
    now = time.time_ns()
    monkeypatch.setattr(ids.time, "time_ns", lambda: now - 3_600_000_000_000)
    for _ in range(10_000):  # more than one counter holds
        made = uuid7()
        assert made > last
        last = made


def test_the_random_part_differs_each_time() -> None:
    assert len({uuid7().int & ((1 << 62) - 1) for _ in range(5_000)}) == 5_000
