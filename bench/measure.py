"""What a process costs, read from /proc: CPU seconds, resident memory; and which CPU each part may use."""

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
ZOMBIE = "Z"


class Cpus(Struct, frozen=True, kw_only=True):
    """Which CPU serves (`app`) and which drives and stores (`rest`); the same one where there is only one."""

    app: int
    rest: int

    @property
    def is_apart(self) -> bool:
        return self.app != self.rest

    @classmethod
    def pick(cls) -> "Cpus":
        allowed = sorted(os.sched_getaffinity(0))
        return cls(app=allowed[0], rest=allowed[1] if len(allowed) > 1 else allowed[0])


@contextmanager
def pinned(cpu: int) -> Iterator[None]:
    """Children started inside stay on this CPU for life: affinity is inherited, so start-up is pinned as well."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {cpu})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


class _Stat(Struct, frozen=True):
    parent: int
    state: str
    own_ticks: int
    reaped_ticks: int


def _stat(pid: int) -> _Stat | None:
    """One process, or None when it is gone. Its name may hold spaces and brackets: fields count from the last one."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text.rpartition(")")[2].split()
    return _Stat(int(fields[1]), fields[0], int(fields[11]) + int(fields[12]), int(fields[13]) + int(fields[14]))


def family(root: int) -> dict[int, _Stat]:
    """The process and all its living descendants."""
    stats = {int(path.name): stat for path in Path("/proc").glob("[0-9]*") if (stat := _stat(int(path.name)))}
    found: dict[int, _Stat] = {}
    waiting = [root]
    while waiting:
        pid = waiting.pop()
        if pid in stats and pid not in found:
            found[pid] = stats[pid]
            waiting += [child for child, stat in stats.items() if stat.parent == pid]
    return found


def cpu_seconds(root: int) -> float:
    """CPU used by the process and its descendants since they began, those that have exited included.

    A child that exits moves its time into its parent's "reaped" ticks. If that happens while we read, the sum
    would miss it or count it twice, so we read again until the reaped ticks stood still.
    """
    for _ in range(20):
        before = _reaped(root)
        members = family(root)
        if _reaped(root) == before:
            break
    return sum(stat.own_ticks + stat.reaped_ticks for stat in members.values()) / TICKS_PER_SECOND


def _reaped(pid: int) -> int:
    stat = _stat(pid)
    return stat.reaped_ticks if stat else -1


class Memory(Struct, frozen=True, kw_only=True):
    """Bytes of a process and its descendants: resident (shared pages once per process) and proportional."""

    rss_bytes: int
    pss_bytes: int
    processes: int


def memory(root: int) -> Memory:
    """Resident memory now. One process has nothing to share, so there RSS is the figure that `ps` shows."""
    rss = pss = processes = 0
    for pid, stat in family(root).items():
        if stat.state == ZOMBIE:
            continue
        try:
            text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
        rss += _kilobytes("Rss", text) * 1024
        pss += _kilobytes("Pss", text) * 1024
        processes += 1
    return Memory(rss_bytes=rss, pss_bytes=pss, processes=processes)


def _kilobytes(name: str, text: str) -> int:
    found = re.search(rf"^{name}:\s+(\d+) kB", text, re.MULTILINE)
    return int(found[1]) if found else 0


def settle(*roots: int, idle_share: float = 0.04, patience_seconds: float = 20.0) -> float:
    """Wait until these processes are idle, so that one workload's afterwork does not slow the next.

    Answers the CPU seconds they used meanwhile: work that the workload left behind.
    """
    start = previous = sum(map(cpu_seconds, roots))
    deadline = time.monotonic() + patience_seconds
    while time.monotonic() < deadline:
        time.sleep(0.5)
        now = sum(map(cpu_seconds, roots))
        if (now - previous) / 0.5 <= idle_share:
            break
        previous = now
    return sum(map(cpu_seconds, roots)) - start


def own_cpu_seconds() -> float:
    """CPU of this process, the driver."""
    return time.process_time()


def busy_seconds() -> float:
    """CPU used by everybody on this machine since boot, and what its host took away (steal), without interrupts."""
    fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    user, nice, system, steal = (int(fields[place]) for place in (0, 1, 2, 7))
    return (user + nice + system + steal) / TICKS_PER_SECOND
