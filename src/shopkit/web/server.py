"""uvicorn in a loop of ours, on a socket of ours: signals, logging and the worker beside it are the caller's."""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator

import uvicorn
from litestar.types import ASGIApp

GRACE_SECONDS = 10
"""How long running requests may take after the stop."""
KEEP_ALIVE_SECONDS = 15
BACKLOG = 2048


async def serve(
    app: ASGIApp, listener: socket.socket, stop: asyncio.Event, *, on_ready: Callable[[], None] | None = None
) -> None:
    """Answer on the listening socket until `stop`; then accept nothing more and let running requests end."""
    server = _Server(
        uvicorn.Config(
            app,
            http="httptools",
            ws="none",
            lifespan="on",
            backlog=BACKLOG,
            # The address behind proxies is `web.context`'s business, by SHOPKIT_TRUSTED_PROXIES and nothing else.
            proxy_headers=False,
            server_header=False,
            log_config=None,
            access_log=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=GRACE_SECONDS,
        ),
        on_ready or (lambda: None),
    )
    stopping = asyncio.create_task(_stop_when(stop, server))
    try:
        await server.serve(sockets=[listener])
    finally:
        stopping.cancel()


async def _stop_when(stop: asyncio.Event, server: uvicorn.Server) -> None:
    await stop.wait()
    server.should_exit = True


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Whoever runs us listens to signals."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so."""
        await super().startup(sockets=sockets)
        self._on_ready()
