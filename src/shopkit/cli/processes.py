"""Several processes of one shop: started, watched, started again when they die, ended together."""

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence

import structlog
from msgspec import Struct

log = structlog.get_logger("shopkit.process")

MISCONFIGURED = 2
"""The exit code of a process that starting again would not help."""
END_SECONDS = 30.0
"""How long a process may take to end before it is killed; its own patience is 10 s for requests and 10 s for jobs."""
FIRST_WAIT_SECONDS, MOST_WAIT_SECONDS = 0.2, 10.0
STEADY_SECONDS = 30.0
"""Who has lived so long starts again at once."""


class Child(Struct, frozen=True, kw_only=True):
    """A process to keep alive: `shopkit` with these words."""

    name: str
    words: Sequence[str]
    inherits: Sequence[int] = ()
    """File descriptors."""


async def keep(children: Sequence[Child], environment: Mapping[str, str]) -> int:
    """Run them until SIGTERM or SIGINT, or until one says that the configuration is wrong; the exit code."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    ours, theirs = os.pipe()
    try:
        codes = await asyncio.gather(*(_keep(child, environment, ours, stop) for child in children))
    finally:
        os.close(ours)
        os.close(theirs)
    return max(codes)


async def _keep(child: Child, environment: Mapping[str, str], parent: int, stop: asyncio.Event) -> int:
    wait_seconds = FIRST_WAIT_SECONDS
    while not stop.is_set():
        started = time.monotonic()
        code = await _run(child, environment, parent, stop)
        if stop.is_set():
            break
        if code == MISCONFIGURED:
            stop.set()
            return code
        log.error("process_ended", name=child.name, code=code)
        is_steady = time.monotonic() - started > STEADY_SECONDS
        wait_seconds = FIRST_WAIT_SECONDS if is_steady else min(wait_seconds * 2, MOST_WAIT_SECONDS)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), wait_seconds)
    return 0


async def _run(child: Child, environment: Mapping[str, str], parent: int, stop: asyncio.Event) -> int:
    """One life of the process; its exit code."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "shopkit", *child.words, "--parent", str(parent),
        env=environment,
        pass_fds=[*child.inherits, parent],
        start_new_session=True,  # a Ctrl-C in the terminal is for us, who end them in order
    )  # fmt: skip
    log.info("process_started", name=child.name, pid=process.pid)
    ended = asyncio.create_task(process.wait())
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({ended, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not ended.done():
        process.terminate()
        if not (await asyncio.wait({ended}, timeout=END_SECONDS))[0]:
            process.kill()
    return await ended
