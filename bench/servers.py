"""A server under load: a child process pinned to its CPU, its log in a file, timed to its first answer."""

import http.client
import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from bench import measure

START_TIMEOUT_SECONDS = 60.0
STOP_TIMEOUT_SECONDS = 20.0


class App(Struct, kw_only=True):
    """A running server. `start_seconds` is from the process's birth to the first good answer of `ready_path`."""

    name: str
    port: int
    process: subprocess.Popen[bytes]
    log: Path
    start_seconds: float = 0.0

    @property
    def pid(self) -> int:
        return self.process.pid

    def stop(self) -> None:
        """SIGTERM as an operator would; SIGKILL when that is not enough."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_TIMEOUT_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def tail(self) -> str:
        return self.log.read_text(errors="replace")[-1500:]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def start(
    name: str,
    command: Sequence[str],
    *,
    port: int,
    cpu: int,
    ready_path: str,
    folder: Path,
    environ: Mapping[str, str] | None = None,
) -> App:
    """Start the server on `cpu` and wait for its first answer. Raises `RuntimeError` with the end of its log."""
    log = folder / f"{name}.log"
    with measure.pinned(cpu), log.open("ab") as output:
        begin = time.perf_counter()
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environ or {})},
        )
    app = App(name=name, port=port, process=process, log=log)
    while not _answers(port, ready_path):
        if process.poll() is not None or time.perf_counter() - begin > START_TIMEOUT_SECONDS:
            app.stop()
            raise RuntimeError(f"{name} did not start:\n{app.tail()}")
        time.sleep(0.01)
    app.start_seconds = time.perf_counter() - begin
    return app


def _answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
