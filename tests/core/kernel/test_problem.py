"""Every error is a problem in the caller's language; our own faults tell nothing and are logged once."""

import re
from collections.abc import AsyncIterator, MutableMapping
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
import sqlalchemy.exc
from litestar import Litestar, Request, get, post
from litestar.exceptions import HTTPException, InternalServerException
from litestar.params import FromHeader, FromPath, JSONBody
from structlog.testing import capture_logs

from shopkit.core.kernel import messages
from shopkit.core.kernel.decode import Command, Line, View
from shopkit.core.kernel.problem import locale_of, transient_reason
from shopkit.sdk.errors import (
    BadRequest,
    Conflict,
    NotFound,
    ProviderMisconfigured,
    ProviderUnavailable,
    ProviderUnknown,
    ShopKitError,
    TooMany,
    Unavailable,
)
from shopkit.web.edge import Edge, HeadAsGet


class OutOfStock(Conflict):
    """Test copy of a domain's error."""

    code = "out_of_stock"
    message = "There is not enough of this in stock."


class OnlyHere(Conflict):
    """A code without a translation."""

    code = "only_here"
    message = "Only here."


class InProgress(Conflict):
    """With a time to wait."""

    code = "in_progress"
    retry_after_seconds = 1


class NotStored(Unavailable):
    """What a failed commit raises."""

    code = "not_stored"
    message = "Nothing was stored; please try again."


class CartView(View):
    id: UUID


class Given(Command):
    name: Line


def _wrapped(error: Exception) -> sqlalchemy.exc.DBAPIError:
    return sqlalchemy.exc.DBAPIError("SELECT secret", None, error)


CART = CartView(id=UUID(int=7))
ERRORS: dict[str, Exception] = {
    "missing": NotFound(),
    "stock": OutOfStock(details={"available": 2, "status": 200, "code": "x", "cart": CART}),
    "own-text": OutOfStock("Only 2 left of the blue one."),
    "only-here": OnlyHere("Exactly here."),
    "many": TooMany(details={"retry_after_seconds": 2.2}),
    "key": BadRequest(code="idempotency_key_required"),
    "running": InProgress(),
    "commit": NotStored(),
    "provider-down": ProviderUnavailable("api key sk_live_123 refused"),
    "provider-silent": ProviderUnknown("timeout to 10.0.0.7"),
    "provider-keys": ProviderMisconfigured("bad store id"),
    "bug": ValueError("password=hunter2"),
    "fault": ShopKitError("deep inside"),
    "http": HTTPException("detail with /secret/token", status_code=410),
    "http500": InternalServerException("secret"),
    "deadlock": asyncpg.DeadlockDetectedError("deadlock detected"),
    "serial": asyncpg.SerializationError("could not serialize"),
    "lock": asyncpg.LockNotAvailableError("canceling statement due to lock timeout"),
    "statement": asyncpg.QueryCanceledError("canceling statement due to statement timeout"),
    "lost": asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation"),
    "closed": asyncpg.InterfaceError("cannot call fetch(): the underlying connection is closed"),
    "shutdown": asyncpg.AdminShutdownError("terminating connection"),
    "full": asyncpg.TooManyConnectionsError("too many clients"),
    "refused": ConnectionRefusedError(111, "Connect call failed"),
    "timeout": TimeoutError(),
    "wrapped": _wrapped(asyncpg.DeadlockDetectedError("deadlock detected")),
    "unique": asyncpg.UniqueViolationError("duplicate key (phone)=(+880)"),
    "wrapped-unique": _wrapped(asyncpg.UniqueViolationError("duplicate key")),
    "data": asyncpg.DataError("invalid input for query argument $1: closed"),
}
TRANSIENT = (
    *("deadlock", "serial", "lock", "statement", "lost", "closed", "shutdown", "full", "refused", "timeout", "wrapped"),
)


@get("/raise/{name:str}")
async def fail(name: FromPath[str]) -> None:
    raise ERRORS[name]


@get("/ok")
async def ok(x_needed: FromHeader[str]) -> str:
    return x_needed


@post("/given")
async def given(data: JSONBody[Given]) -> None: ...


def _with_request_id(app: Any) -> Any:
    async def outer(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        scope.setdefault("state", {})["request_id"] = "req-1"
        await app(scope, receive, send)

    return outer


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = _with_request_id(HeadAsGet(Litestar([fail, ok, given], plugins=[Edge()])))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop.test") as client:
        yield client


async def _problem(client: httpx.AsyncClient, path: str, language: str = "", method: str = "GET") -> httpx.Response:
    headers = {"accept-language": language} if language else {}
    response = await client.request(method, path, headers=headers)
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["type"] == f"/api/docs#problem-{body['code']}"
    assert body["status"] == response.status_code
    assert body["title"] and body["detail"]
    return response


async def test_a_refusal_has_code_title_detail_and_its_own_members(client: httpx.AsyncClient) -> None:
    response = await _problem(client, "/raise/stock")
    assert response.json() == {
        "type": "/api/docs#problem-out_of_stock",
        "title": "There is not enough of this in stock.",
        "status": 409,
        "code": "out_of_stock",
        "detail": "There is not enough of this in stock.",
        "available": 2,
        "cart": {"id": str(CART.id)},
    }
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["content-language"] == "en"
    assert "Accept-Language" in response.headers["vary"]


async def test_a_text_of_its_own_is_the_detail(client: httpx.AsyncClient) -> None:
    body = (await _problem(client, "/raise/own-text")).json()
    assert body["title"] == "There is not enough of this in stock."
    assert body["detail"] == "Only 2 left of the blue one."


async def test_who_reads_bangla_gets_bangla(client: httpx.AsyncClient) -> None:
    response = await _problem(client, "/raise/own-text", "bn-BD,en;q=0.5")
    assert response.headers["content-language"] == "bn"
    assert response.json()["title"] == response.json()["detail"] == messages.PROBLEMS["out_of_stock"]["bn"]
    untranslated = (await _problem(client, "/raise/only-here", "bn")).json()
    assert (untranslated["title"], untranslated["detail"]) == ("Only here.", "Exactly here.")


async def test_fields_are_translated_with_their_numbers(client: httpx.AsyncClient) -> None:
    headers = {"accept-language": "bn"}
    body = (await client.post("/given", json={"name": "x" * 201}, headers=headers)).json()
    assert body["errors"] == [{"field": "/name", "code": "too_long", "message": "সর্বোচ্চ ২০০টি অক্ষর দেওয়া যাবে।"}]
    body = (await client.post("/given", json={"name": "x" * 201})).json()
    assert body["errors"][0]["message"] == "At most 200 characters."


@pytest.mark.parametrize(
    ("name", "status", "code", "retry_after"),
    [
        ("missing", 404, "not_found", None),
        ("many", 429, "too_many_requests", "3"),
        ("key", 400, "idempotency_key_required", None),
        ("running", 409, "in_progress", "1"),
        ("commit", 503, "not_stored", "1"),
        ("provider-down", 503, "provider_unavailable", "5"),
        ("provider-silent", 502, "provider_unknown", None),
        ("provider-keys", 502, "provider_misconfigured", None),
        ("http", 410, "gone", None),
        ("http500", 500, "internal", None),
        ("bug", 500, "internal", None),
        ("fault", 500, "internal", None),
        ("unique", 500, "internal", None),
        ("wrapped-unique", 500, "internal", None),
        ("data", 500, "internal", None),
        *((name, 503, "unavailable", "1") for name in TRANSIENT),
    ],
)
async def test_each_error_has_its_status_and_tells_no_secret(
    client: httpx.AsyncClient, name: str, status: int, code: str, retry_after: str | None
) -> None:
    with capture_logs() as logs:
        response = await _problem(client, f"/raise/{name}")
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert response.headers.get("retry-after") == retry_after
    for secret in ("hunter2", "secret", "sk_live", "10.0.0.7", "store id", "SELECT", "+880", "deep inside"):
        assert secret not in response.text
    assert len(logs) == (1 if status >= 500 else 0)
    assert response.json().get("request_id") == ("req-1" if status >= 500 else None)


async def test_a_fault_of_ours_is_logged_with_its_context_but_not_its_path(client: httpx.AsyncClient) -> None:
    with capture_logs() as logs:
        await client.get("/raise/bug?token=hunter3")
    (line,) = logs
    assert line["log_level"] == "error"
    assert line["exc_info"] is ERRORS["bug"]
    assert (line["method"], line["request_id"]) == ("GET", "req-1")
    assert line["route"].startswith("/raise/{name")
    assert "hunter3" not in repr({key: value for key, value in line.items() if key != "exc_info"})


async def test_what_the_framework_refuses_is_a_problem_too(client: httpx.AsyncClient) -> None:
    assert (await _problem(client, "/nowhere")).json()["code"] == "not_found"
    wrong_method = await _problem(client, "/ok", method="DELETE")
    assert wrong_method.json()["code"] == "method_not_allowed"
    assert wrong_method.headers["allow"] == "GET, HEAD, OPTIONS"
    missing = await _problem(client, "/ok")
    assert (missing.status_code, missing.json()["code"]) == (422, "invalid")
    bad_host = await client.get("/ok", headers={"host": "a b"})
    assert (bad_host.status_code, bad_host.json()["code"]) == (400, "bad_request")
    assert "/ok" not in missing.text


async def test_nothing_of_the_framework_explains_our_faults_even_in_debug() -> None:
    app = Litestar([fail], plugins=[Edge()], debug=True)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop.test") as client:
        assert "hunter2" not in (await client.get("/raise/bug")).text
        assert (await client.get("/schema")).status_code == 404


async def test_the_store_can_choose_the_language() -> None:
    def bangla(_: Request[Any, Any, Any]) -> str:
        return "bn"

    app = Litestar([fail], plugins=[Edge(locale=bangla)])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop.test") as client:
        response = await client.get("/raise/missing")
    assert response.headers["content-language"] == "bn"
    assert response.json()["title"] == messages.PROBLEMS["not_found"]["bn"]


def test_an_error_during_commit_or_of_ours_is_not_called_transient() -> None:
    assert transient_reason(NotStored()) is None
    assert transient_reason(ValueError("closed")) is None
    assert transient_reason(asyncpg.DeadlockDetectedError("x")) == "deadlock"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, "en"),
        ("", "en"),
        ("bn", "bn"),
        ("BN-bd", "bn"),
        ("fr, bn;q=0.5", "bn"),
        ("en;q=0.5, bn;q=0.9", "bn"),
        ("bn;q=0.5, en;q=0.5", "bn"),
        ("bn;q=0, *", "en"),
        ("en;q=0, *;q=0.1", "bn"),
        ("*", "en"),
        ("fr", "en"),
        ("bn;q=0", "en"),
        ("bn;q=2", "en"),
        ("bn;q=১", "en"),
        (";;;,,,q=1", "en"),
        ("b" * 5000, "en"),
        (",".join(["fr"] * 5000) + ",bn", "en"),
        ("bn-\x00", "en"),
    ],
)
def test_the_language_follows_the_header_and_garbage_is_passed_over(header: str | None, expected: str) -> None:
    assert locale_of(header, ("en", "bn"), "en") == expected


def test_every_message_exists_in_every_language_with_the_same_numbers() -> None:
    for texts in (*messages.PROBLEMS.values(), *messages.FIELDS.values()):
        assert set(texts) == set(messages.LOCALES)
        assert re.findall(r"\{\w+\}", texts["en"]) == re.findall(r"\{\w+\}", texts["bn"])
        assert re.search("[\u0980-\u09ff]", texts["bn"])


def test_a_sentence_without_its_number_falls_back() -> None:
    assert messages.translate_field("too_long", "bn", "Too long.") == "Too long."
    assert messages.translate_field("nobody_knows", "bn", "Default.") == "Default."
    assert messages.translate("not_found", "fr", "Default.") == "Default."
