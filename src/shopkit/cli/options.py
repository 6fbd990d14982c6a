"""Options that several commands share."""

from collections.abc import Callable
from typing import Any, TypeVar

import rich_click as click

C = TypeVar("C", bound=Callable[..., Any])


def data_dir(command: C) -> C:
    """`--data-dir`: where the embedded database, the key and the media are."""
    return click.option(
        "--data-dir", metavar="DIR", help="Database, key and media are here. Default: SHOPKIT_DATA_DIR."
    )(command)


def as_json(command: C) -> C:
    """`--json`: data for programs on standard output."""
    return click.option("--json", "is_json", is_flag=True, help="Print JSON.")(command)


def staff(command: C) -> C:
    """What every command of staff takes."""
    tenant = click.option(
        "--tenant", metavar="SLUG", help="The tenant, by slug or host name. Default: the only one there is."
    )
    return as_json(tenant(data_dir(command)))
