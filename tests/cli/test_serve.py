import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from shopkit.core.kernel.embedded import EmbeddedPostgres

PRODUCTS = "/api/store/v1/products?limit=1"


def children_of(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_shopkit(pid: int) -> bool:
    return b"shopkit" in Path(f"/proc/{pid}/cmdline").read_bytes()


def workers_of(pid: int) -> set[int]:
    return {child for child in children_of(pid) if is_shopkit(child) and b"serve-process" in cmdline(child)}


def cmdline(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def test_serve_makes_database_tenant_and_key_on_first_run(start, folder: Path) -> None:
    serving = start("serve")
    serving.wait()
    assert serving.get("/health/ready")["status"] == "ok"
    assert serving.get(PRODUCTS)["items"] == []
    serving.until(lambda: f"Its master key was made: {folder}/master.key" in serving.said)
    assert serving.stop(signal.SIGTERM) == 0


def test_a_dead_web_process_is_replaced_and_all_end_together(start, processes, demo_folder: Path) -> None:
    serving = start("serve", "--workers", "2")
    serving.wait(PRODUCTS)
    serving.until(lambda: len(workers_of(serving.process.pid)) == 2)
    before = workers_of(serving.process.pid)
    os.kill(min(before), signal.SIGKILL)
    serving.until(lambda: len(workers_of(serving.process.pid) - before) == 1)
    assert serving.get("/health/ready")["status"] == "ok"
    assert serving.stop(signal.SIGTERM) == 0
    assert processes(demo_folder) == []


def test_processes_end_when_their_parent_is_killed(start, processes, demo_folder: Path) -> None:
    serving = start("serve", "--workers", "2")
    serving.wait()
    serving.until(lambda: len(workers_of(serving.process.pid)) == 2)
    serving.kill()
    serving.until(lambda: not [line for line in processes(demo_folder) if "-m shopkit" in line])


@pytest.mark.parametrize(
    ("words", "role", "reason"),
    [
        (["serve"], "shopkit_owner", "owns"),
        (["serve", "--workers", "2"], "postgres", "is a superuser"),
        (["worker"], "shopkit_owner", "owns"),
    ],
)
def test_nobody_serves_as_owner_or_superuser(
    run, home: Path, server: EmbeddedPostgres, role: str, reason: str, words: list[str]
) -> None:
    """I39"""
    port = [] if words == ["worker"] else ["--port", "18999"]
    done = run(*words, *port, data_dir=home, SHOPKIT_DATABASE_URL=server.dsn(role, "shopkit"))
    assert done.code == 2
    assert f"The database role {role}" in done.err
    assert reason in done.err


def test_an_empty_external_database_is_refused_with_the_remedy(run, home: Path, server: EmbeddedPostgres) -> None:
    url = server.dsn("shopkit_app", "postgres")
    done = run("serve", "--port", "18998", data_dir=home, SHOPKIT_DATABASE_URL=url)
    assert done.code == 2
    assert "The database is empty, this version needs" in done.err
    assert "shopkit migrate" in done.err


def test_a_database_that_does_not_answer_is_one_sentence(run, home: Path) -> None:
    url = "postgresql://shopkit_app:hunter2@127.0.0.1:1/shopkit"
    done = run("serve", "--port", "18997", data_dir=home, SHOPKIT_DATABASE_URL=url)
    assert done.code == 2
    assert "No connection to the database at 127.0.0.1" in done.err
    assert "hunter2" not in done.err


def test_a_serving_process_does_not_carry_what_only_commands_need() -> None:
    heavy = ["alembic", "mako", "PIL", "babel", "shopkit.core.loading", "shopkit.migrations.runner"]
    code = f"import sys, shopkit.cli.serve, shopkit.cli.demo; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
