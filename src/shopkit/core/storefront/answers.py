"""Answers as bytes with their entity tag, made once and sent as often as they are asked for."""

from collections.abc import Sequence
from functools import cache
from hashlib import blake2b
from typing import Any, Final

import msgspec
from litestar import Request, Response
from litestar.types import Receive, Send
from litestar.types import Scope as Connection
from msgspec import Struct

_encode: Final = msgspec.json.Encoder().encode
_TAG_BYTES: Final = 16

HEADERS: Final = {
    "Cache-Control": "public, max-age=0, must-revalidate",
    "Vary": "Accept-Language, X-ShopKit-Store",
}
"""Of every public read: kept by whoever likes, but asked again each time."""

_Header = tuple[bytes, bytes]
_ALWAYS: Final = tuple((name.lower().encode(), value.encode()) for name, value in HEADERS.items())
_JSON: Final = (b"content-type", b"application/json")


class Encoded(Struct, frozen=True):
    """A view as it goes out, and its strong ETag."""

    body: bytes
    tag: str
    is_lasting: bool = True
    """Whether whatever changes it is told to the caches."""


def encode(view: Struct, *, is_lasting: bool = True) -> Encoded:
    """The view as JSON. The tag is over these bytes, so it changes with language, price and stock."""
    body = _encode(view)
    return Encoded(body, f'"{blake2b(body, digest_size=_TAG_BYTES).hexdigest()}"', is_lasting)


class Sent(Response[Any]):
    """A response that is finished when it is made, so that Litestar has nothing left to work out for each request."""

    __slots__ = ("_bytes", "_headers", "_status")

    def __init__(self, status: int, headers: Sequence[_Header], body: bytes) -> None:
        self._status = status
        self._headers = headers
        self._bytes = body

    def to_asgi_response(self, *_: Any, **__: Any) -> Any:
        """Itself: it is an ASGI application."""
        return self

    async def __call__(self, scope: Connection, receive: Receive, send: Send) -> None:
        """Send it."""
        await send({"type": "http.response.start", "status": self._status, "headers": self._headers})
        await send({"type": "http.response.body", "body": self._bytes, "more_body": False})


class Answer:
    """An answer in one language, made once and sent as often as somebody asks."""

    __slots__ = ("_full", "_headers", "_tag", "size_bytes")

    def __init__(self, encoded: Encoded, locale: str) -> None:
        self.size_bytes = len(encoded.body)
        self._tag = encoded.tag
        self._headers = (*_ALWAYS, _language(locale), (b"etag", encoded.tag.encode()))
        length = (b"content-length", b"%d" % self.size_bytes)
        self._full = Sent(200, (_JSON, length, *self._headers), encoded.body)

    def to(self, request: Request[Any, Any, Any]) -> Response[Any]:
        """The answer, or 304 where the client has the same bytes already."""
        known = request.headers.get("if-none-match")
        return self._full if known is None or not _names(known, self._tag) else Sent(304, self._headers, b"")


@cache
def _language(locale: str) -> _Header:
    return (b"content-language", locale.encode())


def _names(if_none_match: str, tag: str) -> bool:
    """Whether a list of entity tags has this one, by weak comparison (RFC 9110, 13.1.2)."""
    return if_none_match.strip() == "*" or tag in (each.strip().removeprefix("W/") for each in if_none_match.split(","))
