"""The one strict decoder: JSON bodies, query strings and ids in paths, each with one accepted spelling (I53-I55).

What a route writes (path parameters and bodies carry Litestar's markers, its 2.25 warns without them):

    class AddItem(Command):
        variant_id: Id
        quantity: Annotated[int, Meta(ge=1, le=1000)]

    class ProductQuery(Query):
        in_stock: bool | None = None

    @post("/carts/{cart_id:str}/items", problems=[OutOfStock])
    async def add_item(uow: NamedDependency[Uow], cart_id: FromPath[str], data: JSONBody[AddItem]) -> CartView:
        cart = await queries.get(uow, parse_id(cart_id))

    @get("/products", query=ProductQuery)
    async def list_products(request: Request, uow: NamedDependency[Uow]) -> Page[ProductCard]:
        wanted = decode_query(request, ProductQuery)

`web.edge.Edge` makes Litestar decode every `data` with `decoder_of` before any dependency opens, and refuses routes at
start-up that would go round it. Fields of a body are named by JSON pointers (`/items/0/quantity`), those of a query by
`?limit`. Bodies hold no floats: rates and measures are `Exact`, instants `Instant`, ids `Id`, money `GivenMoney`.
"""

import re
import typing
import unicodedata
from collections.abc import Iterator, Mapping
from functools import cache
from json import JSONDecodeError, JSONDecoder
from typing import Any, Final, Generic, Protocol, TypeVar
from urllib.parse import unquote_to_bytes
from uuid import UUID

import msgspec
from msgspec import Struct, ValidationError

from shopkit.core.kernel.faults import (
    BAD_TEXT,
    MAX_ERRORS,
    MAX_INTEGER,
    TOO_LARGE,
    Unusable,
    Wrong,
    bare,
    fault,
    faults_of,
    is_struct,
    pointer_to,
)
from shopkit.core.kernel.inputs import (
    Command,
    Exact,
    GivenMoney,
    Id,
    Instant,
    Line,
    NoQuery,
    Paragraph,
    Query,
    View,
    check_type,
    is_canonical_id,
)
from shopkit.sdk.errors import BadRequest, FieldError, Invalid, NotFound

__all__ = [
    "Command",
    "Decoder",
    "Exact",
    "GivenMoney",
    "Id",
    "Instant",
    "Line",
    "NoQuery",
    "Paragraph",
    "Query",
    "View",
    "Wrong",
    "decode_pairs",
    "decode_query",
    "decoder_of",
    "parse_id",
    "parse_json",
    "parse_segment",
]

T = TypeVar("T")
S = TypeVar("S", bound=Struct)

MAX_DEPTH: Final = 32
"""Objects and lists inside one another in a JSON body."""
MAX_QUERY_BYTES: Final = 4096
MAX_QUERY_FIELDS: Final = 50


class MalformedJson(BadRequest):
    """The body is not JSON in UTF-8, or it is nested too deep."""

    code = "malformed_json"
    message = "The body is not valid JSON."


class UnsupportedMediaType(BadRequest):
    """The body is not declared as what the route takes, or it is compressed."""

    code = "unsupported_media_type"
    message = "Send the body as application/json in UTF-8."
    status = 415


class IncompleteBody(BadRequest):
    """The client went away while it was sending."""

    code = "incomplete_body"
    message = "The body ended before it was complete."


class MalformedQuery(BadRequest):
    """The query string is not `name=value` pairs in percent-encoded UTF-8."""

    code = "malformed_query"
    message = "The query string could not be read."


class QueryTooLong(BadRequest):
    """The query string is longer than any of ours."""

    code = "uri_too_long"
    message = "The address is too long."
    status = 414


# Ids in paths

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ufffd]").search
_INTEGER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)").fullmatch


def parse_id(text: str) -> UUID:
    """The id that a path names. Raises `NotFound` for anything but the canonical spelling."""
    if is_canonical_id(text):
        return UUID(text)
    raise NotFound


def parse_segment(text: str, *, max_length: int = 200) -> str:
    """A slug or number from a path, in NFC. Raises `NotFound` if it is empty, too long or has control characters."""
    text = text if text.isascii() else unicodedata.normalize("NFC", text)
    if not 0 < len(text) <= max_length or _CONTROL(text):
        raise NotFound
    return text


# Bodies


def _object(pairs: list[tuple[str, Any]]) -> Any:
    made = dict(pairs)
    if len(made) == len(pairs):
        return made
    names = [name for name, _ in pairs]
    return Unusable("duplicate_field", next(name for name in made if names.count(name) > 1))


def _integer(digits: str) -> Any:
    if len(digits) < 19:
        return int(digits)
    if len(digits) > 20 or not -MAX_INTEGER <= (value := int(digits)) <= MAX_INTEGER:
        return TOO_LARGE
    return value


def _no_constant(name: str) -> Any:
    raise JSONDecodeError(f"{name} is not JSON", "", 0)


_parse: Final = JSONDecoder(object_pairs_hook=_object, parse_int=_integer, parse_constant=_no_constant).decode
# An unterminated string counts as one, else a hostile body would be scanned from each of its quotes.
_STRINGS: Final = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\Z)', re.DOTALL)
_BRACKETS: Final = re.compile(r"[\[\]{}]")


class Decoder(Generic[T]):
    """Bytes of JSON to one type, compiled once. 300 bytes take about 10 µs."""

    def __init__(self, type_: type[T], *, max_depth: int = MAX_DEPTH) -> None:
        check_type(type_)
        self._type = type_
        self._max_depth = max_depth

    def decode(self, body: bytes) -> T:
        """Raises `MalformedJson`, or `Invalid` with a pointer to every wrong field."""
        tree = parse_json(body, max_depth=self._max_depth)
        try:
            return msgspec.convert(tree, self._type, dec_hook=_read)
        except ValidationError as error:
            raise Invalid(errors=faults_of(tree, self._type, error, _read)) from None


@cache
def decoder_of(type_: type[T]) -> Decoder[T]:
    """The decoder of a Struct. Raises `TypeError` if the Struct would let something through: a programmer's mistake."""
    return Decoder(type_)


def parse_json(body: bytes, *, max_depth: int = MAX_DEPTH) -> Any:
    """The tree of a strict JSON text in NFC. What no field may hold is marked, not raised: see `Decoder`."""
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise MalformedJson("The body is not UTF-8.", details={"position": error.start}) from None
    if not text.isascii():
        # No character joins with a quote, so to normalise the whole is to normalise every string.
        text = unicodedata.normalize("NFC", text)
    if text.count("[") + text.count("{") > max_depth and _is_deeper(text, max_depth):
        raise MalformedJson(f"The body is nested deeper than {max_depth} levels.", details={"max_depth": max_depth})
    try:
        tree = _parse(text)
    except JSONDecodeError as error:
        raise MalformedJson(f"The body is not valid JSON: {error.msg}.", details={"position": error.pos}) from None
    # Only an escape brings in NUL, half a surrogate pair or text that is not in NFC.
    return _clean(tree) if "\\u" in text else tree


def _is_deeper(text: str, limit: int) -> bool:
    depth = 0
    for bracket in _BRACKETS.finditer(_STRINGS.sub("", text)):
        depth += 1 if bracket[0] in "[{" else -1
        if depth > limit:
            return True
    return False


def _clean(value: Any) -> Any:
    if type(value) is str:
        return _clean_text(value)
    if type(value) is list:
        return [_clean(item) for item in value]
    if type(value) is dict:
        names = [_clean_text(name) for name in value]
        if BAD_TEXT in names:
            return BAD_TEXT
        return _object([(name, _clean(item)) for name, item in zip(names, value.values(), strict=True)])
    return value


def _clean_text(text: str) -> Any:
    if "\x00" in text:
        return BAD_TEXT
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return BAD_TEXT
    return unicodedata.normalize("NFC", text)


def _read(type_: Any, value: object) -> Any:
    return type_.read(value)


# Query strings


class _HasScope(Protocol):
    @property
    def scope(self) -> Any: ...


_BAD_PERCENT: Final = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_DECODED: Final = "shopkit.query"


def decode_query(request: _HasScope, type_: type[S]) -> S:
    """The request's query string as a Struct; strict, and decoded once per request.

    Raises `MalformedQuery`, `QueryTooLong`, or `Invalid` with fields such as `?limit`.
    """
    decoded = request.scope.get(_DECODED)
    if type(decoded) is not type_:
        decoded = request.scope[_DECODED] = decode_pairs(request.scope["query_string"], type_)
    return decoded


def decode_pairs(raw: bytes, type_: type[S]) -> S:
    """`a=1&b=2` as a Struct, whose integers and booleans have one spelling each: `7`, `true`."""
    kinds = query_kinds(type_)
    values: dict[str, Any] = {}
    faults: list[FieldError] = []
    for name, text in _pairs(raw):
        if name not in kinds:
            faults.append(fault("unknown_field", pointer_to("", name)))
        elif name in values:
            faults.append(fault("duplicate_field", pointer_to("", name)))
        else:
            values[name] = BAD_TEXT if "\x00" in text else kinds[name](text)
    if not faults:
        try:
            return msgspec.convert(values, type_, dec_hook=_read)
        except ValidationError as error:
            faults = faults_of(values, type_, error, _read)
    raise Invalid(errors=[msgspec.structs.replace(fault, field=f"?{fault.field[1:]}") for fault in faults[:MAX_ERRORS]])


def _pairs(raw: bytes) -> Iterator[tuple[str, str]]:
    if not raw:
        return
    if len(raw) > MAX_QUERY_BYTES or raw.count(b"&") >= MAX_QUERY_FIELDS:
        raise QueryTooLong
    if b"%" in raw and _BAD_PERCENT.search(raw):
        raise MalformedQuery
    for pair in raw.split(b"&"):
        name, equals, value = pair.partition(b"=")
        if not equals or not name:
            raise MalformedQuery
        yield _unquote(name), _unquote(value)


def _unquote(raw: bytes) -> str:
    if b"+" in raw:
        raw = raw.replace(b"+", b" ")
    if b"%" in raw:
        raw = unquote_to_bytes(raw)
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise MalformedQuery from None
    return text if text.isascii() else unicodedata.normalize("NFC", text)


class _Kind(Protocol):
    def __call__(self, text: str, /) -> Any: ...


def _query_integer(text: str) -> Any:
    return _integer(text) if _INTEGER(text) else text


def _query_boolean(text: str) -> Any:
    return {"true": True, "false": False}.get(text, text)


def _query_text(text: str) -> Any:
    return text


@cache
def query_kinds(type_: type[Struct]) -> Mapping[str, _Kind]:
    """How each parameter is read. Raises `TypeError` for a Struct that is not made for query strings."""
    check_type(type_)
    readers: dict[Any, _Kind] = {int: _query_integer, bool: _query_boolean}
    kinds = {}
    for field in msgspec.structs.fields(type_):
        base = bare(field.type)
        if is_struct(base) or typing.get_origin(base) in (list, dict, tuple, set, frozenset):
            raise TypeError(f"{type_.__name__}.{field.name}: a query string has no lists and no objects")
        kinds[field.encode_name] = readers.get(base, _query_text)
    return kinds
