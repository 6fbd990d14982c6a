"""Reads that arrive together share one transaction and one statement: under load BEGIN, COMMIT and a plan's start are
paid once for many requests. Nobody waits for company, and no answer is older than its request.

    async def read_pages(uow: Uow, slugs: Sequence[str]) -> list[Page | None]: ...   # answers in the order of slugs

    page = await shop.reads.ask(scope, read_pages, slug)

For public data only: all members of a batch are of the same tenant, store and language, whoever they are.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from contextlib import AbstractAsyncContextManager
from contextvars import Context
from typing import Any, Final, TypeVar

from shopkit.core.kernel.scope import Scope
from shopkit.core.kernel.uow import Uow

Question = TypeVar("Question", bound=Hashable)
Answer = TypeVar("Answer")
Read = Callable[[Uow, Sequence[Question]], Awaitable[Sequence[Answer]]]

MOST: Final = 32
"""Questions in one statement."""
LANES: Final = 2
"""Transactions of one kind at once: while PostgreSQL works on one, the other's answers are written."""


class Batches:
    """The reads of one process that are waiting or under way."""

    def __init__(self, open_uow: Callable[[Scope], AbstractAsyncContextManager[Uow]]) -> None:
        self._open_uow = open_uow
        self._queues: dict[Hashable, _Queue] = {}

    async def ask(self, scope: Scope, read: Read[Question, Answer], question: Question) -> Answer:
        """What `read` answers to the question. Whatever it raises for this question alone is raised here."""
        kind = (scope.tenant_id, scope.store.id, scope.locale, read)
        queue = self._queues.get(kind)
        if queue is None:
            queue = self._queues[kind] = _Queue(self._open_uow, scope, read, lambda: self._queues.pop(kind))
        answer: Answer = await queue.join(question)
        return answer


class _Queue:
    """Questions of one kind: one read, tenant, store and language."""

    def __init__(
        self,
        open_uow: Callable[[Scope], AbstractAsyncContextManager[Uow]],
        scope: Scope,
        read: Read[Any, Any],
        forget: Callable[[], object],
    ) -> None:
        self._open_uow = open_uow
        self._scope = scope
        self._read = read
        self._forget = forget
        self._waiting: dict[Hashable, asyncio.Future[Any]] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._is_called = False

    async def join(self, question: Hashable) -> Any:
        """Wait for the answer; equal questions that wait share one."""
        future = self._waiting.get(question)
        if future is None:
            future = self._waiting[question] = asyncio.get_running_loop().create_future()
            self._call()
        return await asyncio.shield(future)

    def _call(self) -> None:
        # At the end of this turn of the loop, so that all requests that were read from sockets in it come along.
        if not self._is_called and len(self._running) < LANES:
            self._is_called = True
            asyncio.get_running_loop().call_soon(self._start)

    def _start(self) -> None:
        self._is_called = False
        taken = dict(list(self._waiting.items())[:MOST])
        for question in taken:
            del self._waiting[question]
        # A context of its own: nothing of the request that happened to come first belongs to the others.
        task = asyncio.get_running_loop().create_task(self._run(taken), context=Context())
        self._running.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if self._waiting:
            self._call()
        elif not self._running:
            self._forget()

    async def _run(self, taken: dict[Hashable, asyncio.Future[Any]]) -> None:
        try:
            answers = await self._answer(list(taken))
            for future, answer in zip(taken.values(), answers, strict=True):
                if not future.done():
                    future.set_result(answer)
        except Exception as error:
            for question, future in taken.items():
                if len(taken) == 1:
                    _fail(future, error)
                else:  # one that fails spoils only itself
                    await self._run({question: future})
        finally:
            for future in taken.values():
                future.cancel()

    async def _answer(self, questions: Sequence[Any]) -> Sequence[Any]:
        async with self._open_uow(self._scope) as uow:
            return await self._read(uow, questions)


def _fail(future: asyncio.Future[Any], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
        future.exception()  # whoever asked may be gone: an error that nobody takes is not worth a warning
