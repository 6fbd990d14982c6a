"""The program as people run it: processes of its own, on embedded servers of its own."""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import structlog
from msgspec import Struct

from shopkit import cli
from shopkit.core.kernel import embedded
from shopkit.core.kernel.embedded import EmbeddedPostgres

SECONDS = 40
"""For anything to happen, on a machine that does much else."""


def environment(**extra: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SHOPKIT_")}
    return {**kept, "PYTHONUNBUFFERED": "1", "NO_COLOR": "1", **extra}


class Done(Struct):
    """What a command said, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        return json.loads(self.out)


def run_command(*words: str, data_dir: Path | None = None, **extra: str) -> Done:
    given = {} if data_dir is None else {"SHOPKIT_DATA_DIR": str(data_dir)}
    done = subprocess.run(
        [sys.executable, "-m", "shopkit", *words],
        env=environment(**given, **extra),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Done(done.returncode, done.stdout, done.stderr)


class Running:
    """A command that goes on until it is stopped."""

    def __init__(self, *words: str, data_dir: Path, port: int, as_user: int | None = None, **extra: str) -> None:
        self.port = port
        self.log = Path(tempfile.mkstemp(prefix="shopkit-cli-", suffix=".log")[1])
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "shopkit", *words, "--port", str(port), "--data-dir", str(data_dir)],
                env=environment(**extra),
                stdout=log,
                stderr=log,
                start_new_session=True,
                **({} if as_user is None else {"user": as_user, "group": as_user, "extra_groups": (), "cwd": "/"}),
            )

    @property
    def said(self) -> str:
        return self.log.read_text()

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=SECONDS) as answer:
            return json.load(answer)

    def post(self, path: str, body: Any) -> Any:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            json.dumps(body).encode(),
            {"Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())},
        )
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:
            return json.load(answer)

    def wait(self, path: str = "/health/live") -> float:
        """Until it answers; how many seconds that took."""
        started = time.monotonic()
        while True:
            if self.process.poll() is not None:
                raise AssertionError(f"It ended with {self.process.returncode}: {self.said}")
            try:
                self.get(path)
            except urllib.error.HTTPError as error:
                raise AssertionError(f"{path} answered {error.code}: {self.said}") from None
            except OSError:
                assert time.monotonic() - started < SECONDS, self.said
                time.sleep(0.02)
            else:
                return time.monotonic() - started

    def until(self, condition: Callable[[], object]) -> None:
        until(condition, lambda: self.said)

    def stop(self, how: signal.Signals = signal.SIGINT) -> int:
        self.process.send_signal(how)
        return self.process.wait(SECONDS)

    def kill(self) -> None:
        """As if the power of this process failed; its children are told by nobody."""
        self.process.kill()
        self.process.wait(SECONDS)


def until(condition: Callable[[], object], say: Callable[[], str] = str) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, say()
        time.sleep(0.05)


def processes_of(folder: Path) -> list[str]:
    """The living processes that have this folder in their command line or environment."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if int(entry.name) == os.getpid() or re.search(r"\) Z ", (entry / "stat").read_text()):
                continue
            words = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
            if f"{folder}".encode() in words:
                found.append((entry / "cmdline").read_text().replace("\0", " ")[:200])
    return found


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@contextlib.contextmanager
def a_folder() -> Iterator[Path]:
    # Not `tmp_path`: the server's system user must be able to enter, or its cluster would go elsewhere.
    path = Path(tempfile.mkdtemp(prefix="shopkit-cli-"))
    path.chmod(0o755)
    yield path
    if processes_of(path):  # a server whose starter was killed
        for cluster in [*path.glob("*/cluster"), *path.glob("*/*/cluster")]:
            embedded.start(cluster.parent).stop()
    shutil.rmtree(path)


@pytest.fixture
def folder() -> Iterator[Path]:
    with a_folder() as path:
        yield path


@pytest.fixture(scope="session")
def prepared() -> Iterator[Path]:
    """A data directory with the demo shop in it, not running, to be copied."""
    with a_folder() as path:
        done = run_command("prepare", "--demo", data_dir=path)
        assert done.code == 0, done.err
        yield path


@pytest.fixture(scope="session")
def home(prepared: Path) -> Iterator[Path]:
    """The data directory that commands of staff work on."""
    with a_folder() as path:
        copy(prepared, path)
        yield path


@pytest.fixture
def demo_folder(prepared: Path, folder: Path) -> Path:
    """A data directory of a demo that has run before."""
    copy(prepared, folder)
    return folder


def copy(source: Path, target: Path) -> None:
    subprocess.run(["cp", "-a", f"{source}/.", str(target)], check=True)


@pytest.fixture(scope="session")
def server(home: Path) -> Iterator[EmbeddedPostgres]:
    """Its PostgreSQL, kept running, so that commands need not start it each time."""
    with embedded.start(home / "postgres", settings={"fsync": "off"}) as running:
        yield running


Command = Callable[..., Done]


@pytest.fixture(scope="session")
def selling(home: Path, server: EmbeddedPostgres) -> Iterator[Running]:
    """The demo shop, open."""
    running = Running("serve", data_dir=home, port=free_port(), SHOPKIT_CHECKOUTS_PER_MINUTE="10000")
    running.wait()
    yield running
    code = running.stop()
    running.log.unlink()
    assert code == 0


@pytest.fixture
def run() -> Command:
    """Runs a command to its end."""
    return run_command


@pytest.fixture
def processes() -> Callable[[Path], list[str]]:
    """The living processes of a data directory."""
    return processes_of


@pytest.fixture
def inside(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Command]:
    """Runs a command in this process, where everything is imported already: the same code, ten times faster."""

    def run_inside(*words: str, data_dir: Path, **extra: str) -> Done:
        wanted = environment(SHOPKIT_DATA_DIR=str(data_dir), **extra)
        for name in [name for name in os.environ if name.startswith("SHOPKIT_")]:
            monkeypatch.delenv(name)
        for name, value in wanted.items():
            monkeypatch.setenv(name, value)
        capsys.readouterr()
        with ThreadPoolExecutor(1) as thread:  # its event loop must not meet that of the tests
            code = thread.submit(cli.run, list(words)).result(SECONDS)
        said = capsys.readouterr()
        return Done(code, said.out, said.err)

    before = structlog.get_config()
    yield run_inside
    structlog.configure(**before)


@pytest.fixture
def shopkit(home: Path, server: EmbeddedPostgres, inside: Command) -> Command:
    """Runs a command on the demo shop."""
    return lambda *words, **extra: inside(*words, data_dir=home, **extra)


@pytest.fixture
def start(folder: Path) -> Iterator[Callable[..., Running]]:
    """Starts a command that goes on; whatever still runs at the end is killed."""
    started: list[Running] = []

    def begin(*words: str, data_dir: Path = folder, **extra: Any) -> Running:
        started.append(Running(*words, data_dir=data_dir, port=free_port(), **extra))
        return started[-1]

    yield begin
    for running in started:
        if running.process.poll() is None:
            running.kill()
        running.log.unlink()
    until(lambda: not [line for line in processes_of(folder) if "shopkit" in line and "postgres -D" not in line])
