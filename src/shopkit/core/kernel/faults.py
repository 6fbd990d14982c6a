"""What is wrong with an input: a pointer, a stable code and a sentence for every wrong field, not only the first.

msgspec stops at the first error. When it does, the wrong value is taken apart and each part is tried again.
"""

import re
import types
import typing
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final

import msgspec
from msgspec import Struct, ValidationError

from shopkit.core.kernel import messages
from shopkit.sdk.errors import FieldError

MAX_ERRORS: Final = 50
"""Most wrong fields that one answer names."""
MAX_INTEGER: Final = 2**63 - 1
"""Integers of either sign stay within a `bigint`."""

Hook = Callable[[Any, Any], Any]


class Wrong(ValueError):
    """Raised in a Struct's `__post_init__`: `code` is one of `messages.FIELDS`, `field` the name within the Struct."""

    def __init__(self, code: str, field: str = "", text: str = "") -> None:
        self.code = code
        self.field = field
        super().__init__(text or messages.translate_field(code, "en", code))


class FieldFault(FieldError, frozen=True, kw_only=True):
    """A `FieldError` that also knows the numbers of its sentence, so that it can be said in another language."""

    values: Mapping[str, int] = {}


class Unusable:
    """Stands in a tree where a value cannot be used, so that the conversion fails there and tells the path."""

    __slots__ = ("code", "name")

    def __init__(self, code: str, name: str = "") -> None:
        self.code = code
        self.name = name


TOO_LARGE: Final = Unusable("too_large")
BAD_TEXT: Final = Unusable("invalid_text")

_SAYINGS: Final = tuple(
    (re.compile(pattern), code)
    for pattern, code in (
        (r"Expected `str` of length >= (\d+)", "too_short"),
        (r"Expected `str` of length <= (\d+)", "too_long"),
        (r"Expected `(?:array|object)` of length >= (\d+)", "too_few"),
        (r"Expected `(?:array|object)` of length <= (\d+)", "too_many"),
        (r"Expected `int` >= (-?\d+)", "too_small"),
        (r"Expected `int` <= (-?\d+)", "too_large"),
        (r"Expected `int` that's a multiple of (\d+)", "not_a_multiple"),
        (r"Expected `str` matching regex", "invalid_format"),
        (r"Expected `int\b", "not_a_number"),
        (r"Expected `date\b|Invalid RFC3339 encoded date", "not_a_date"),
        (r"Expected `str\b", "not_text"),
        (r"Expected `bool\b", "not_a_boolean"),
        (r"Expected `array\b", "not_a_list"),
        (r"Expected `object\b", "not_an_object"),
        (r"Invalid enum value|Invalid value", "not_one_of"),
    )
)
_ELSEWHERE: Final = " - at `"


def faults_of(value: Any, type_: Any, error: ValidationError, hook: Hook) -> list[FieldError]:
    """Every wrong field of a value that failed to convert, at most `MAX_ERRORS`, by JSON pointer."""
    found: list[FieldError] = []
    _collect(value, type_, "", found, hook)
    return found[:MAX_ERRORS] or [_named("", value, error)]


def fault(code: str, pointer: str, values: Mapping[str, int] | None = None) -> FieldFault:
    """One wrong field with the sentence of its code."""
    values = values or {}
    message = messages.translate_field(code, "en", code, **values)
    return FieldFault(field=pointer, code=code, message=message, values=values)


def pointer_to(parent: str, name: str) -> str:
    """The JSON pointer (RFC 6901) of a member."""
    # The name comes from the client: half a surrogate pair cannot be answered, and a long one need not be.
    shown = name[:100].encode("utf-8", "replace").decode()
    return f"{parent}/{shown.replace('~', '~0').replace('/', '~1')}"


def _collect(value: Any, type_: Any, pointer: str, found: list[FieldError], hook: Hook) -> None:
    if len(found) >= MAX_ERRORS:
        return
    try:
        msgspec.convert(value, type_, dec_hook=hook)
    except ValidationError as error:
        before = len(found)
        base = bare(type_)
        if type(value) is dict and is_struct(base):
            _collect_fields(value, base, pointer, found, hook)
        elif _ELSEWHERE in str(error):  # else the list itself is wrong, such as too long: no need to look into it
            item_type = typing.get_args(base)[-1] if typing.get_args(base) else Any
            for name, item in _items(value):
                _collect(item, item_type, pointer_to(pointer, name), found, hook)
        if len(found) == before:
            found.append(_named(pointer, value, error))


def _items(value: Any) -> list[tuple[str, Any]]:
    if type(value) is dict:
        return list(value.items())
    return [(str(index), item) for index, item in enumerate(value)] if type(value) is list else []


def _collect_fields(value: dict[str, Any], struct: Any, pointer: str, found: list[FieldError], hook: Hook) -> None:
    fields = {field.encode_name: field for field in msgspec.structs.fields(struct)}
    unknown = [name for name in value if name not in fields]
    found.extend(fault("unknown_field", pointer_to(pointer, name)) for name in unknown[:MAX_ERRORS])
    for name, field in fields.items():
        if name in value:
            _collect(value[name], field.type, pointer_to(pointer, name), found, hook)
        elif field.required:
            found.append(fault("required", pointer_to(pointer, name)))


def _named(pointer: str, value: Any, error: ValidationError) -> FieldFault:
    if type(value) is Unusable:
        at = pointer_to(pointer, value.name) if value.name else pointer
        return fault(value.code, at, {"limit": MAX_INTEGER} if value is TOO_LARGE else None)
    if value is None or value == "":
        return fault("required", pointer)
    cause = error.__cause__
    if isinstance(cause, ValueError):
        named = getattr(cause, "field", "")
        at = pointer_to(pointer, named) if named else pointer
        return FieldFault(field=at, code=getattr(cause, "code", "invalid_value"), message=str(cause))
    for pattern, code in _SAYINGS:
        if match := pattern.match(str(error)):
            return fault(code, pointer, {"limit": int(match[1])} if match.groups() else None)
    return fault("invalid_value", pointer)


def bare(type_: Any) -> Any:
    """The type without `Annotated`, `None` and `UNSET` around it; a union of several stays one."""
    while typing.get_origin(type_) is Annotated:
        type_ = typing.get_args(type_)[0]
    if typing.get_origin(type_) in (typing.Union, types.UnionType):
        empty = (type(None), msgspec.UnsetType)
        parts = [part for part in typing.get_args(type_) if part not in empty]
        return bare(parts[0]) if len(parts) == 1 else typing.Union[tuple(parts)]  # noqa: UP007
    return type_


def is_struct(type_: Any) -> bool:
    """Whether the type is a Struct, a generic one with its parameters included."""
    plain = typing.get_origin(type_) or type_
    return isinstance(plain, type) and issubclass(plain, Struct)
