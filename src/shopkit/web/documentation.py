"""The page at `/api/docs`: the OpenAPI document as plain HTML, without scripts, fonts or anything from elsewhere."""

import html
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from shopkit.core.kernel import messages

_STYLE: Final = """
body{font:16px/1.5 system-ui,sans-serif;max-width:64rem;margin:0 auto;padding:1rem;color:#1a1a1a;background:#fff}
h1{font-size:1.6rem}h2{margin-top:2.5rem;border-bottom:1px solid #ddd}code,pre{font:14px/1.45 ui-monospace,monospace}
details{border:1px solid #ddd;border-radius:6px;margin:.5rem 0;padding:.5rem .75rem}summary{cursor:pointer}
pre{background:#f6f6f6;padding:.75rem;overflow:auto;border-radius:6px}table{border-collapse:collapse;width:100%}
td,th{text-align:start;vertical-align:top;padding:.25rem .5rem;border-bottom:1px solid #eee}
.method{display:inline-block;min-width:4.5rem;font-weight:700}.quiet{color:#555}
@media(prefers-color-scheme:dark){body{color:#eee;background:#161616}pre{background:#222}
details,h2{border-color:#444}td,th{border-color:#333}.quiet{color:#aaa}a{color:#8ab4ff}}
"""


def page(document: Mapping[str, Any]) -> str:
    """The whole page of an OpenAPI document."""
    info = document["info"]
    title = _text(info["title"])
    return "".join(
        (
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width,initial-scale=1">',
            f"<title>{title}</title><style>{_STYLE}</style></head><body><main>",
            f"<h1>{title} <span class=quiet>{_text(info['version'])}</span></h1>",
            f"<p>{_text(info.get('description', ''))}</p>",
            '<p><a href="/api/openapi.json">OpenAPI document</a> · <a href="#problems">Problems</a>',
            ' · <a href="#schemas">Schemas</a></p>',
            *_operations(document),
            *_problems(),
            *_schemas(document),
            "</main></body></html>",
        )
    )


def _operations(document: Mapping[str, Any]) -> Iterator[str]:
    by_tag: dict[str, list[tuple[str, str, Any]]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            for tag in operation.get("tags") or ["Other"]:
                by_tag.setdefault(tag, []).append((path, method, operation))
    for tag, operations in sorted(by_tag.items()):
        yield f"<h2>{_text(tag)}</h2>"
        for path, method, operation in operations:
            yield from _operation(path, method, operation)


def _operation(path: str, method: str, operation: Mapping[str, Any]) -> Iterator[str]:
    yield f'<details id="{_text(operation["operationId"])}"><summary><span class=method>{method.upper()}</span>'
    yield f"<code>{_text(path)}</code> <span class=quiet>{_text(operation['summary'])}</span></summary>"
    yield f"<p>{_text(operation.get('description', ''))}</p>"
    if operation.get("parameters"):
        yield _table(("Parameter", "In", "Schema", ""), map(_parameter, operation["parameters"]))
    for name, content in operation.get("requestBody", {}).get("content", {}).items():
        yield f"<h4>Body <span class=quiet>{_text(name)}</span></h4>{_content(content)}"
    for status, response in operation["responses"].items():
        if "$ref" not in response:
            yield f"<h4>{_text(status)} <span class=quiet>{_text(response['description'])}</span></h4>"
            if status.startswith("2"):
                yield from map(_content, response.get("content", {}).values())
    yield "</details>"


def _parameter(parameter: Mapping[str, Any]) -> tuple[str, ...]:
    is_required = " (required)" if parameter.get("required") else ""
    name = f"<code>{_text(parameter['name'])}</code>{is_required}"
    schema = f"<code>{_text(json.dumps(parameter['schema'], ensure_ascii=False))}</code>"
    return name, _text(parameter["in"]), schema, _text(parameter.get("description", ""))


def _content(content: Mapping[str, Any]) -> str:
    parts = [_schema(content["schema"])]
    for name, example in content.get("examples", {}).items():
        parts.append(f"<p class=quiet>{_text(name)}</p>{_json(example['value'])}")
    return "".join(parts)


def _schema(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f'<p><a href="#schema-{_text(name)}">{_text(name)}</a></p>'
    return _json(schema)


def _problems() -> Iterator[str]:
    yield '<h2 id="problems">Problems</h2><p>Every error is <code>application/problem+json</code> (RFC 9457). '
    yield "Compare <code>code</code>; sentences may change and follow <code>Accept-Language</code>.</p>"
    yield _table(
        ("Code", "English", "বাংলা"), (_message(code, "problem", all_) for code, all_ in _sorted(messages.PROBLEMS))
    )
    yield "<h3>Codes of fields</h3>"
    yield _table(("Code", "English", "বাংলা"), (_message(code, "field", all_) for code, all_ in _sorted(messages.FIELDS)))


def _sorted(texts: Mapping[str, Mapping[str, str]]) -> list[tuple[str, Mapping[str, str]]]:
    return sorted(texts.items())


def _message(code: str, kind: str, texts: Mapping[str, str]) -> tuple[str, ...]:
    shown = f'<code id="{kind}-{_text(code)}">{_text(code)}</code>'
    return shown, _text(texts["en"]), f"<span lang=bn>{_text(texts['bn'])}</span>"


def _schemas(document: Mapping[str, Any]) -> Iterator[str]:
    yield '<h2 id="schemas">Schemas</h2>'
    for name, schema in sorted(document["components"]["schemas"].items()):
        yield f'<details id="schema-{_text(name)}"><summary><code>{_text(name)}</code></summary>'
        yield f"{_json(schema)}</details>"


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = "".join(f"<th scope=col>{text}</th>" for text in heads)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _json(value: Any) -> str:
    return f"<pre>{_text(json.dumps(value, indent=2, ensure_ascii=False))}</pre>"


def _text(value: object) -> str:
    return html.escape(str(value))
