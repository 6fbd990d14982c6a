"""Programs that we run without a shell and without our environment, and faults made of what they said."""

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from shopkit.sdk.errors import ConfigFault

SEARCH_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"

_ENVIRONMENT = {"PATH": SEARCH_PATH, "LC_ALL": "C"}
_LAST_LINES = 12

_HINTS = {
    "No space left on device": "Free some disk space and start again.",
    "Disk quota exceeded": "Free some disk space and start again.",
    "could not look up effective user ID": "Give this user an entry in /etc/passwd, or set SHOPKIT_DATABASE_URL.",
    "Permission denied": "Choose a data directory that this user may read and write.",
    "Cannot allocate memory": "Free some memory, or lower `shared_buffers`.",
    "configuration parameter": "Correct the server settings that were passed.",
    "invalid value for parameter": "Correct the server settings that were passed.",
}


def run(command: Sequence[str], **options: Any) -> subprocess.CompletedProcess[str]:
    """Run it to its end, whatever its exit code; `options` (`user`, `timeout`) are those of `subprocess.run`."""
    return subprocess.run(  # noqa: S603 - our own argument lists, no shell of the user's
        command,
        cwd="/",
        env=_ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        **options,
    )


def spawn(command: Sequence[str], log: Path, **options: Any) -> subprocess.Popen[bytes]:
    """Begin a process that may outlive us; its output is appended to `log`."""
    with log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603 - our own argument list, no shell
            command,
            cwd="/",
            env=_ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # a Ctrl-C in the terminal is for us, who stop it in order
            umask=0o077,
            **options,
        )


def fault(sentence: str, output: str) -> ConfigFault:
    """The remedy, where we know one for `output`; a sentence ending in a colon also gets its last lines."""
    lines = [line for line in output.splitlines() if line.strip()][-_LAST_LINES:]
    hint = next((remedy for sign, remedy in _HINTS.items() if sign in output), "")
    shown = lines if sentence.endswith(":") else []
    return ConfigFault("\n".join(filter(None, [sentence, *shown, hint])))
