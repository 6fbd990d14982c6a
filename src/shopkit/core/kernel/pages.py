"""Keyset pages: a cursor holds the sort keys of the last row, and works only with the list, sort and filters it is of.

    class ProductQuery(PageQuery, kw_only=True): ...

    bound = binding("products", wanted.sort, wanted.category, wanted.q)
    after = read_cursor(wanted.cursor, tuple[int, UUID], bound)          # None on the first page
    rows = await queries.by_price(uow, after, limit=wanted.limit + 1)    # one more tells whether there is a next page
    return page_of(rows, wanted.limit, show=ProductCard.of, key=lambda row: (row.price, row.id), bound=bound)

Cursors are opaque, not secret and not signed: whatever they say is checked like any other input.
"""

import binascii
import hashlib
import math
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cache
from typing import Annotated, Any, Final, Generic, TypeVar
from uuid import UUID

import msgspec
from msgspec import Meta

from shopkit.core.kernel.decode import Query, View
from shopkit.core.kernel.faults import MAX_INTEGER, fault
from shopkit.sdk.errors import Invalid

T = TypeVar("T")
K = TypeVar("K", bound=tuple[Any, ...])
Row = TypeVar("Row")

DEFAULT_LIMIT: Final = 24
MAX_LIMIT: Final = 100
MAX_CURSOR: Final = 512
"""Characters."""
_BINDING_BYTES: Final = 6


class InvalidCursor(Invalid):
    """The cursor is not one of ours, or belongs to another list, sort or filter."""

    code = "invalid_cursor"
    message = "This cursor does not belong to this list; start again from the first page."


class Page(View, Generic[T], frozen=True, kw_only=True):
    """Some rows of a list, and where the next ones begin."""

    items: list[T]
    next_cursor: str | None = None
    """To be sent as `cursor` for the next page; null on the last."""
    total: int | None = None
    """The number of rows on all pages, where it is known."""


class PageQuery(Query, frozen=True, kw_only=True):
    """What every list takes."""

    limit: Annotated[int, Meta(ge=1, le=MAX_LIMIT, description="Rows on a page.")] = DEFAULT_LIMIT
    cursor: Annotated[str, Meta(max_length=MAX_CURSOR, description="`next_cursor` of the page before.")] | None = None


def binding(*parts: object) -> bytes:
    """A mark of the list, its sort and its filters. Any part that differs makes older cursors invalid."""
    return hashlib.blake2b(repr(parts).encode("utf-8", "replace"), digest_size=_BINDING_BYTES).digest()


def write_cursor(key: tuple[Any, ...], bound: bytes) -> str:
    """The cursor behind a row: integers, text, booleans, None, floats, UUIDs and aware datetimes in sort order."""
    packed = _encoder.encode([_plain(part) for part in key])
    return urlsafe_b64encode(bound + packed).rstrip(b"=").decode()


def read_cursor(cursor: str | None, type_: type[K], bound: bytes) -> K | None:
    """The sort keys that a cursor holds, as `type_` (a tuple type). Raises `InvalidCursor`."""
    if cursor is None:
        return None
    try:
        raw = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        key: K = _decoder(type_).decode(raw[_BINDING_BYTES:])
    except (UnicodeError, binascii.Error, ValueError, OverflowError):
        raise _invalid() from None
    # Written again it must be the same text: base64 and MessagePack have several spellings for one value.
    if raw[:_BINDING_BYTES] != bound or not all(map(_is_storable, key)) or write_cursor(key, bound) != cursor:
        raise _invalid()
    return key


def page_of(
    rows: Sequence[Row],
    limit: int,
    *,
    show: Callable[[Row], T],
    key: Callable[[Row], tuple[Any, ...]],
    bound: bytes,
    total: int | None = None,
) -> Page[T]:
    """A page of at most `limit` rows out of the `limit + 1` that were read."""
    shown = rows[:limit]
    next_cursor = write_cursor(key(shown[-1]), bound) if len(rows) > limit else None
    return Page(items=[show(row) for row in shown], next_cursor=next_cursor, total=total)


_encoder: Final = msgspec.msgpack.Encoder(uuid_format="bytes")


@cache
def _decoder(type_: type[K]) -> msgspec.msgpack.Decoder[K]:
    return msgspec.msgpack.Decoder(type_)


def _plain(part: Any) -> Any:
    # The driver's UUIDs are a subclass.
    return UUID(int=part.int) if isinstance(part, UUID) else part


def _is_storable(part: object) -> bool:
    if isinstance(part, str):
        return "\x00" not in part
    if isinstance(part, int):
        return -MAX_INTEGER <= part <= MAX_INTEGER
    if isinstance(part, float):
        return math.isfinite(part)
    return not isinstance(part, datetime) or part.tzinfo is not None


def _invalid() -> InvalidCursor:
    return InvalidCursor(errors=[fault("invalid_cursor", "?cursor")])
