import os
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

NOBODY = 65534
PRODUCTS = "/api/store/v1/products?limit=1"


def test_demo_sells_from_nothing_and_its_second_start_keeps_the_data(start, folder: Path) -> None:
    from_nothing = start("demo")
    from_nothing.wait()
    first = from_nothing.get(PRODUCTS)["items"][0]["id"]
    key = folder / "master.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    from_nothing.until(lambda: "Ctrl-C" in from_nothing.said)
    for shown in (f"http://127.0.0.1:{from_nothing.port}/api/docs", str(key), str(folder / "shopkit.log")):
        assert shown in from_nothing.said
    assert from_nothing.stop() == 0

    again = start("demo")
    assert again.wait() < 5  # 0.8 s on a quiet machine
    assert again.get(PRODUCTS)["items"][0]["id"] == first
    assert again.stop() == 0


def test_ctrl_c_and_sigterm_leave_no_process_behind(start, processes, demo_folder: Path) -> None:
    for how in (signal.SIGINT, signal.SIGTERM):
        demo = start("demo")
        demo.wait()
        assert [line for line in processes(demo_folder) if "postgres" in line]
        assert demo.stop(how) == 0
        assert processes(demo_folder) == []


def test_after_kill_nine_of_everything_the_demo_starts_again(start, processes, demo_folder: Path) -> None:
    demo = start("demo")
    demo.wait()
    demo.kill()
    orphans = [line for line in processes(demo_folder) if "postgres" in line]
    assert orphans  # the database outlives its starter, and is found again
    again = start("demo")
    again.wait(PRODUCTS)
    assert again.stop() == 0
    assert processes(demo_folder) == []


def test_two_demos_run_side_by_side_on_the_same_data(start, demo_folder: Path) -> None:
    one, two = start("demo"), start("demo")
    one.wait(), two.wait()
    assert one.get(PRODUCTS)["items"] == two.get(PRODUCTS)["items"]
    assert one.stop() == 0
    assert two.get("/health/ready")["status"] == "ok"
    assert two.stop() == 0


@pytest.mark.parametrize("command", ["demo", "serve"])
def test_a_taken_port_is_said_before_anything_starts(command: str, run, folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run(command, "--port", str(port), data_dir=folder)
    assert done.code == 2
    assert f"Port {port} of 127.0.0.1 cannot be used: Address already in use" in done.err
    assert not (folder / "postgres").exists()


def test_the_demo_data_is_not_put_into_a_shop_that_has_products(run, demo_folder: Path) -> None:
    (demo_folder / "demo-data").unlink()
    again = run("prepare", "--demo", data_dir=demo_folder)
    assert again.code == 0
    assert "has products already" in again.err


def test_a_normal_user_needs_no_root(start, folder: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("this is what every other test shows then")
    probe = [sys.executable, "-c", ""]
    try:
        subprocess.run(probe, user=NOBODY, cwd="/", check=True)
    except PermissionError:
        pytest.skip("this interpreter is root's alone")
    theirs = folder / "theirs"
    theirs.mkdir()
    os.chown(theirs, NOBODY, NOBODY)
    demo = start("demo", data_dir=theirs, as_user=NOBODY)
    demo.wait(PRODUCTS)
    assert (theirs / "postgres" / "cluster").stat().st_uid == NOBODY
    assert demo.stop() == 0
