"""The settings of a process (environment) and of a shop (stored)."""

from typing import Any, Literal, get_args, get_origin

import msgspec
from msgspec import Struct, inspect

from scripts.reference import source
from shopkit.core.kernel.config import PREFIX, Config
from shopkit.core.settings.service import DOMAINS
from shopkit.sdk.settings import Secret

HEADS = ["Setting", "Default", "Values", "Meaning"]


def configuration() -> str:
    """The page of environment variables."""
    return (
        "# Configuration of a process\n\n"
        "Read from the environment once, when a command starts. A variable that begins with "
        f"`{PREFIX}` and is not in this list stops the start, so that a slip of the pen is not a silent default.\n\n"
        + source.table(HEADS, _rows(Config, lambda name: f"`{PREFIX}{name.upper()}`"))
        + "What a shop itself decides (not the process) is stored per tenant and store: "
        "[settings of a shop](store-settings.md).\n"
    )


def store_settings() -> str:
    """The page of stored settings, a section per domain."""
    list(source.modules())  # a domain's settings exist once its module is imported
    parts = [
        "# Settings of a shop\n\n"
        "Stored per tenant, or for one store of it; the store's own value comes first, then the tenant's, then the "
        "default. A change is seen by every process within a second. Secrets are sealed with the master key.\n\n"
    ]
    for domain, type_ in sorted(DOMAINS.items()):
        parts += [f"## {domain}\n\n{source.summary(type_)}\n\n"]
        parts += [source.table(HEADS, _rows(type_, lambda name, of=domain: f"`{of}.{name}`"))]
    return "".join(parts)


def _rows(type_: type[Struct], shown: Any) -> list[list[str]]:
    sentences = source.field_sentences(type_)
    return [
        [shown(field.name), _default(field), _values(field.type), sentences[field.name]]
        for field in msgspec.structs.fields(type_)
    ]


def _default(field: msgspec.structs.FieldInfo) -> str:
    value = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
    if value is None or value == "" or isinstance(value, Secret):
        return "empty"
    return f"`{_plain(value)}`"


def _plain(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _values(type_: Any) -> str:
    if type_ is Secret:
        return "secret text"
    if get_origin(type_) is Literal:
        return ", ".join(f"`{value}`" for value in get_args(type_))  # in the order of the source
    return _kind(inspect.type_info(type_))


def _kind(info: Any) -> str:
    if isinstance(info, inspect.LiteralType):
        return ", ".join(f"`{value}`" for value in info.values)
    if isinstance(info, inspect.UnionType):
        return " or ".join(_kind(part) for part in info.types)
    if isinstance(info, inspect.Metadata):
        return _kind(info.type)
    if isinstance(info, inspect.IntType | inspect.FloatType):
        return _range("whole number" if isinstance(info, inspect.IntType) else "number", info)
    if isinstance(info, inspect.ListType | inspect.VarTupleType):
        return f"list of {_kind(info.item_type)}"
    names = {inspect.StrType: "text", inspect.BoolType: "`true`, `false`", inspect.NoneType: "nothing"}
    return names.get(type(info), type(info).__name__.removesuffix("Type").lower())


def _range(noun: str, info: Any) -> str:
    bounds = {"≥": info.ge, ">": info.gt, "≤": info.le, "<": info.lt}
    said = " and ".join(f"{sign} {value:,}" for sign, value in bounds.items() if value is not None)
    return f"{noun} {said}".strip()
