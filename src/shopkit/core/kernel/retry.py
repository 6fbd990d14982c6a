"""Run a whole transaction again when the database says that it collided with another (I66)."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

import asyncpg

from shopkit.core.kernel.scope import Scope
from shopkit.core.kernel.shop import Shop
from shopkit.core.kernel.uow import Uow

T = TypeVar("T")

TRIES = 4
COLLISIONS = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError, asyncpg.UniqueViolationError)
"""A unique violation is a race here: whoever lost it looks again and finds what the winner stored."""


async def transact(shop: Shop, scope: Scope, work: Callable[[Uow], Awaitable[T]]) -> T:
    """`work` in a transaction of its own, tried again after a collision; the last collision rises to a 503."""
    for attempt in range(1, TRIES):
        try:
            async with shop.uow(scope) as uow:
                return await work(uow)
        except COLLISIONS:
            await asyncio.sleep(random.uniform(0, 0.02 * 2**attempt))  # noqa: S311 - jitter
    async with shop.uow(scope) as uow:
        return await work(uow)
