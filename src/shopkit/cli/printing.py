"""What people and programs read: tables or JSON on standard output, progress on standard error."""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import msgspec

WIDE = 200
"""Columns where no terminal says how wide it is."""


def note(text: str) -> None:
    """A line of progress."""
    print(text, file=sys.stderr, flush=True)


@contextmanager
def step(text: str) -> Iterator[None]:
    """Something that takes a while: a spinner on a terminal, a line elsewhere."""
    if not sys.stderr.isatty():
        note(f"{text} ...")
        yield
        return
    from rich.console import Console  # noqa: PLC0415 - 5 MB that a serving process does not need

    with Console(stderr=True).status(f"{text} ..."):
        yield
    note(f"{text}: done")


def as_json(value: Any) -> None:
    """The value as JSON, and nothing else."""
    data = msgspec.json.format(msgspec.json.encode(value, enc_hook=str), indent=2)
    sys.stdout.write(data.decode() + "\n")


def table(rows: Iterable[Mapping[str, Any]], columns: Mapping[str, str], *, empty: str = "Nothing.") -> None:
    """The rows with one column per entry of `columns` (key to heading); numbers stand right."""
    from rich.table import Table  # noqa: PLC0415

    rows = list(rows)
    if not rows:
        print(empty)
        return
    shown = Table(box=None, pad_edge=False, header_style="bold")
    for key, heading in columns.items():
        is_number = all(isinstance(row.get(key), int) for row in rows)
        shown.add_column(heading, justify="right" if is_number else "left", no_wrap=is_number)
    for row in rows:
        shown.add_row(*(plain(row.get(key)) for key in columns))
    _console().print(shown)


def facts(pairs: Sequence[tuple[str, Any]]) -> None:
    """Names and values below each other."""
    width = max((len(name) for name, _ in pairs), default=0)
    for name, value in pairs:
        print(f"{name + ':':<{width + 1}} {_text(value)}")


def plain(value: Any) -> str:
    """A cell's text, with nothing that Rich would take for markup."""
    from rich.markup import escape  # noqa: PLC0415

    return escape(_text(value))


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M %Z")
    # Control characters in somebody's name must not steer the terminal.
    return "".join(sign if sign.isprintable() or sign == "\n" else " " for sign in str(value))


def _console() -> Any:
    from rich.console import Console  # noqa: PLC0415

    return Console(width=None if sys.stdout.isatty() else WIDE, highlight=False, soft_wrap=False)


@contextmanager
def stages() -> Iterator[Callable[[str, int, int], None]]:
    """A bar per stage on a terminal, a line per finished stage elsewhere; called with stage, done, total."""
    if not sys.stderr.isatty():
        yield _tell_stage
        return
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    columns = (TextColumn("{task.description:<16}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bars:
        known: dict[str, Any] = {}

        def advance(stage: str, done: int, total: int) -> None:
            if stage not in known:
                known[stage] = bars.add_task(stage, total=total)
            bars.update(known[stage], completed=done, total=total)

        yield advance


def _tell_stage(stage: str, done: int, total: int) -> None:
    if done >= total:
        note(f"{stage}: {done}")


def has_colours() -> bool:
    """Whether standard output is a terminal."""
    return sys.stdout.isatty()
