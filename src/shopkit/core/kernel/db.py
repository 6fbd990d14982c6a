"""Connections and transactions: one asyncpg pool, the tenant set on BEGIN, and COMMIT's answer believed only when read.

Way (b): asyncpg owns connection and transaction; SQLAlchemy's session attaches to the same connection on demand.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.pool import NullPool

from shopkit.sdk.errors import Unavailable

WEB_SETTINGS = {
    "statement_timeout": "5s",
    "lock_timeout": "2s",
    "idle_in_transaction_session_timeout": "10s",
    "jit": "off",
    # Our statements are fixed texts whose plan does not depend on the values; planning anew costs more than running.
    "plan_cache_mode": "force_generic_plan",
    # A plan made while a table was tiny reads it whole, and lasts while the table grows: everything here has an index.
    "enable_seqscan": "off",
    "timezone": "UTC",
}
BEGIN_TRIES = 3
ACQUIRE_SECONDS = 10

LOST = (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, ConnectionError, asyncpg.AdminShutdownError)
"""What asyncpg raises when the server went away."""
AWAY = (OSError, asyncpg.CannotConnectNowError, asyncpg.PostgresConnectionError)
"""What connecting raises while there is no server; a missing socket file is among the OSErrors."""

_lent: ContextVar[asyncpg.Connection] = ContextVar("shopkit_lent_connection")


class CommitFailed(Unavailable):
    """COMMIT answered ROLLBACK: a swallowed SQL error had already ended the transaction; nothing was stored."""

    code = "not_stored"
    message = "Nothing was stored; please try again."


class CommitUnknown(Unavailable):
    """The connection was lost while COMMIT was under way: it may be stored or not. The same key finds out (I66)."""

    code = "outcome_unknown"
    message = "It is not known whether this was stored; repeat it with the same Idempotency-Key."


class Connection(asyncpg.Connection):
    """asyncpg's connection without its reset query, and without `set_config` before introspecting a type.

    The app role may not call `set_config` (I39), which asyncpg does to switch JIT off; our sessions have it off.
    """

    def get_reset_query(self) -> str:
        """Nothing survives a transaction here (the tenant is `SET LOCAL`), so nothing needs a reset."""
        return ""

    async def _introspect_types(self, typeoids: Any, timeout: float | None) -> Any:  # noqa: ASYNC109
        # Private to asyncpg; test_db.py notices when it changes.
        self._server_caps: Any = self._server_caps._replace(jit=False)
        return await super()._introspect_types(typeoids, timeout)


class _Lent:
    """A connection that SQLAlchemy may use but neither close nor configure."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    async def set_type_codec(self, *_: Any, **__: Any) -> None:
        """The pool has set the codecs already, once per connection."""

    async def close(self, **_: Any) -> None:
        """The Uow gives the connection back."""

    def terminate(self) -> None:
        """The Uow ends it, if it must."""


async def _borrow(*_: Any, **__: Any) -> Any:
    return _Lent(_lent.get())


class Database:
    """The process's pool of connections as the app role."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self.pool = pool
        self._engine: AsyncEngine | None = None

    @classmethod
    async def open(cls, dsn: str, *, size: int, settings: Mapping[str, str] | None = None) -> "Database":
        """Connect; `settings` are PostgreSQL parameters on top of those for web requests."""
        pool = await asyncpg.create_pool(
            dsn,
            min_size=min(2, size),
            max_size=size,
            connection_class=Connection,
            init=_set_codecs,
            server_settings={"application_name": "shopkit", **WEB_SETTINGS, **(settings or {})},
            max_inactive_connection_lifetime=0,
            command_timeout=60,
        )
        return cls(pool)

    async def close(self) -> None:
        """Wait for running transactions for a moment, then end the connections."""
        if self._engine is not None:
            await self._engine.dispose()
        try:
            await asyncio.wait_for(self.pool.close(), timeout=10)
        except TimeoutError:
            self.pool.terminate()

    @asynccontextmanager
    async def transaction(self, tenant_id: UUID | None, *, durable: bool = True) -> AsyncIterator[asyncpg.Connection]:
        """One transaction of one tenant (None: no tenant, so no tenant's rows). Leaving without an error commits.

        `durable=False` lets COMMIT answer before the log is on disk, for what a later commit carries anyway.
        """
        connection = await self._begin(tenant_id, durable)
        try:
            yield connection
            await commit(connection)
        except BaseException:
            await self._roll_back(connection)
            raise
        finally:
            await self.release(connection)

    async def _begin(self, tenant_id: UUID | None, durable: bool) -> asyncpg.Connection:
        """Acquire and BEGIN. A connection that died while idle is replaced: nothing has happened on it yet (I65)."""
        command = "BEGIN"
        if tenant_id is not None:
            # Printed from a UUID object, so that no text of anybody's enters the statement.
            command += f"; SET LOCAL app.tenant_id = '{UUID(int=tenant_id.int)}'"
        if not durable:
            command += "; SET LOCAL synchronous_commit = off"
        for attempt in range(BEGIN_TRIES):
            try:
                connection = await self.pool.acquire(timeout=ACQUIRE_SECONDS)
            except TimeoutError:
                raise Unavailable("All database connections are busy.") from None
            except AWAY as error:
                raise Unavailable("The database cannot be reached.") from error
            try:
                await connection.execute(command)
            except LOST:
                _discard(connection)
                await self.release(connection)
                if attempt == BEGIN_TRIES - 1:
                    raise
                await self.pool.expire_connections()
            except BaseException:
                await self._roll_back(connection)
                await self.release(connection)
                raise
            else:
                return connection
        raise AssertionError("unreachable")

    async def _roll_back(self, connection: asyncpg.Connection) -> None:
        """End the transaction whatever state it is in; a connection that cannot be rolled back is thrown away."""
        try:
            await asyncio.shield(asyncio.wait_for(connection.execute("ROLLBACK"), timeout=5))
        except Exception:
            # The error that led here is the one to tell; without its connection the transaction ends by itself.
            _discard(connection)
        except BaseException:
            _discard(connection)
            raise

    async def release(self, connection: asyncpg.Connection) -> None:
        """Give the connection back to the pool."""
        await self.pool.release(connection)

    async def session(self, connection: asyncpg.Connection) -> AsyncSession:
        """An ORM session inside the transaction that is open on `connection`."""
        if self._engine is None:
            self._engine = create_async_engine(
                "postgresql+asyncpg://",
                connect_args={"async_creator_fn": _borrow},
                poolclass=NullPool,
                isolation_level="AUTOCOMMIT",
            )
        token = _lent.set(connection)
        try:
            lent: AsyncConnection = await self._engine.connect()
        finally:
            _lent.reset(token)
        return AsyncSession(bind=lent, expire_on_commit=False, autoflush=True)


async def commit(connection: asyncpg.Connection) -> None:
    """COMMIT, and check that the answer is COMMIT: an aborted transaction answers ROLLBACK without an error."""
    try:
        answer = await connection.execute("COMMIT")
    except LOST as error:
        raise CommitUnknown from error
    if answer != "COMMIT":
        raise CommitFailed


def _discard(connection: asyncpg.Connection) -> None:
    # A connection that was lost has left the pool by itself, and then refuses even this.
    with contextlib.suppress(asyncpg.InterfaceError):
        connection.terminate()


async def _set_codecs(connection: asyncpg.Connection) -> None:
    for name, strip in (("json", 0), ("jsonb", 1)):
        await connection.set_type_codec(
            name, schema="pg_catalog", format="binary", encoder=_json_encoder(strip), decoder=_json_decoder(strip)
        )


def _json_encoder(version_bytes: int) -> Any:
    prefix = b"\x01" * version_bytes

    def encode(value: str | bytes) -> bytes:
        return prefix + (value if isinstance(value, bytes) else value.encode())

    return encode


def _json_decoder(version_bytes: int) -> Any:
    def decode(value: bytes) -> Any:
        return msgspec.json.decode(value[version_bytes:])

    return decode


def rows_of(records: Sequence[asyncpg.Record]) -> list[dict[str, Any]]:
    """Plain dictionaries, for printing and for JSON."""
    return [dict(record) for record in records]
