"""Asking a server through its unix socket, as far as the first answer of PostgreSQL's protocol; nothing is queried."""

import socket
import struct
from enum import Enum
from pathlib import Path

from msgspec import Struct

from shopkit.core.kernel.embedded.accounts import name_of
from shopkit.core.kernel.embedded.processes import Process
from shopkit.sdk.errors import ConfigFault

SUPERUSER = "postgres"
PORT = 5432  # part of the socket's file name, nothing else
NAME = f".s.PGSQL.{PORT}"

_ANSWER_SECONDS = 3.0


class State(Enum):
    """What one question says about the server."""

    SILENT = "nobody listens"
    BUSY = "starting, stopping or overloaded"
    READY = "ready"


class Answer(Struct, frozen=True):
    """What the socket said, and which process the kernel says is behind it."""

    state: State
    text: str = ""
    process: Process | None = None


def ask(path: Path, server_uid: int) -> Answer:
    """Open a session as far as the server lets us: the only proof that it runs. ConfigFault if a stranger listens."""
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(_ANSWER_SECONDS)
        try:
            line.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            return Answer(State.SILENT)
        except (BlockingIOError, TimeoutError) as error:
            return Answer(State.BUSY, str(error))
        pid, uid, _ = struct.unpack("3i", line.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        if uid != server_uid:
            raise ConfigFault(
                f"Process {pid} of {name_of(uid)} answers at {path}, which is no server of ours. Stop it."
            )
        state, text = _greet(line)
        return Answer(state, text, Process.find(pid))


def _greet(line: socket.socket) -> tuple[State, str]:
    names = f"user\0{SUPERUSER}\0database\0postgres\0application_name\0shopkit\0\0".encode()
    try:
        line.sendall(struct.pack("!ii", len(names) + 8, 3 << 16) + names)  # start-up packet, protocol 3.0
        while True:
            kind, body = _message(line)
            if kind == b"E":
                fields = {part[:1]: part[1:].decode(errors="replace") for part in body.split(b"\0")}
                is_busy = fields.get(b"C", "").startswith("57P")  # starting up, shutting down, recovering
                return State.BUSY if is_busy else State.READY, fields.get(b"M", "")
            if kind == b"Z":
                line.sendall(b"X" + struct.pack("!i", 4))
                return State.READY, ""
    except OSError as error:
        return State.BUSY, str(error) or "no answer"


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
