"""What a failed command says: one clear sentence on standard error, with a pointer per wrong field."""

import sys

from shopkit.sdk.errors import ConfigFault, ShopKitError

FAILED = 1
MISUSED = 2


def tell(error: Exception) -> int:
    """Print the error for a person; the exit code."""
    if isinstance(error, ShopKitError):
        say(sentence_of(error))
        return MISUSED if isinstance(error, ConfigFault) else FAILED
    if _is_of_the_database(error):
        say(f"The database did not answer as expected: {_first_line(error)}")
        return FAILED
    if isinstance(error, OSError) and error.filename is not None:
        say(f"{error.strerror}: {error.filename}")
        return FAILED
    say(f"Unexpected error, {type(error).__name__}: {_first_line(error)}\nRun it again with --debug for the details.")
    return FAILED


def sentence_of(error: ShopKitError) -> str:
    """The message, and a line per wrong field."""
    lines = [error.text, *(f"  {each.field or '/'}: {each.message}" for each in error.errors)]
    return "\n".join(lines)


def say(text: str) -> None:
    """An error, in red where there are colours."""
    mark = "\x1b[1;31mError:\x1b[0m" if sys.stderr.isatty() else "Error:"
    print(f"{mark} {_scrubbed(text)}", file=sys.stderr)


def _scrubbed(text: str) -> str:
    # Imported late: a program that does not fail needs no logging.
    from shopkit.core.kernel.logs import scrub_text  # noqa: PLC0415

    return scrub_text(text)


def _is_of_the_database(error: Exception) -> bool:
    return type(error).__module__.startswith("asyncpg") or isinstance(error, ConnectionError)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0] or repr(error)
