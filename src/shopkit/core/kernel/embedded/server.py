"""The server of one place, from the first who wants it until the last who lets go."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Mapping

from shopkit.core.kernel.embedded import cluster, commands, engine, launching, locks, places, processes
from shopkit.core.kernel.embedded.accounts import account_of
from shopkit.core.kernel.embedded.deadlines import Deadline
from shopkit.core.kernel.embedded.places import Place
from shopkit.core.kernel.embedded.processes import Process
from shopkit.core.kernel.embedded.sockets import Answer, State
from shopkit.core.kernel.embedded.watching import ABORT_SECONDS, Watch
from shopkit.sdk.errors import ConfigFault

_RECOVERY_SECONDS = 2.0  # an ordinary start on a busy machine is over by then
_SHUTDOWN_SECONDS = 60.0


class Server:
    """One use of a server. Whatever starts or stops it happens under the exclusive lock `start.lock`."""

    def __init__(
        self, place: Place, settings: Mapping[str, str], deadline: Deadline, tell: Callable[[str], None]
    ) -> None:
        self.place = place
        self._account = account_of(place.cluster)
        self._settings = settings
        self._deadline = deadline
        self._tell = tell
        self._watch = Watch(place, self._account, deadline, tell)
        self._child: subprocess.Popen[bytes] | None = None
        self._process: Process | None = None

    def take_hold(self) -> int:
        """Have it running; the descriptor returned holds the shared lock `use.lock`, which means "in use"."""
        with locks.exclusively(self.place.start_lock, self._account, self._deadline):
            self._account = account_of(self.place.cluster)  # another process may have made it while we waited
            self._watch = Watch(self.place, self._account, self._deadline, self._tell)
            if not self.place.cluster.exists():
                self._create()
            places.make_directory(self.place.socket_dir, 0o700, self._account)
            places.check_private(self.place.socket_dir, self._account)
            answer = self._watch.find_running() or self._launch()
            self._process = answer.process
            return locks.shared(self.place.use_lock, self._account)

    def let_go(self, use: int) -> None:
        """Give up one use; stop the server if that was the last. ConfigFault if it will not stop."""
        try:
            with locks.exclusively(self.place.start_lock, self._account, Deadline(_SHUTDOWN_SECONDS)):
                if locks.at_once(use):
                    self._halt()
        except FileNotFoundError:  # the whole directory was deleted under us: nobody else can be using it
            self._halt()
        finally:
            self._forget_child()

    def _create(self) -> None:
        cluster.remove_drafts(self.place)
        bin_dir = engine.runnable(self.place.home, self._account, self._tell)
        self._tell(f"Creating a database in {self.place.cluster}")
        cluster.create(self.place, self._account, bin_dir, self._deadline)

    def _launch(self) -> Answer:
        bin_dir = engine.runnable(self.place.home, self._account, self._tell)
        cluster.check_version(self.place, self._account, bin_dir)
        self._tell("Starting PostgreSQL")
        log_from = launching.rotate_log(self.place, self._account)
        self._child = child = launching.launch(self.place, self._account, bin_dir, self._settings)
        try:
            return self._await_ready(child, log_from)
        except BaseException as error:
            is_recovering = isinstance(error, ConfigFault) and self._watch.ask().state is State.BUSY
            if not is_recovering and (process := Process.find(child.pid)):
                processes.end([process], signal.SIGQUIT, ABORT_SECONDS)
            self._forget_child()
            raise

    def _await_ready(self, child: subprocess.Popen[bytes], log_from: int) -> Answer:
        has_told = False
        quiet = Deadline(_RECOVERY_SECONDS)
        while True:
            answer = self._watch.ask()
            if answer.state is State.READY:
                return answer
            if child.poll() is not None:
                ended = child.returncode
                how = f"killed by signal {-ended}" if ended < 0 else f"exit code {ended}"
                sentence = f"PostgreSQL did not start in {self.place.home} ({how}). Its log, {self.place.log}, ends:"
                raise commands.fault(sentence, launching.logged(self.place, log_from))
            if answer.state is State.BUSY and not has_told and quiet.has_passed:
                has_told = True
                self._tell("Waiting for PostgreSQL to recover")
            self._watch.pause(answer)

    def _halt(self) -> None:
        """Fast shutdown, with a checkpoint; an abort (safe by WAL) only if that takes too long."""
        process = self._watch.ask().process or self._process
        if process is None or not process.is_alive():
            return
        is_gone = processes.end([process], signal.SIGINT, _SHUTDOWN_SECONDS) or processes.end(
            [process], signal.SIGQUIT, ABORT_SECONDS
        )
        if not is_gone:
            place = self.place
            raise ConfigFault(f"PostgreSQL in {place.home} (process {process.pid}) does not stop. Its log: {place.log}")
        with contextlib.suppress(ChildProcessError):  # a child of ours whose handle was let go before
            os.waitpid(process.pid, os.WNOHANG)
        if self.place.socket_dir.parent != self.place.home:
            with contextlib.suppress(OSError):
                self.place.socket_dir.rmdir()

    def _forget_child(self) -> None:
        child, self._child = self._child, None
        if child is not None and child.poll() is None:
            child.returncode = 0  # others still use it: without this, Popen warns that it runs on
