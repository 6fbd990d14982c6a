"""Migrate, step back, ask: Alembic driven over asyncpg as the owner role, in one transaction with `protect`."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit, urlunsplit

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from shopkit.migrations.protect import protect
from shopkit.migrations.tables import metadata

T = TypeVar("T")

LOCK = 7_274_867_001
"""The advisory lock that keeps two migrations apart."""


def script() -> ScriptDirectory:
    """The revisions that this version of ShopKit brings."""
    return ScriptDirectory.from_config(_config(None))


def head() -> str:
    """The newest revision of this version."""
    revision = script().get_current_head()
    assert revision is not None
    return revision


async def upgrade(owner_url: str, *, app_role: str, revision: str = "head") -> tuple[str | None, str | None]:
    """Bring the database to `revision`; returns (before, after). Safe to run from several processes at once."""
    return await _run(owner_url, lambda c: _migrate(c, app_role, lambda config: command.upgrade(config, revision)))


async def downgrade(owner_url: str, *, app_role: str, revision: str = "-1") -> tuple[str | None, str | None]:
    """Go back to `revision`, one step by default, where no data is lost."""
    return await _run(owner_url, lambda c: _migrate(c, app_role, lambda config: command.downgrade(config, revision)))


async def current(owner_url: str) -> str | None:
    """The revision that the database is at; None before the first migration."""
    return await _run(owner_url, _revision_of)


async def _run(owner_url: str, work: Callable[[Connection], T]) -> T:
    parts = urlsplit(owner_url)
    engine = create_async_engine(urlunsplit(parts._replace(scheme="postgresql+asyncpg")), poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            return await connection.run_sync(work)
    finally:
        await engine.dispose()


def _migrate(
    connection: Connection, app_role: str, step: Callable[[AlembicConfig], None]
) -> tuple[str | None, str | None]:
    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    before = _revision_of(connection)
    step(_config(connection))
    after = _revision_of(connection)
    if after is not None:
        protect(connection, metadata, app_role)
    return before, after


def _revision_of(connection: Connection) -> str | None:
    return MigrationContext.configure(connection, opts={"version_table": "shopkit_version"}).get_current_revision()


def _config(connection: Connection | None) -> AlembicConfig:
    config = AlembicConfig()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    return config
