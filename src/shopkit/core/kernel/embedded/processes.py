"""Processes as /proc shows them."""

import contextlib
import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from msgspec import Struct

from shopkit.core.kernel.embedded.deadlines import PAUSE_SECONDS, Deadline

_PROC = Path("/proc")


class Process(Struct, frozen=True):
    """A process that cannot be mistaken for a later one with the same number."""

    pid: int
    started: str

    @classmethod
    def find(cls, pid: int) -> Self | None:
        """None when there is none, or only a zombie."""
        if pid <= 0:
            return None
        try:
            fields = (_PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return None
        return None if fields[0] in "ZX" else cls(pid, fields[19])  # proc(5): 3 state, 22 starttime

    def is_alive(self) -> bool:
        """Whether this very process runs."""
        return Process.find(self.pid) == self


def can_be_seen() -> bool:
    """Whether /proc is mounted."""
    return (_PROC / "self" / "stat").exists()


def tagged(tag: str, uid: int) -> list[Process]:
    """The server processes whose command line carries `tag`: readable even where /proc/<pid>/cwd is not."""
    found = []
    for entry in _PROC.glob("[0-9]*"):
        with contextlib.suppress(OSError):
            is_server = entry.stat().st_uid == uid and (entry / "comm").read_text().strip() == "postgres"
            if is_server and tag.encode() in (entry / "cmdline").read_bytes():
                found.append(Process.find(int(entry.name)))
    return [process for process in found if process]


def end(processes: Sequence[Process], how: signal.Signals, seconds: float) -> bool:
    """Signal them and wait; True when all are gone."""
    deadline = Deadline(seconds)
    for process in processes:
        if process.is_alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, how)
    while any(process.is_alive() for process in processes):
        if deadline.has_passed:
            return False
        time.sleep(PAUSE_SECONDS)
    return True
