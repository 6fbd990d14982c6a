"""Commands whose module is imported when they run: `shopkit serve` must not carry what only `shopkit migrate` needs."""

from importlib import import_module
from typing import Any

import rich_click as click


class LazyCommand(click.RichCommand):
    """Stands for `module.attribute` until it is called; the help of the whole program imports nothing."""

    def __init__(self, name: str, *, target: str, help: str, hidden: bool = False) -> None:  # noqa: A002 click's word
        super().__init__(name=name, help=help, hidden=hidden)
        self._target = target

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> Any:
        """Parse by the real command, which is the context's from here on."""
        module, _, attribute = self._target.partition(":")
        real = getattr(import_module(f"shopkit.cli.{module}"), attribute)
        return real.make_context(info_name, args, parent=parent, **extra)
