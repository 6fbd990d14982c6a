"""What the source says that the running program does not: the sentence under a field, the first line of a docstring."""

import ast
import importlib
import inspect
import itertools
import pkgutil
import textwrap
from collections.abc import Iterator
from types import ModuleType

import shopkit


def modules() -> Iterator[ModuleType]:
    """Every module of ShopKit, imported; migrations' own scripts excepted, which run only inside Alembic."""
    for found in pkgutil.walk_packages(shopkit.__path__, "shopkit."):
        if not found.name.startswith("shopkit.migrations.") and not found.name.endswith(".__main__"):
            yield importlib.import_module(found.name)


def field_sentences(type_: type) -> dict[str, str]:
    """Field to the docstring that follows it, as one line; inherited ones too."""
    sentences: dict[str, str] = {}
    for owner in reversed(type_.__mro__):
        if owner.__module__.startswith("shopkit"):
            body = ast.parse(textwrap.dedent(inspect.getsource(owner))).body[0]
            assert isinstance(body, ast.ClassDef)
            sentences |= _sentences(body.body)
    return sentences


def _sentences(statements: list[ast.stmt]) -> dict[str, str]:
    found = {}
    for field, after in itertools.pairwise(statements):
        is_field = isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if is_field and isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            found[field.target.id] = one_line(str(after.value.value))
    return found


def summary(thing: object) -> str:
    """The docstring's first paragraph as one line."""
    return one_line((inspect.getdoc(thing) or "").split("\n\n")[0])


def one_line(text: str) -> str:
    """Text without line breaks."""
    return " ".join(text.split())


def cell(text: str) -> str:
    """Text for a cell of a Markdown table."""
    return one_line(text).replace("|", "\\|")


def table(heads: list[str], rows: list[list[str]]) -> str:
    """A Markdown table; empty where there are no rows."""
    if not rows:
        return ""
    lines = [heads, ["---"] * len(heads), *([cell(text) for text in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines) + "\n"
