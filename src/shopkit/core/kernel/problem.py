"""Every error as RFC 9457 `application/problem+json`, in the caller's language; what we did not foresee is logged once.

`Litestar(exception_handlers=exception_handlers(), logging_config=None)` (its own logging would log everything twice).
`type` is `/api/docs#problem-<code>`, an anchor on the page that explains the code; programs compare `code`.
The request id is read from `scope["state"]["request_id"]`.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from http import HTTPStatus
from typing import Any, Final

import asyncpg
import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from msgspec import Struct

from shopkit.core.kernel import messages
from shopkit.core.kernel.faults import fault
from shopkit.sdk.errors import (
    FieldError,
    Invalid,
    ProviderError,
    ProviderUnavailable,
    Refused,
    ShopKitError,
    Unavailable,
)

MEDIA_TYPE: Final = "application/problem+json"
TYPE_PREFIX: Final = "/api/docs#problem-"
MAX_ACCEPT_LANGUAGE: Final = 1000
"""Characters of `Accept-Language` that are looked at."""

Translate = Callable[..., str]
LocaleOf = Callable[[Request[Any, Any, Any]], str]
Handler = Callable[[Request[Any, Any, Any], Exception], Response[bytes]]

_log = structlog.get_logger("shopkit.problem")


class Problem(Struct, frozen=True, kw_only=True):
    """An answer that is not what was asked for. Some codes add members, such as `available` with `out_of_stock`."""

    type: str
    """A reference to the page that explains the code."""
    title: str
    """What this code means, in the language of `Accept-Language`."""
    status: int
    """The HTTP status."""
    code: str
    """Stable; what programs compare."""
    detail: str
    """What happened this time."""
    errors: list[FieldError] = []
    """Wrong fields: JSON pointers into the body (`/items/0/quantity`), `?limit` for the query string."""
    request_id: str | None = None
    """To be quoted when asking for help; with errors of our own."""


def exception_handlers(
    *, locale: LocaleOf | None = None, translate: Translate = messages.translate
) -> dict[int | type[Exception], Handler]:
    """What `Litestar(exception_handlers=...)` takes. `locale` chooses a request's language (default: its header)."""
    choose = locale or _locale_of_request

    def handle(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
        return respond(request, error, locale=choose(request), translate=translate)

    return {Exception: handle}


def respond(
    request: Request[Any, Any, Any], error: Exception, *, locale: str, translate: Translate = messages.translate
) -> Response[bytes]:
    """The answer to an error. Logs what is not the caller's doing."""
    request_id = request.scope.get("state", {}).get("request_id")
    refusal = _refusal_of(error)
    _log_if_ours(request, error, refusal, request_id)
    body = _body(refusal, locale, translate)
    if refusal.status >= 500 and request_id:
        body["request_id"] = request_id
    headers = {"Content-Language": locale, "Vary": "Accept-Language", "Cache-Control": "no-store"}
    if isinstance(error, HTTPException) and error.headers:
        headers |= {name: value for name, value in error.headers.items() if name.lower() in {"allow", "retry-after"}}
    if "allow" in headers:
        headers["Allow"] = with_head(headers.pop("allow"))
    retry_after = refusal.retry_after_seconds
    if retry_after is not None:
        headers["Retry-After"] = str(math.ceil(retry_after))
    return Response(
        content=msgspec.json.encode(body, enc_hook=str),
        status_code=refusal.status,
        media_type=MEDIA_TYPE,
        headers=headers,
    )


def _body(refusal: "_Answer", locale: str, translate: Translate) -> dict[str, Any]:
    values = {name: value for name, value in refusal.details.items() if isinstance(value, str | int)}
    title = translate(refusal.code, locale, refusal.title, **values)
    # A text that one occurrence brings along is English; who reads another language gets the sentence of the code.
    is_own = refusal.detail != refusal.title and (locale == "en" or title == refusal.title)
    body: dict[str, Any] = {
        "type": TYPE_PREFIX + refusal.code,
        "title": title,
        "status": refusal.status,
        "code": refusal.code,
        "detail": refusal.detail if is_own else title,
    }
    if refusal.errors:
        body["errors"] = [_field(error, locale) for error in refusal.errors]
    return body | {name: value for name, value in refusal.details.items() if name not in body}


def _field(error: FieldError, locale: str) -> dict[str, str]:
    values = getattr(error, "values", {})
    message = messages.translate_field(error.code, locale, error.message, **values) if locale != "en" else error.message
    return {"field": error.field, "code": error.code, "message": message}


# From an exception to an answer


class _Answer(Struct, frozen=True, kw_only=True):
    status: int
    code: str
    title: str
    detail: str
    errors: Sequence[FieldError] = ()
    details: Mapping[str, Any] = {}
    retry_after_seconds: float | None = None


_CODES: Final = {
    400: "bad_request",
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    409: "conflict",
    410: "gone",
    413: "payload_too_large",
    414: "uri_too_long",
    415: "unsupported_media_type",
    422: "invalid",
    429: "too_many_requests",
    503: "unavailable",
}


def _refusal_of(error: Exception) -> _Answer:
    if isinstance(error, Refused):
        return _from(error, error.status, error.retry_after_seconds)
    if transient_reason(error):
        return _from(Unavailable(), Unavailable.status, Unavailable.retry_after_seconds)
    if isinstance(error, ProviderError):
        # What a provider said is for the log and for staff, not for the buyer.
        is_down = isinstance(error, ProviderUnavailable)
        return _from(type(error)(code=error.error_code), 503 if is_down else 502, 5 if is_down else None)
    if isinstance(error, ValidationException):
        return _from(Invalid(errors=_validation_errors(error)), Invalid.status, None)
    if isinstance(error, HTTPException) and error.status_code != HTTPStatus.INTERNAL_SERVER_ERROR:
        return _from_status(error.status_code)
    return _from_status(500)


def _from(error: ShopKitError, status: int, retry_after_seconds: float | None) -> _Answer:
    own = error.details.get("retry_after_seconds")
    return _Answer(
        status=status,
        code=error.error_code,
        title=error.message if error.error_code == error.code else error.text,
        detail=error.text,
        errors=error.errors,
        details=error.details,
        retry_after_seconds=own if isinstance(own, int | float) else retry_after_seconds,
    )


def _from_status(status: int) -> _Answer:
    # The texts of the framework name paths and annotations: ours instead.
    code = _CODES.get(status, "bad_request" if status < 500 else "internal")
    title = messages.translate(code, "en", HTTPStatus(status).phrase)
    return _Answer(status=status, code=code, title=title, detail=title)


def _validation_errors(error: ValidationException) -> list[FieldError]:
    extra = error.extra if isinstance(error.extra, list) else []
    return [
        fault("invalid_value", f"{'?' if item.get('source') == 'query' else '/'}{item['key']}")
        for item in extra
        if isinstance(item, dict) and "key" in item
    ]


def _log_if_ours(request: Request[Any, Any, Any], error: Exception, answer: _Answer, request_id: str | None) -> None:
    if answer.status < 500:
        return
    # The template of the path, not the path: tokens stand in some URLs (I52).
    where = {"method": request.scope["method"], "route": request.scope.get("path_template"), "request_id": request_id}
    if answer.code == "internal":
        _log.error("request_failed", exc_info=error, **where)
    else:
        reason = transient_reason(error) or type(error).__name__
        _log.warning("request_refused", code=answer.code, reason=reason, text=_first_line(error), **where)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:200]


# What the database may do to us (I66)

_TRANSIENT: Final = {
    "40001": "serialization_failure",
    "40P01": "deadlock",
    "55P03": "lock_timeout",
    "57014": "statement_timeout",
    "57P01": "server_shutdown",
    "57P02": "server_crash",
    "57P03": "server_starting",
    "53300": "too_many_connections",
    "25P03": "idle_in_transaction_timeout",
    "25P04": "transaction_timeout",
}


def transient_reason(error: BaseException) -> str | None:
    """Why a transaction that did not commit may simply be tried again, or None if trying again would not help.

    Looks through SQLAlchemy's wrapping. Of an error during COMMIT it knows nothing: there the outcome is unknown.
    """
    for each in _causes(error):
        state = getattr(each, "sqlstate", None)
        if isinstance(state, str) and (state in _TRANSIENT or state.startswith("08")):
            return _TRANSIENT.get(state, "connection_lost")
        if isinstance(each, ConnectionError | TimeoutError):
            return "connection_lost" if isinstance(each, ConnectionError) else "timeout"
        if isinstance(each, asyncpg.InterfaceError) and not isinstance(each, ValueError) and "closed" in str(each):
            return "connection_lost"
    return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    current: BaseException | None = error
    for _ in range(5):
        if current is None or isinstance(current, ShopKitError):
            return
        yield current
        original = getattr(current, "orig", None)
        current = original if isinstance(original, BaseException) else current.__cause__


# Languages

_RANGE: Final = re.compile(
    r"\s*([A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*|\*)\s*(?:;\s*[qQ]=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)\s*)?"
)


@lru_cache(256)
def _wanted(header: str) -> tuple[tuple[float, str], ...]:
    ranges = []
    for position, part in enumerate(header.split(",")[:20]):
        if match := _RANGE.fullmatch(part):
            ranges.append((-float(match[2] or 1), position, match[1].lower()))
    return tuple((-quality, name) for quality, _, name in sorted(ranges))


def locale_of(accept_language: str | None, supported: Sequence[str], default: str) -> str:
    """The best of the supported languages for an `Accept-Language` header (RFC 9110, 12.5.4); else `default`.

    `bn-BD` finds `bn`; `q=0` excludes; of equal wishes the first counts. Garbage is passed over, never an error.
    """
    if not accept_language:
        return default
    wanted = _wanted(accept_language[:MAX_ACCEPT_LANGUAGE])
    refused = {name for quality, name in wanted if not quality}
    for quality, name in wanted:
        if not quality:
            continue
        if name == "*":
            return next((each for each in (default, *supported) if each.lower() not in refused), default)
        for each in supported:
            own = each.lower()
            if own == name or name.startswith(f"{own}-") or own.startswith(f"{name}-"):
                return each
    return default


def _locale_of_request(request: Request[Any, Any, Any]) -> str:
    return locale_of(request.headers.get("accept-language"), messages.LOCALES, messages.LOCALES[0])


def with_head(allow: str) -> str:
    """An `Allow` header that names HEAD wherever GET is served (`web.edge.HeadAsGet`)."""
    methods = sorted({method.strip() for method in allow.split(",")} | ({"HEAD"} if "GET" in allow else set()))
    return ", ".join(methods)
