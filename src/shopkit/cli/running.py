"""Web and worker in one process, until a signal: what `serve`, `demo` and their children run."""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Callable, Iterator

import structlog

from shopkit import bootstrap
from shopkit.bootstrap import Shop
from shopkit.core.kernel.config import Config
from shopkit.sdk.errors import ConfigFault
from shopkit.web.app import create_app
from shopkit.web.server import BACKLOG, serve
from shopkit.worker import runner

log = structlog.get_logger("shopkit.process")

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C, `kill`, and the terminal that was closed."""
AGAIN_SECONDS = 5.0
"""After how long a worker that broke is started again; the web goes on meanwhile."""


def listen(config: Config) -> socket.socket:
    """Take the port, before anything is started. Raises `ConfigFault` when it is taken.

    Listening begins at once: a bound socket alone would not keep a second process from binding the same port, and
    whoever connects while the shop starts is answered as soon as it can.
    """
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    try:
        return socket.create_server((config.host, config.port), family=family, backlog=BACKLOG)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise ConfigFault(
            f"Port {config.port} of {config.host} cannot be used: {reason}. "
            "Choose another one with --port or SHOPKIT_PORT."
        ) from None


async def run_web(
    config: Config,
    dsn: str,
    listener: socket.socket,
    *,
    with_worker: bool,
    parent: int | None = None,
    on_ready: Callable[[], None] | None = None,
) -> None:
    """Serve until SIGTERM, SIGINT, or the end of the parent process whose pipe is `parent`."""
    with _stopped_by_signals(parent) as stop:
        async with bootstrap.build(config, dsn, bootstrap.keyring_of(config)) as shop, shop.running():
            working = asyncio.create_task(_keep_working(shop, stop)) if with_worker else None
            try:
                await serve(create_app(shop), listener, stop, on_ready=on_ready)
            finally:
                stop.set()
                if working is not None:
                    await working


async def run_worker(config: Config, dsn: str, *, parent: int | None = None) -> None:
    """Work until SIGTERM, SIGINT, or the end of the parent process."""
    with _stopped_by_signals(parent) as stop:
        async with bootstrap.build(config, dsn, bootstrap.keyring_of(config)) as shop, shop.running():
            await _keep_working(shop, stop)


async def _keep_working(shop: Shop, stop: asyncio.Event) -> None:
    while not stop.is_set():
        try:
            await runner.run(shop, stop)
        except Exception as error:
            log.error("worker_failed", exc_info=error)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), AGAIN_SECONDS)


@contextlib.contextmanager
def _stopped_by_signals(parent: int | None) -> Iterator[asyncio.Event]:
    """An event that is set when this process should end."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in SIGNALS:
        loop.add_signal_handler(number, stop.set)
    if parent is not None:
        # Nobody writes to the pipe: it becomes readable when the parent is gone, killed or not.
        loop.add_reader(parent, stop.set)
    try:
        yield stop
    finally:
        if parent is not None:
            loop.remove_reader(parent)
        ignore_signals()


def ignore_signals() -> None:
    """From here on the process only cleans up; a second Ctrl-C must not leave half of that undone."""
    for number in SIGNALS:
        with contextlib.suppress(ValueError, RuntimeError):
            asyncio.get_running_loop().remove_signal_handler(number)
        signal.signal(number, signal.SIG_IGN)
