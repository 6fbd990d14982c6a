"""The context of a request: its id, the client's address behind trusted proxies, one log line, one scope, one Uow."""

import ipaddress
import re
import time
from collections.abc import AsyncIterator, Iterable
from typing import Any, cast

import structlog
from litestar import Request
from litestar.di import NamedDependency
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from shopkit.bootstrap import Shop
from shopkit.core.kernel import scope as scopes
from shopkit.core.kernel.config import Network, trusted_networks
from shopkit.core.kernel.ids import uuid7
from shopkit.core.kernel.problem import locale_of
from shopkit.core.kernel.uow import Uow
from shopkit.sdk.errors import NotFound

log = structlog.get_logger("shopkit.request")
_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*").fullmatch


class RequestContext:
    """The outermost ASGI layer: a fresh request id, the real address, safety headers, and a line when it is over."""

    def __init__(self, app: ASGIApp, shop: Shop) -> None:
        self._app = app
        self._trusted = trusted_networks(shop.config)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http":  # type: ignore[comparison-overlap]
            await self._serve(cast("HTTPScope", scope), receive, send)
        else:
            await self._app(scope, receive, send)

    async def _serve(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        request_id = uuid7().hex
        state = scope.setdefault("state", {})
        state["request_id"] = request_id
        state["address"] = client_address(scope, self._trusted)
        status = 500

        async def send_marked(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message.get("headers", ()),
                    (b"x-request-id", request_id.encode()),
                    (b"x-content-type-options", b"nosniff"),
                ]
            await send(message)

        try:
            await self._app(scope, receive, send_marked)
        finally:
            log.info(
                "request",
                method=scope["method"],
                path=scope["path"],
                status=status,
                ms=round((time.perf_counter() - started) * 1000, 2),
                request_id=request_id,
                tenant=state.get("tenant"),
            )


def client_address(scope: Any, trusted: Iterable[Network]) -> str:
    """The nearest address that is not a trusted proxy's; forwarding headers of strangers do not count (I40)."""
    client = scope.get("client")
    address = str(client[0]) if client else "local"
    if not trusted or not _is_trusted(address, trusted):
        return address
    forwarded = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
    for part in reversed(b",".join(forwarded).decode("latin-1").split(",")):
        try:
            address = str(ipaddress.ip_address(part.strip()))
        except ValueError:
            break
        if not _is_trusted(address, trusted):
            break
    return address


def _is_trusted(address: str, trusted: Iterable[Network]) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address == "local"  # a unix socket: the proxy next door
    # A socket for both versions names an IPv4 proxy as ::ffff:10.0.0.1.
    parsed = getattr(parsed, "ipv4_mapped", None) or parsed
    return any(parsed in network for network in trusted)


def host_of(request: Request[Any, Any, Any]) -> str:
    """The name in the Host header, without port, in lower case. Raises `NotFound` for rubbish."""
    header = request.headers.get("host", "")
    name = header.rpartition("]")[0] + "]" if header.startswith("[") else header.partition(":")[0]
    if len(name) > 253 or any(sign in name for sign in "/\\@ \t\x00"):
        raise NotFound
    return name.lower().rstrip(".")


def store_of(request: Request[Any, Any, Any]) -> str:
    """The store that the client names; empty for the host's own. Raises `NotFound` for what no store can be called."""
    slug = request.headers.get("x-shopkit-store", "")
    if slug and (len(slug) > 200 or not _SLUG(slug)):
        raise NotFound
    return slug


async def provide_caller(request: Request[Any, Any, Any], shop: NamedDependency[Shop]) -> scopes.Scope:
    """The tenant and store of the request's host, the language that the client prefers.

    Each dependency here names the one before it: Litestar resolves a batch of one without a task group of its own.
    """
    place = await shop.places.find(host_of(request), store_of(request))
    state = request.scope["state"]
    state["tenant"] = str(place.tenant_id)
    store = place.store
    return scopes.Scope(
        tenant_id=place.tenant_id,
        store=store,
        actor=scopes.CUSTOMER,
        locale=locale_of(request.headers.get("accept-language"), store.locales, store.locale),
        request_id=state["request_id"],
        address=state["address"],
    )


async def provide_uow(shop: NamedDependency[Shop], caller: NamedDependency[scopes.Scope]) -> AsyncIterator[Uow]:
    """One transaction per request: committed after the handler and before the response starts."""
    async with shop.uow(caller) as uow:
        yield uow


async def provide_shop(request: Request[Any, Any, Any]) -> Shop:
    """The process, for handlers that alternate transactions with other work."""
    shop: Shop = request.app.state["shop"]
    return shop
