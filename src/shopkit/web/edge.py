"""The edge of the application: what Litestar and msgspec accept too generously is refused here for every route.

    app = Litestar(route_handlers=[...], plugins=[Edge(max_body_bytes=config.body_max_bytes)])
    serve(HeadAsGet(app))

`Edge` replaces the request class, the body limit, the error answers and Litestar's own OpenAPI pages, and refuses to
start with a route that would go round the strict decoder.
"""

import re
from collections.abc import Iterable
from typing import Any, Final

from litestar import Request
from litestar.config.app import AppConfig
from litestar.enums import RequestEncodingType
from litestar.exceptions import InternalServerException
from litestar.handlers import HTTPRouteHandler
from litestar.params import BodyKwarg, HeaderParameter, QueryParameter
from litestar.plugins import InitPlugin, ReceiveRoutePlugin
from litestar.routes import BaseRoute, HTTPRoute
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from litestar.typing import FieldDefinition
from msgspec import Struct

from shopkit.core.kernel import decode, problem
from shopkit.core.kernel.faults import bare
from shopkit.core.kernel.inputs import Command

MAX_BODY_BYTES: Final = 1_048_576
_BODY: Final = "shopkit.body"
_JSON: Final = re.compile(rb'application/json(?:[ \t]*;[ \t]*charset=(?:utf-8|"utf-8"))?', re.IGNORECASE).fullmatch
_LOOSE_PATHS: Final = re.compile(r"\{[^}:]+:(?!str\}|path\})")


class _Body(Struct, frozen=True):
    """What a route takes as its body."""

    decoder: decode.Decoder[Any]
    is_optional: bool


class StrictRequest(Request[Any, Any, Any]):
    """A request whose body is of the declared media type and is decoded by `decode.Decoder`."""

    async def body(self) -> bytes:
        """The bytes. Raises `UnsupportedMediaType`, `MalformedJson` where a body is missing, `IncompleteBody`."""
        try:
            raw = await super().body()
        except InternalServerException:
            raise decode.IncompleteBody from None
        expected: _Body | None = self.route_handler.opt.get(_BODY)
        if expected is None:
            return raw
        declared = _declared_type(self.scope["headers"])
        is_absent = not raw and declared is None
        if not is_absent and (declared is None or not _JSON(declared)):
            raise decode.UnsupportedMediaType
        if not raw and not expected.is_optional:
            raise decode.MalformedJson("A JSON body is needed.")
        return raw

    async def json(self) -> Any:
        """The body as the route's Command; called by Litestar for `data`, before any dependency."""
        expected: _Body | None = self.route_handler.opt.get(_BODY)
        raw = await super().body()
        return decode.parse_json(raw) if expected is None else expected.decoder.decode(raw)


def _declared_type(headers: Iterable[tuple[bytes, bytes]]) -> bytes | None:
    declared = None
    for name, value in headers:
        if name == b"content-type":
            if declared is not None:
                raise decode.UnsupportedMediaType
            declared = value
        elif name == b"content-encoding" and value.lower() != b"identity":
            raise decode.UnsupportedMediaType
    return declared


class Edge(InitPlugin, ReceiveRoutePlugin):
    """Puts the strict edge in front of every route. A later `before_request` must call `check_query` itself."""

    def __init__(self, *, max_body_bytes: int = MAX_BODY_BYTES, locale: problem.LocaleOf | None = None) -> None:
        self._max_body_bytes = max_body_bytes
        self._locale = locale

    def on_app_init(self, app_config: AppConfig) -> AppConfig:
        """Replace Litestar's defaults."""
        app_config.request_class = StrictRequest
        app_config.exception_handlers = {
            **problem.exception_handlers(locale=self._locale),
            **(app_config.exception_handlers or {}),
        }
        app_config.openapi_config = None  # `web.openapi` instead: these pages load scripts from elsewhere
        app_config.logging_config = None  # `problem` logs each error once
        if app_config.before_request is None:
            app_config.before_request = check_query
        return app_config

    def receive_route(self, route: BaseRoute) -> None:
        """Prepare a route's decoders. Raises `TypeError` for one that would accept more than it should."""
        if not isinstance(route, HTTPRoute):
            return
        if _LOOSE_PATHS.search(route.path):
            raise TypeError(f"{route.path}: path parameters are `str` (or `path`) and go through decode.parse_id")
        for handler in route.route_handlers:
            # Litestar 2.25 ignores `app_config.request_max_body_size`; the first layer is the application itself.
            handler.ownership_layers[0].request_max_body_size = self._max_body_bytes
            _prepare(handler, route.path)


async def check_query(request: Request[Any, Any, Any]) -> None:
    """Decode the query string of a route that declares `query=`, before anything else happens."""
    declared = request.route_handler.opt.get("query")
    if declared is not None:
        decode.decode_query(request, declared)


def _prepare(handler: HTTPRouteHandler, path: str) -> None:
    where = f"{path} ({handler.handler_name})"
    query = handler.opt.get("query")
    if query is not None:
        decode.query_kinds(query)
    signatures = [handler.parsed_fn_signature]
    signatures += [provide.parsed_fn_signature for provide in handler.resolve_dependencies().values()]
    for signature in signatures:
        for name, field in signature.parameters.items():
            if name == "data":
                handler.opt[_BODY] = _body_of(field, where)
            else:
                _check_parameter(name, field, where)


def _body_of(field: FieldDefinition, where: str) -> _Body:
    marker = field.kwarg_definition
    if not isinstance(marker, BodyKwarg) or marker.media_type != RequestEncodingType.JSON:
        raise TypeError(f"{where}: `data` is a JSONBody; other media types have no strict decoder yet")
    type_ = bare(field.annotation)
    if not isinstance(type_, type) or not issubclass(type_, Command):
        raise TypeError(f"{where}: `data` is a decode.Command")
    if field.is_optional and not field.has_default:
        raise TypeError(f"{where}: an optional body needs `= None`")
    return _Body(decode.decoder_of(type_), field.is_optional)


def _check_parameter(name: str, field: FieldDefinition, where: str) -> None:
    marker = field.kwarg_definition
    if isinstance(marker, QueryParameter):
        raise TypeError(f"{where}: {name} goes into a decode.Query, declared with `query=`")
    if isinstance(marker, HeaderParameter) and bare(field.annotation) is not str:
        raise TypeError(f"{where}: the header {name} is `str`; Litestar would read other types loosely")


class HeadAsGet:
    """HEAD wherever there is GET (RFC 9110, 9.3.2): the same answer without its content. Stands outside Litestar."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        method = scope.get("method")
        if method == "HEAD":
            await self.app({**scope, "method": "GET"}, receive, _without_content(send))  # type: ignore[arg-type]
        elif method == "OPTIONS":
            await self.app(scope, receive, _naming_head(send))
        else:
            await self.app(scope, receive, send)


def _without_content(send: Send) -> Send:
    is_done = False

    async def answer(message: Message) -> None:
        nonlocal is_done
        if message["type"] != "http.response.body":
            await send(message)
        elif not is_done:
            is_done = True
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    return answer


def _naming_head(send: Send) -> Send:
    async def answer(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = [
                (name, problem.with_head(value.decode("latin-1")).encode("latin-1") if name == b"allow" else value)
                for name, value in message["headers"]
            ]
            message = {**message, "headers": headers}
        await send(message)

    return answer
