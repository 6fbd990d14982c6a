"""A closed-loop HTTP/1.1 driver: each client keeps one connection and sends its next request when it has its answer.

One driver for ShopKit and for the limits, so its own cost is the same on both sides of a ratio.
"""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import httptools
import msgspec
from msgspec import Struct

ERRORS_KEPT = 5
ERRORS_UNTIL_STOP = 50
ANSWER_TIMEOUT_SECONDS = 30.0

_JSON = b"content-type: application/json\r\n"


class UnexpectedAnswerError(Exception):
    """An answer that the workload did not ask for: it fails the workload."""

    def __init__(self, status: int, request: str, body: bytes) -> None:
        super().__init__(f"{request} answered {status}: {body[:600].decode(errors='replace')}")
        self.status = status


class Answer(Struct, frozen=True):
    """What came back."""

    status: int
    body: bytes


class _Wire(asyncio.Protocol):
    """One connection with at most one request under way."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.is_open = False
        self._waiting: asyncio.Future[Answer] | None = None
        self._parser: Any = None
        self._chunks: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]
        self.is_open = True
        self._parser = httptools.HttpResponseParser(self)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, chunk: bytes) -> None:
        self._chunks.append(chunk)

    def on_message_complete(self) -> None:
        answer = Answer(self._parser.get_status_code(), b"".join(self._chunks))
        self._chunks.clear()
        self.is_open = self.is_open and self._parser.should_keep_alive()
        if self._waiting and not self._waiting.done():
            self._waiting.set_result(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_open = False
        if self._waiting and not self._waiting.done():
            self._waiting.set_exception(exc or ConnectionResetError("the server closed the connection"))

    def send(self, data: bytes) -> asyncio.Future[Answer]:
        assert self.transport
        self._waiting = asyncio.get_running_loop().create_future()
        self.transport.write(data)
        return self._waiting


class Client:
    """One buyer: a number of its own and one kept-alive connection."""

    def __init__(self, number: int, host: str, port: int, headers: str = "") -> None:
        self.number = number
        self.operations = 0
        self.requests = 0
        self._address = (host, port)
        self._fixed = f"host: {host}:{port}\r\naccept: application/json\r\n{headers}".encode()
        self._wire: _Wire | None = None

    async def connect(self) -> None:
        if self._wire is None or not self._wire.is_open:
            _, self._wire = await asyncio.get_running_loop().create_connection(_Wire, *self._address)

    async def send(self, method: str, path: str, body: Any = None, headers: str = "") -> Answer:
        """Send one request and take whatever comes back. `headers` are ready lines, each ended by CRLF."""
        await self.connect()
        assert self._wire
        lines = f"{method} {path} HTTP/1.1\r\n{headers}".encode() + self._fixed
        if body is None:
            data = lines + (b"\r\n" if method == "GET" else b"content-length: 0\r\n\r\n")
        else:
            payload = msgspec.json.encode(body)
            data = b"%b%bcontent-length: %d\r\n\r\n%b" % (lines, _JSON, len(payload), payload)
        self.requests += 1
        async with asyncio.timeout(ANSWER_TIMEOUT_SECONDS):
            return await self._wire.send(data)

    async def ask(self, method: str, path: str, body: Any = None, headers: str = "", *, expect: int = 200) -> bytes:
        """Send one request whose answer must have the status `expect`; the body comes back."""
        answer = await self.send(method, path, body, headers)
        if answer.status != expect:
            raise UnexpectedAnswerError(answer.status, f"{method} {path}", answer.body)
        return answer.body

    def close(self) -> None:
        if self._wire and self._wire.transport:
            self._wire.transport.close()
        self._wire = None


Journey = Callable[[Client], Awaitable[None]]


class Load(Struct, kw_only=True):
    """What one closed loop achieved. Latencies are of whole operations, which may be several requests."""

    operations: int
    seconds: float
    per_second: float
    requests: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    errors: dict[str, int]
    samples: list[str]


class _Tally:
    def __init__(self) -> None:
        self.is_counting = False
        self.over = asyncio.Event()
        self.latencies: list[float] = []
        self.errors: Counter[str] = Counter()
        self.samples: list[str] = []

    def fail(self, error: Exception) -> None:
        kind = str(error.status) if isinstance(error, UnexpectedAnswerError) else type(error).__name__
        self.errors[kind] += 1
        if len(self.samples) < ERRORS_KEPT:
            self.samples.append(str(error) or kind)
        if self.errors.total() >= ERRORS_UNTIL_STOP:
            self.over.set()


async def _loop(client: Client, journey: Journey, tally: _Tally) -> None:
    while not tally.over.is_set():
        begin = time.perf_counter()
        try:
            await journey(client)
        except (UnexpectedAnswerError, OSError, TimeoutError, msgspec.MsgspecError, httptools.HttpParserError) as error:
            tally.fail(error)  # errors count in the warm-up too: an unexpected answer is one at any time
            client.close()
            await asyncio.sleep(0.01)  # a refused connection must not become a busy loop
            continue
        client.operations += 1
        if tally.is_counting:
            tally.latencies.append(time.perf_counter() - begin)
    client.close()


async def run(
    clients: Sequence[Client],
    journey: Journey,
    *,
    seconds: float,
    warm_up_seconds: float,
    at_edge: Callable[[], None],
) -> Load:
    """Drive `journey` with all clients; `at_edge` is called exactly where counting begins and where it ends."""
    tally = _Tally()
    tasks = [asyncio.create_task(_loop(client, journey, tally)) for client in clients]
    await asyncio.sleep(warm_up_seconds)
    at_edge()
    requests, begin, tally.is_counting = sum(client.requests for client in clients), time.perf_counter(), True
    with contextlib.suppress(TimeoutError):  # the usual end; earlier only when too much goes wrong
        await asyncio.wait_for(tally.over.wait(), seconds)
    tally.is_counting, took = False, time.perf_counter() - begin
    requests = sum(client.requests for client in clients) - requests
    at_edge()
    tally.over.set()
    await asyncio.gather(*tasks)
    return _load(tally, took, requests)


def _load(tally: _Tally, took: float, requests: int) -> Load:
    ordered = sorted(tally.latencies)
    return Load(
        operations=len(ordered),
        seconds=took,
        per_second=len(ordered) / took,
        requests=requests,
        p50_ms=percentile(ordered, 50),
        p95_ms=percentile(ordered, 95),
        p99_ms=percentile(ordered, 99),
        errors=dict(tally.errors),
        samples=tally.samples,
    )


def percentile(ordered: Sequence[float], percent: int) -> float:
    """Milliseconds below which `percent` of the sorted seconds lie (nearest rank); 0 without any."""
    if not ordered:
        return 0.0
    rank = -(-len(ordered) * percent // 100)
    return ordered[max(rank, 1) - 1] * 1000
