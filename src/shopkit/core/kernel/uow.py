"""One transaction of one tenant, with two faces: `sql` (asyncpg) for hot paths, `orm()` (SQLAlchemy) for the rest.

Only leaving a Uow commits. Nothing is sent or called from inside it (I27): facts and jobs are rows of the same
transaction. A Uow never outlives its request.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy.ext.asyncio import AsyncSession

from shopkit.core.kernel import jobs, outbox
from shopkit.core.kernel.db import Database
from shopkit.core.kernel.scope import Scope
from shopkit.sdk.events import Fact


class Uow:
    """A unit of work: the first argument of every service and query."""

    def __init__(
        self, db: Database, sql: asyncpg.Connection, scope: Scope, consumers: outbox.Consumers, caches: Any
    ) -> None:
        self.sql = sql
        self.scope = scope
        self.caches = caches
        """The process's `settings.service.Cache`; only that module looks inside."""
        self.fresh = False
        """Set by whoever changes settings here: from then on this transaction reads rows, not the cache."""
        self.has_work = False
        """Whether the commit leaves something for the worker."""
        self._db = db
        self._consumers = consumers
        self._facts: list[Fact] = []
        self._jobs: list[jobs.Job] = []
        self._session: AsyncSession | None = None

    @property
    def tenant_id(self) -> UUID:
        """The tenant that this transaction sees."""
        return self.scope.tenant_id

    async def orm(self) -> AsyncSession:
        """The ORM session of this transaction, made on first use."""
        if self._session is None:
            self._session = await self._db.session(self.sql)
        return self._session

    def publish(self, fact: Fact) -> None:
        """Tell whoever listens, if and only if this transaction commits."""
        self._facts.append(fact)

    def enqueue(self, job: jobs.Job) -> None:
        """Have the worker do it, if and only if this transaction commits."""
        self._jobs.append(job)

    async def flush(self) -> None:
        """Write what is pending. Callers that lock a hot row do so after this (`invariants.md` 11)."""
        if self._session is not None:
            await self._session.flush()
        if self._facts:
            facts, self._facts = self._facts, []
            self.has_work |= await outbox.write(self.sql, facts, self._consumers, self.scope.request_id)
        if self._jobs:
            waiting, self._jobs = self._jobs, []
            await jobs.write(self.sql, waiting)
            self.has_work = True

    async def close(self) -> None:
        """Let go of the ORM session; the connection is the transaction's."""
        if self._session is not None:
            lent = self._session.bind
            await self._session.close()
            await lent.close()  # type: ignore[union-attr]

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """A part that may fail without ending the transaction; its facts and jobs fail with it."""
        facts, waiting = list(self._facts), list(self._jobs)
        await self.sql.execute("SAVEPOINT part")
        try:
            yield
        except BaseException:
            # Released as well, or an outer part of the same name would roll back to this one.
            await self.sql.execute("ROLLBACK TO SAVEPOINT part; RELEASE SAVEPOINT part")
            self._facts, self._jobs = facts, waiting
            raise
        await self.sql.execute("RELEASE SAVEPOINT part")


@asynccontextmanager
async def unit_of_work(
    db: Database, scope: Scope, consumers: outbox.Consumers, *, caches: Any, waker: outbox.Waker | None = None
) -> AsyncIterator[Uow]:
    """Open a transaction for the scope's tenant; commit on leaving, roll back on any exception; wake the worker."""
    async with db.transaction(scope.tenant_id) as sql:
        uow = Uow(db, sql, scope, consumers, caches)
        try:
            yield uow
            await uow.flush()
        finally:
            await uow.close()
    if uow.has_work and waker is not None:
        waker.poke()
