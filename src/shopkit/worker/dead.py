"""The dead letters of a tenant, for `shopkit worker dead` and `shopkit worker revive ID`."""

from uuid import UUID

from shopkit.bootstrap import Shop
from shopkit.core.kernel import leases
from shopkit.core.kernel.leases import DeadLetter
from shopkit.core.kernel.scope import Scope
from shopkit.sdk.errors import NotFound


async def dead_letters(shop: Shop, scope: Scope) -> list[DeadLetter]:
    """What was given up after the last attempt, the newest first."""
    async with shop.db.transaction(scope.tenant_id) as sql:
        return await leases.dead_letters(sql)


async def revive(shop: Shop, scope: Scope, letter_id: UUID) -> None:
    """Have it tried again from the start. Raises `NotFound`."""
    async with shop.db.transaction(scope.tenant_id) as sql:
        if not await leases.revive(sql, letter_id):
            raise NotFound("There is no dead letter with this id.")
    shop.waker.poke()
