"""The server's process: the settings on its command line, and the log it writes to."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from shopkit.core.kernel.embedded import cluster, commands, places, sockets
from shopkit.core.kernel.embedded.accounts import Account
from shopkit.core.kernel.embedded.places import Place

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

_LOG_BYTES = 10 * 1024 * 1024


def launch(place: Place, account: Account, bin_dir: Path, settings: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Begin the server's process; it is not ready yet. Files of one that died are removed first."""
    for stale in (place.cluster / "postmaster.pid", place.socket, place.socket.with_name(f"{sockets.NAME}.lock")):
        stale.unlink(missing_ok=True)
    command = [str(bin_dir / "postgres"), "-D", str(place.cluster)]
    for name, value in {**SETTINGS, **settings, **_fixed(place)}.items():
        command += ["-c", f"{name}={value}"]
    return commands.spawn(command, place.log, **account.switch)


def rotate_log(place: Place, account: Account) -> int:
    """Keep the log below a size from start to start; where this start's lines begin."""
    log = place.log
    if log.exists() and log.stat().st_size > _LOG_BYTES:
        log.replace(log.with_suffix(".log.1"))
    if not log.exists():
        os.close(os.open(log, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        places.give(log, account)
    return log.stat().st_size


def logged(place: Place, log_from: int) -> str:
    """What the log says since `log_from`."""
    with place.log.open("rb") as log:
        log.seek(log_from)
        return log.read().decode(errors="replace")


def _fixed(place: Place) -> Mapping[str, str]:
    """Settings that nobody may override."""
    escaped = str(place.socket_dir).replace('"', '""')
    return {
        "listen_addresses": "",
        "port": str(sockets.PORT),
        "unix_socket_directories": f'"{escaped}"',
        "unix_socket_permissions": "0700",
        "cluster_name": cluster.tag(place),
        "logging_collector": "off",
        "log_destination": "stderr",
    }
