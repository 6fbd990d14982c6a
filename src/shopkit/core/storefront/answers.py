"""Answers as bytes with their entity tag: equal requests that arrive together are encoded once."""

from hashlib import blake2b
from typing import Any, Final

import msgspec
from litestar import Request, Response
from msgspec import Struct

_encode: Final = msgspec.json.Encoder().encode
_TAG_BYTES: Final = 16

HEADERS: Final = {
    "Cache-Control": "public, max-age=0, must-revalidate",
    "Vary": "Accept-Language, X-ShopKit-Store",
}
"""Of every public read: kept by whoever likes, but asked again each time."""


class Encoded(Struct, frozen=True):
    """A view as it goes out, and its strong ETag."""

    body: bytes
    tag: str


def encode(view: Struct) -> Encoded:
    """The view as JSON. The tag is over these bytes, so it changes with language, price and stock."""
    body = _encode(view)
    return Encoded(body, f'"{blake2b(body, digest_size=_TAG_BYTES).hexdigest()}"')


def respond(request: Request[Any, Any, Any], locale: str, answer: Encoded) -> Response[Any]:
    """The answer, or 304 where the client has the same bytes already."""
    headers = {**HEADERS, "ETag": answer.tag, "Content-Language": locale}
    known = request.headers.get("if-none-match")
    if known is not None and _names(known, answer.tag):
        return Response(b"", status_code=304, headers=headers)
    return Response(answer.body, media_type="application/json", headers=headers)


def _names(if_none_match: str, tag: str) -> bool:
    """Whether a list of entity tags has this one, by weak comparison (RFC 9110, 13.1.2)."""
    return if_none_match.strip() == "*" or tag in (each.strip().removeprefix("W/") for each in if_none_match.split(","))
