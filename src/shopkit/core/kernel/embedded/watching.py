"""Finding out what runs: a server to join, one that starts or stops, or one that nobody can reach any more."""

import os
import signal
import time
from collections.abc import Callable, Sequence

from shopkit.core.kernel.embedded import cluster, locks, processes, sockets
from shopkit.core.kernel.embedded.accounts import Account
from shopkit.core.kernel.embedded.deadlines import PAUSE_SECONDS, Deadline
from shopkit.core.kernel.embedded.places import Place
from shopkit.core.kernel.embedded.processes import Process
from shopkit.core.kernel.embedded.sockets import Answer, State
from shopkit.sdk.errors import ConfigFault

ABORT_SECONDS = 5.0
"""How long a server may take to go that was told to drop everything."""

_LEFTOVER_SECONDS = 2.0


class Watch:
    """Looks at the server of one place until a deadline, less and less often."""

    def __init__(self, place: Place, account: Account, deadline: Deadline, tell: Callable[[str], None]) -> None:
        self._place = place
        self._account = account
        self._deadline = deadline
        self._tell = tell
        self._pause_seconds = PAUSE_SECONDS

    def ask(self) -> Answer:
        """What its socket says now."""
        return sockets.ask(self._place.socket, self._account.uid)

    def pause(self, answer: Answer) -> None:
        """Wait before asking again; ConfigFault with the last answer when the deadline has passed."""
        if self._deadline.has_passed:
            advice = (
                "After a crash it may need a while, and goes on by itself: start again in a minute."
                if answer.state is State.BUSY
                else "Look into its log."
            )
            said = answer.text or answer.state.value
            place = self._place
            raise ConfigFault(f"PostgreSQL in {place.home} is not ready yet ({said}). {advice} Log: {place.log}")
        time.sleep(self._pause_seconds)
        self._pause_seconds = min(self._pause_seconds * 1.2, 0.5)  # each question is a line in its log

    def find_running(self) -> Answer | None:
        """The answer of a ready server: waits for one that starts or stops, clears away one nobody can reach."""
        silence: Deadline | None = None
        while True:
            answer = self.ask()
            if answer.state is State.READY and self._is_ours(answer):
                return answer
            if answer.state is State.READY and answer.process:  # of a cluster that was deleted from this place
                processes.end([answer.process], signal.SIGQUIT, ABORT_SECONDS)
            elif answer.state is State.SILENT:
                if not (left := self._processes()):
                    return None
                silence = silence or Deadline(_LEFTOVER_SECONDS)
                if silence.has_passed:
                    self._end_leftovers(left)
            else:
                silence = None
            self.pause(answer)

    def _is_ours(self, answer: Answer) -> bool:
        if answer.process is None:  # it lives in another pid namespace, with the directory shared
            return True
        return answer.process in processes.tagged(cluster.identity(self._place), self._account.uid)

    def _processes(self) -> Sequence[Process]:
        """The living processes of this very cluster, whether reachable or not."""
        return processes.tagged(cluster.tag(self._place), self._account.uid)

    def _end_leftovers(self, left: Sequence[Process]) -> None:
        use = locks.opened(self._place.use_lock, self._account)
        try:
            if not locks.at_once(use):
                raise ConfigFault(
                    f"PostgreSQL runs in {self._place.home}, but its socket in {self._place.socket_dir} is gone or "
                    "hidden. Stop the other shop processes that use it and start again."
                )
        finally:
            os.close(use)
        self._tell("Stopping a PostgreSQL that nobody can reach")
        processes.end(left, signal.SIGQUIT, ABORT_SECONDS)
        processes.end(left, signal.SIGKILL, ABORT_SECONDS)
