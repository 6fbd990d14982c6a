"""The command line, walked from the commands themselves."""

import re
from collections.abc import Iterator

import click

from scripts.reference import source
from shopkit import cli

MARKUP = re.compile(r"\[/?[a-z# ]*\]")


SHARED = {
    "`--json`": "Print JSON for programs instead of a table.",
    "`--tenant`": "The tenant, by slug or host name; not needed while there is only one.",
    "`--data-dir`": "Where the embedded database, the key and the media are, instead of `SHOPKIT_DATA_DIR`.",
}
"""Options that mean the same wherever they stand."""


def page() -> str:
    """The page of commands."""
    parts = [
        "# Commands\n\n"
        "`shopkit COMMAND --help` says the same. The process's [configuration](configuration.md) comes from the "
        "environment. Exit codes: 0 done, 1 failed or refused, 2 wrong usage or configuration, 130 interrupted.\n\n",
        source.table(["Shared option", "Meaning"], [[name, meaning] for name, meaning in SHARED.items()]),
    ]
    for path, command in walk():
        parts += [_section(path, command)]
    return "".join(parts)


def walk() -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, with its full name."""
    yield from _under("shopkit", root())


def root() -> click.Command:
    """The command behind `shopkit`."""
    found = [value for value in vars(cli).values() if isinstance(value, click.Group)]
    assert found, "shopkit.cli holds no command group"
    return found[0]


def _under(path: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    if not isinstance(command, click.Group):
        yield path, command
        return
    if command.invoke_without_command:
        yield path, command
    context = click.Context(command)
    for name in command.list_commands(context):
        child = command.get_command(context, name)
        if child is not None and not child.hidden:
            # Commands are imported when they are parsed; the context names the real one.
            real = child.make_context(name, [], parent=context, resilient_parsing=True).command
            yield from _under(f"{path} {name}", real)


def _section(path: str, command: click.Command) -> str:
    usage = " ".join([path, *command.collect_usage_pieces(click.Context(command, info_name=path))])
    options = [option for option in command.params if isinstance(option, click.Option) and not option.hidden]
    own = [[_names(option), _default(option), option.help or ""] for option in options if _names(option) not in SHARED]
    also = ", ".join(_names(option) for option in options if _names(option) in SHARED)
    return (
        f"## {path}\n\n{_text(command.help or '')}\n\n```text\n{usage}\n```\n\n"
        + source.table(["Option", "Default", "Meaning"], own)
        + (f"{'Also' if own else 'Options'}: {also}.\n\n" if also else "")
    )


def _names(option: click.Option) -> str:
    return f"`{', '.join([*option.opts, *option.secondary_opts])}`"


def _default(option: click.Option) -> str:
    value = option.default
    if option.is_flag or value in (None, (), "") or callable(value) or "UNSET" in repr(value):
        return "required" if option.required else ""
    return f"`{', '.join(value) if isinstance(value, list | tuple) else value}`"


def _text(help_: str) -> str:
    """Help as Markdown: without terminal markup, paragraphs kept."""
    plain = MARKUP.sub("", help_).replace("\b\n", "").replace("\f", "")
    return "\n\n".join(source.one_line(part) for part in plain.split("\n\n"))
