"""Typed settings: `setting()` says how a field is shown and checked, `Secret` keeps a value out of every print.

One annotated Struct feeds the form, the check, the storage and the docs.
"""

import hmac
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn, TypedDict, Unpack, final

import msgspec


@final
class Secret:
    """A credential. Only `reveal()` gives it away; `repr`, `str` and formatting show `Secret(***)`.

    msgspec refuses to encode it unless a hook is given, pickle always: to forget sealing is a crash, not a leak (I52).
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        if not isinstance(value, str):
            raise TypeError("A secret is text.")
        self._value = value

    def reveal(self) -> str:
        """The secret itself. Pass it on at once; never log, store or show it."""
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(_bytes(self._value), _bytes(other._value))

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __repr__(self) -> str:
        return "Secret(***)"

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __copy__(self) -> "Secret":
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> "Secret":
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("A secret is not pickled.")


class Constraints(TypedDict, total=False):
    """What msgspec can check of a field's value; see `msgspec.Meta`."""

    gt: int | float
    ge: int | float
    lt: int | float
    le: int | float
    multiple_of: int | float
    pattern: str
    min_length: int
    max_length: int
    tz: bool
    examples: list[Any]


def setting(
    title: str,
    *,
    help: str = "",  # noqa: A002  the word that authors look for
    group: str = "",
    advanced: bool = False,
    choices: str = "",
    show_if: tuple[str, str] | None = None,
    **constraints: Unpack[Constraints],
) -> msgspec.Meta:
    """Describe a settings field: `Annotated[str, setting("Store ID", help="From the welcome mail.", max_length=64)]`.

    `group` is the heading it stands under, `advanced` folds it away, `choices` names a list that the provider is
    asked for, and `show_if=("theme", "popup")` shows it only beside that value. What msgspec
    can check (`max_length`, `ge`, `pattern`, ...) goes to msgspec.
    """
    extra: dict[str, Any] = {"group": group, "advanced": advanced, "choices": choices, "show_if": show_if}
    checks: dict[str, Any] = {**constraints}
    return msgspec.Meta(title=title, description=help or None, extra=extra, **checks)


def decode_secret(kind: type, value: object) -> Any:
    """The `dec_hook` for settings: text becomes a `Secret`; any other unknown type is refused."""
    if kind is not Secret:
        raise NotImplementedError(f"{kind.__name__} is not a type of settings.")
    if not isinstance(value, str):
        raise ValueError("Expected text")  # msgspec adds the path to a ValueError
    return Secret(value)


def secret_fields(settings: type[msgspec.Struct]) -> Sequence[str]:
    """The encoded names of the fields that must be sealed at rest and are never sent back to a form."""
    return [field.encode_name for field in msgspec.structs.fields(settings) if _holds_secret(field.type)]


def metadata(annotation: Any) -> Mapping[str, Any]:
    """What `setting()` said of an annotated type beyond the constraints; empty if it said nothing."""
    for item in getattr(annotation, "__metadata__", ()):
        if isinstance(item, msgspec.Meta):
            return item.extra or {}
    return {}


def _holds_secret(annotation: Any) -> bool:
    if annotation is Secret:
        return True
    arguments = getattr(annotation, "__args__", ())
    origin = getattr(annotation, "__origin__", None)
    return origin is Secret or any(_holds_secret(argument) for argument in arguments)


def _bytes(text: str) -> bytes:
    # Lone surrogates must compare, not raise.
    return text.encode("utf-8", "surrogatepass")
