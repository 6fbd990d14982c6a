"""Keyset pages: cursors carry the sort keys, and nothing but their own list accepts them."""

from base64 import urlsafe_b64encode
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopkit.core.kernel.decode import decode_pairs
from shopkit.core.kernel.pages import (
    InvalidCursor,
    Page,
    PageQuery,
    binding,
    page_of,
    read_cursor,
    write_cursor,
)
from shopkit.sdk.errors import Invalid

BOUND = binding("products", "price_asc", None)
Key = tuple[int, UUID]


@given(
    st.tuples(
        st.integers(-(2**63) + 1, 2**63 - 1),
        st.uuids(),
        st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=30),
        st.none() | st.booleans(),
        st.floats(allow_nan=False, allow_infinity=False),
        st.datetimes(timezones=st.just(UTC)),
    )
)
def test_a_cursor_gives_back_its_keys(key: Any) -> None:
    type_ = tuple[int, UUID, str, bool | None, float, datetime]
    assert read_cursor(write_cursor(key, BOUND), type_, BOUND) == key


def test_a_cursor_is_compact_and_safe_in_a_url() -> None:
    cursor = write_cursor((129900, uuid4()), BOUND)
    assert len(cursor) <= 44
    assert cursor.replace("-", "").replace("_", "").isalnum()


@pytest.mark.parametrize("other", [("products", "price_desc", None), ("orders", "price_asc", None), ("products",)])
def test_a_cursor_of_another_sort_filter_or_list_is_refused(other: tuple[Any, ...]) -> None:
    cursor = write_cursor((1, uuid4()), BOUND)
    with pytest.raises(InvalidCursor) as refused:
        read_cursor(cursor, Key, binding(*other))
    assert refused.value.status == 422
    assert refused.value.error_code == "invalid_cursor"
    assert [error.field for error in refused.value.errors] == ["?cursor"]


def test_a_cursor_of_other_types_is_refused() -> None:
    for key in (("text", uuid4()), (1,), (1, uuid4(), 2), (1.5, uuid4()), (None, uuid4())):
        with pytest.raises(InvalidCursor):
            read_cursor(write_cursor(key, BOUND), Key, BOUND)


@pytest.mark.parametrize("key", [(2**64 - 1, "a"), (1, "a\x00b")])
def test_a_forged_key_that_cannot_be_stored_is_refused(key: tuple[int, str]) -> None:
    with pytest.raises(InvalidCursor):
        read_cursor(write_cursor(key, BOUND), tuple[int, str], BOUND)


def test_a_key_that_is_no_number_is_refused() -> None:
    for value in (float("nan"), float("inf")):
        with pytest.raises(InvalidCursor):
            read_cursor(write_cursor((value,), BOUND), tuple[float], BOUND)


@given(st.text(max_size=80) | st.binary(max_size=60).map(lambda raw: urlsafe_b64encode(BOUND + raw).decode()))
def test_garbage_is_refused_and_never_an_error(cursor: str) -> None:
    try:
        read_cursor(cursor, Key, BOUND)
    except InvalidCursor:
        return
    raise AssertionError("nothing that short is a cursor")


def test_a_cursor_has_one_spelling() -> None:
    cursor = write_cursor((1, uuid4()), BOUND)
    for other in (
        f"{cursor}=",
        f"{cursor}==",
        f" {cursor}",
        f"{cursor}\n",
        f"{cursor[:9]}\n{cursor[9:]}",
        f"{cursor}A",
    ):
        with pytest.raises(InvalidCursor):
            read_cursor(other, Key, BOUND)


def test_a_page_knows_whether_there_is_a_next_one() -> None:
    rows = [(number, uuid4()) for number in range(5)]
    page = page_of(rows, 4, show=lambda row: row[0], key=lambda row: row, bound=BOUND)
    assert page.items == [0, 1, 2, 3]
    assert read_cursor(page.next_cursor, Key, BOUND) == rows[3]
    last = page_of(rows[:4], 4, show=lambda row: row[0], key=lambda row: row, bound=BOUND, total=9)
    assert (last.next_cursor, last.total) == (None, 9)
    assert page_of([], 4, show=str, key=lambda row: (row,), bound=BOUND) == Page(items=[])
    assert msgspec.json.encode(Page[int](items=[1])) == b'{"items":[1],"next_cursor":null,"total":null}'


def test_the_first_page_has_no_cursor() -> None:
    assert read_cursor(None, Key, BOUND) is None


def test_the_limit_is_24_and_goes_from_1_to_100() -> None:
    assert decode_pairs(b"", PageQuery).limit == 24
    assert decode_pairs(b"limit=1", PageQuery).limit == 1
    assert decode_pairs(b"limit=100", PageQuery).limit == 100
    for query in (b"limit=0", b"limit=101", b"cursor=" + b"x" * 513):
        with pytest.raises(Invalid):
            decode_pairs(query, PageQuery)
