"""Which party sells."""

from uuid import UUID

from shopkit.core.kernel.uow import Uow


async def default_vendor(uow: Uow) -> UUID:
    """The vendor of a single-brand shop: its first."""
    found: UUID = await uow.sql.fetchval("SELECT id FROM vendors ORDER BY created_at, id LIMIT 1")
    return found
