"""Commands, Queries and Views: what inputs are made of, each type with one accepted spelling, and what we answer.

Ids are `Id`, instants `Instant`, rates and measures `Exact`, money `GivenMoney`: msgspec's own UUID, datetime, Decimal
and float accept several spellings, or none that we could store.
"""

import re
import typing
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Any, Final, Self
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from shopkit.core.kernel.faults import Wrong, bare, is_struct
from shopkit.sdk.money import EXPONENTS, MAX_ORDER_AMOUNT, Money

is_canonical_id: Final = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}").fullmatch
_RFC_3339: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?(?:Z|[+-][0-9]{2}:[0-9]{2})"
).fullmatch
_DECIMAL: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,9})?").fullmatch


class Command(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A body that a client sends. Unknown fields are refused. Write `kw_only=True` again on Structs with defaults."""


class Query(Command, frozen=True, kw_only=True):
    """The parameters of a query string: text, integers, booleans, Literals, enums, `Id`, `Instant`, `Exact`."""


class NoQuery(Query, frozen=True, kw_only=True):
    """For routers whose routes take no parameters unless they say so: `opt={"query": NoQuery}`."""


class View(Struct, frozen=True, kw_only=True):
    """What we answer."""


class Id(UUID):
    """An id in a body or query: a UUID in lower case with hyphens, and no other spelling."""

    __slots__ = ()
    json_schema = {"type": "string", "format": "uuid"}  # noqa: RUF012  read by `web.openapi`

    @classmethod
    def read(cls, text: object) -> Self:
        """Raises `Wrong`."""
        if type(text) is str and is_canonical_id(text):
            return cls(text)
        raise Wrong("not_an_id")


class Instant(datetime):
    """A moment: RFC 3339 with an offset, converted to UTC."""

    json_schema = {"type": "string", "format": "date-time"}  # noqa: RUF012

    @classmethod
    def read(cls, text: object) -> Self:
        """Raises `Wrong`."""
        if type(text) is str and _RFC_3339(text):
            try:
                return cls.fromisoformat(text).astimezone(UTC)
            except (ValueError, OverflowError):  # the 30th of February; the year 1 east of Greenwich
                pass
        raise Wrong("not_a_time")


class Exact(Decimal):
    """A decimal number as text: ASCII digits, at most 15 before and 9 behind the point."""

    json_schema = {"type": "string", "pattern": r"^-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,9})?$"}  # noqa: RUF012

    @classmethod
    def read(cls, text: object) -> Self:
        """Raises `Wrong`."""
        if type(text) is str and _DECIMAL(text):
            return cls(text)
        raise Wrong("not_a_decimal")


Line = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$(?!\n)")]
"""One line of text, such as a name."""
Paragraph = Annotated[str, Meta(max_length=2000)]
"""Some lines of text, such as a note."""


class GivenMoney(Command, frozen=True, kw_only=True):
    """Money as a client sends it; an echoed `formatted` is ignored."""

    amount: Annotated[int, Meta(ge=0, le=MAX_ORDER_AMOUNT)]
    """Minor units."""
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}$(?!\n)")]
    """ISO 4217."""
    formatted: Annotated[str, Meta(max_length=100)] | None = None

    def __post_init__(self) -> None:
        if self.currency not in EXPONENTS:
            raise Wrong("unknown_currency", "currency")

    @property
    def money(self) -> Money:
        """The amount as our own type."""
        return Money(self.amount, self.currency)


_LOOSE: Final[Mapping[Any, str]] = {
    float: "use int or decode.Exact",
    Decimal: "it takes NaN and 1e999999; use decode.Exact",
    UUID: "it has many spellings; use decode.Id",
    datetime: "it may be naive; use decode.Instant",
    time: "it may be naive",
    timedelta: "use an integer of seconds",
    bytes: "use text",
    Any: "say what it is",
    object: "say what it is",
    msgspec.Raw: "say what it is",
    dict: "say what it holds",
    list: "say what it holds",
}
_EXACT: Final = frozenset({str, int, bool, date, type(None)})


def check_type(type_: Any, path: str = "", seen: tuple[Any, ...] = ()) -> None:
    """Raise `TypeError` where a type would accept more than one spelling or unknown fields."""
    base = bare(type_)
    path = path or getattr(base, "__name__", str(base))
    if base in seen or base in _EXACT or hasattr(base, "read"):
        return
    if base in _LOOSE:
        raise TypeError(f"{path}: {getattr(base, '__name__', base)} is too loose for input: {_LOOSE[base]}")
    if is_struct(base):
        config = (typing.get_origin(base) or base).__struct_config__
        if not config.forbid_unknown_fields:
            raise TypeError(f"{path}: {base.__name__} would ignore unknown fields; make it a decode.Command")
        for field in msgspec.structs.fields(base):
            check_type(field.type, f"{path}.{field.name}", (*seen, base))
        return
    if typing.get_origin(base) is typing.Literal:
        return
    for part in typing.get_args(base):
        if part is not Ellipsis:
            check_type(part, path, seen)
