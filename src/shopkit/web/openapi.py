"""OpenAPI 3.1 of the routes at `/api/openapi.json`, and a page of it at `/api/docs` that needs nothing from elsewhere.

The schemas come from the same Structs that decode and encode, by msgspec itself. A route may add to its decorator:

    query=ProductQuery                       its parameters (and their decoding, see `kernel.decode`)
    problems=[OutOfStock, CartChanged]       refusals to be named
    headers={"Idempotency-Key": "..."}       headers that it reads itself
    examples=[Example(...)]                  shown in the document and executed by the tests
    responses={304: ResponseSpec(None)}      further answers (Litestar's own)
"""

import re
import typing
from collections.abc import Iterable, Iterator, Sequence
from http import HTTPStatus
from inspect import cleandoc
from types import NoneType
from typing import Annotated, Any, Final

import msgspec
from litestar import Litestar, Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import HeaderParameter
from litestar.routes import HTTPRoute
from msgspec import NODEFAULT, UNSET, Struct

from shopkit.core.kernel import decode, problem
from shopkit.core.kernel.examples import Example
from shopkit.core.kernel.faults import bare
from shopkit.core.kernel.inputs import NoQuery
from shopkit.sdk.errors import Invalid, NotFound, Refused, TooMany, Unavailable
from shopkit.web.documentation import page

_KEY_PROBLEMS: Final = (
    (400, "idempotency_key_required"),
    (400, "idempotency_key_invalid"),
    (409, "in_progress"),
    (422, "idempotency_mismatch"),
)
__all__ = ["Example", "document", "examples", "routes"]

REF: Final = "#/components/schemas/{name}"


def routes(*, title: str, version: str, description: str = "", prefix: str = "/api/") -> list[HTTPRouteHandler]:
    """The handlers of the document and the page. Only routes under `prefix` are described."""

    def described(request: Request[Any, Any, Any]) -> dict[str, Any]:
        state = request.app.state
        if "openapi" not in state:
            state["openapi"] = document(
                request.app, title=title, version=version, description=description, prefix=prefix
            )
        return typing.cast("dict[str, Any]", state["openapi"])

    @get("/api/openapi.json", include_in_schema=False, sync_to_thread=False)
    def openapi_json(request: Request[Any, Any, Any]) -> Response[bytes]:
        """The OpenAPI document."""
        return Response(msgspec.json.encode(described(request)), media_type="application/json")

    @get("/api/docs", include_in_schema=False, sync_to_thread=False)
    def openapi_page(request: Request[Any, Any, Any]) -> Response[bytes]:
        """The page for people."""
        headers = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
        return Response(page(described(request)).encode(), media_type="text/html", headers=headers)

    return [openapi_json, openapi_page]


def document(
    app: Litestar, *, title: str, version: str, description: str = "", prefix: str = "/api/"
) -> dict[str, Any]:
    """The OpenAPI document of an application's routes, sorted by path."""
    operations = sorted(_operations(app, prefix), key=lambda each: (each.path, each.method))
    schemas = _Schemas(operations)
    paths: dict[str, Any] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method] = operation.describe(schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version, **({"description": description} if description else {})},
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": schemas.components,
            "responses": {"Problem": _response("A problem", schemas.of(problem.Problem), problem.MEDIA_TYPE)},
        },
    }


def examples(app: Litestar, *, prefix: str = "/api/") -> Iterator[tuple[str, str, Example]]:
    """Every example with the method and path template that it belongs to."""
    for operation in _operations(app, prefix):
        for example in operation.handler.opt.get("examples", ()):
            yield operation.method.upper(), operation.path, example


def _operations(app: Litestar, prefix: str) -> Iterator["_Operation"]:
    seen: set[str] = set()
    for route in app.routes:
        if not isinstance(route, HTTPRoute) or not route.path.startswith(prefix):
            continue
        for handler in route.route_handlers:
            if handler.resolve_include_in_schema():
                for method in sorted(handler.http_methods):
                    yield _Operation(handler, route, method.lower(), seen)


class _Operation:
    """One method of one path."""

    def __init__(self, handler: HTTPRouteHandler, route: HTTPRoute, method: str, seen: set[str]) -> None:
        self.handler = handler
        self.method = method
        self.path = route.path_format
        self.path_parameters = list(route.path_parameters)
        name = handler.operation_id if isinstance(handler.operation_id, str) else handler.fn.__name__
        # The same function name in two domains is no reason to fail; the path tells them apart.
        self.id = name if name not in seen else f"{name}_{re.sub('[^a-z0-9]+', '_', f'{method}{self.path}')}"
        seen.add(self.id)
        fields = handler.parsed_fn_signature.parameters
        self.body = bare(fields["data"].annotation) if "data" in fields else None
        self.is_body_optional = "data" in fields and fields["data"].is_optional
        self.query: type[Struct] = handler.opt.get("query") or NoQuery
        self.answers = {handler.status_code: (_answer_of(handler), "")}
        for status, spec in (handler.responses or {}).items():
            self.answers[status] = (spec.data_container, spec.description)

    def types(self) -> Iterator[Any]:
        """Every type that a schema is needed for."""
        if self.body is not None:
            yield self.body
        yield from (_without_none(field.type) for field in msgspec.structs.fields(self.query))
        yield from (type_ for type_, _ in self.answers.values() if _has_content(type_))

    def describe(self, schemas: "_Schemas") -> dict[str, Any]:
        """The Operation Object."""
        doc = cleandoc(self.handler.description or self.handler.fn.__doc__ or "")
        summary, _, rest = doc.partition("\n")
        shown: dict[str, Any] = {
            "operationId": self.id,
            "summary": self.handler.summary or summary or self.id.replace("_", " "),
            "tags": sorted(self.handler.resolve_tags()),
            "description": rest.strip(),
            "parameters": [*self._path(), *self._query(schemas), *self._headers()],
            "deprecated": self.handler.deprecated,
        }
        if self.body is not None:
            shown["requestBody"] = {
                "required": not self.is_body_optional,
                "content": {"application/json": {"schema": schemas.of(self.body), **self._shown("body")}},
            }
        shown["responses"] = self._responses(schemas)
        return {key: value for key, value in shown.items() if value or key == "responses"}

    def _path(self) -> Iterator[dict[str, Any]]:
        for name in self.path_parameters:
            yield {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}

    def _query(self, schemas: "_Schemas") -> Iterator[dict[str, Any]]:
        for field in msgspec.structs.fields(self.query):
            schema = dict(schemas.of(_without_none(field.type)))
            if field.default not in (NODEFAULT, UNSET, None):
                schema["default"] = msgspec.to_builtins(field.default)
            description = schema.pop("description", "")
            shown = {"name": field.encode_name, "in": "query", "required": field.required, "schema": schema}
            yield shown | ({"description": description} if description else {})

    def _headers(self) -> Iterator[dict[str, Any]]:
        for name, description in self.handler.opt.get("headers", {}).items():
            yield {"name": name, "in": "header", "description": description, "schema": {"type": "string"}}
        for name, field in self.handler.parsed_fn_signature.parameters.items():
            if isinstance(field.kwarg_definition, HeaderParameter):
                shown_name = field.kwarg_definition.name or name
                yield {"name": shown_name, "in": "header", "required": field.is_required, "schema": {"type": "string"}}

    def _responses(self, schemas: "_Schemas") -> dict[str, Any]:
        shown = {}
        for status, (type_, description) in self.answers.items():
            text = description or HTTPStatus(status).phrase
            schema = schemas.of(type_) if _has_content(type_) else None
            shown[str(status)] = _response(text, schema, "application/json", **self._shown("answer", status))
        for status, codes in sorted(self._problems().items()):
            text = ", ".join(f"`{code}`" for code in codes)
            shown.setdefault(str(status), _response(text, schemas.of(problem.Problem), problem.MEDIA_TYPE))
        shown["default"] = {"$ref": "#/components/responses/Problem"}
        return shown

    def _problems(self) -> dict[int, list[str]]:
        refusals: list[tuple[int, str]] = [(Unavailable.status, Unavailable.code), (TooMany.status, TooMany.code)]
        if self.path_parameters:
            refusals.append((NotFound.status, NotFound.code))
        if self.body is not None:
            refusals += [(400, decode.MalformedJson.code), (413, "payload_too_large")]
            refusals += [(415, decode.UnsupportedMediaType.code), (422, Invalid.code)]
        if self.query.__struct_fields__:
            refusals += [(400, decode.MalformedQuery.code), (422, Invalid.code)]
        if "Idempotency-Key" in self.handler.opt.get("headers", {}):
            refusals += _KEY_PROBLEMS
        named: Sequence[type[Refused]] = self.handler.opt.get("problems", ())
        by_status: dict[int, list[str]] = {}
        for status, code in [*refusals, *((each.status, each.code) for each in named)]:
            codes = by_status.setdefault(status, [])
            if code not in codes:
                codes.append(code)
        return by_status

    def _shown(self, part: str, status: int | None = None) -> dict[str, Any]:
        shown = {
            example.name: {"value": getattr(example, part)}
            for example in self.handler.opt.get("examples", ())
            if getattr(example, part) is not None and status in (None, example.status)
        }
        return {"examples": shown} if shown else {}


class _Schemas:
    """JSON Schemas of every type in the document, by msgspec."""

    def __init__(self, operations: Iterable[_Operation]) -> None:
        types: list[Any] = [problem.Problem]
        for operation in operations:
            types += [type_ for type_ in operation.types() if type_ not in types]
        made, self.components = msgspec.json.schema_components(types, schema_hook=_schema_of_own_type, ref_template=REF)
        self._made = list(zip(types, made, strict=True))

    def of(self, type_: Any) -> dict[str, Any]:
        """The schema or the reference to it."""
        return next(schema for each, schema in self._made if each == type_)


def _schema_of_own_type(type_: Any) -> dict[str, Any]:
    schema = getattr(type_, "json_schema", None)
    if schema is None:
        raise NotImplementedError
    return dict(schema)


def _response(description: str, schema: Any, media_type: str, **content: Any) -> dict[str, Any]:
    shown: dict[str, Any] = {"description": description}
    if schema is not None:
        shown["content"] = {media_type: {"schema": schema, **content}}
    return shown


def _answer_of(handler: HTTPRouteHandler) -> Any:
    annotation = handler.parsed_fn_signature.return_type.annotation
    origin = typing.get_origin(annotation) or annotation
    if isinstance(origin, type) and issubclass(origin, Response):
        return typing.get_args(annotation)[0] if typing.get_args(annotation) else None
    return annotation


def _has_content(type_: Any) -> bool:
    return type_ not in (None, NoneType, Any, bytes)


def _without_none(type_: Any) -> Any:
    """A parameter that may be left out is absent, never null."""
    if typing.get_origin(type_) is Annotated:
        return type_
    parts = [part for part in typing.get_args(type_) if part not in (NoneType, msgspec.UnsetType)]
    is_optional = NoneType in typing.get_args(type_) or msgspec.UnsetType in typing.get_args(type_)
    return parts[0] if is_optional and len(parts) == 1 else type_
