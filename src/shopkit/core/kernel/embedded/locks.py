"""Locks between processes: `flock` on files, which the kernel drops when their holder dies."""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from shopkit.core.kernel.embedded.accounts import Account
from shopkit.core.kernel.embedded.deadlines import PAUSE_SECONDS, Deadline
from shopkit.sdk.errors import ConfigFault


@contextlib.contextmanager
def exclusively(path: Path, owner: Account, deadline: Deadline) -> Iterator[None]:
    """Hold the lock alone. ConfigFault when another holds it past the deadline."""
    while True:
        file = opened(path, owner)
        if at_once(file) and os.fstat(file).st_nlink:  # deleted meanwhile: a new one may have taken its name
            break
        os.close(file)
        if deadline.has_passed:
            raise ConfigFault("Another process is still starting or stopping this PostgreSQL. Try again in a minute.")
        time.sleep(PAUSE_SECONDS)
    try:
        yield
    finally:
        os.close(file)


def shared(path: Path, owner: Account) -> int:
    """Hold the lock together with others, until the descriptor returned is closed. Waits for one who holds it alone."""
    file = opened(path, owner)
    fcntl.flock(file, fcntl.LOCK_SH)
    return file


def at_once(file: int) -> bool:
    """Hold the lock of an open file alone; False if anyone else holds it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def opened(path: Path, owner: Account) -> int:
    """A descriptor of the file, which is made for `owner` if it is not there; nothing is locked yet."""
    is_fresh = not path.exists()
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    if is_fresh and os.geteuid() == 0:
        os.fchown(file, owner.uid, owner.gid)
    return file
