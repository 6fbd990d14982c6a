"""Order numbers: taken in a transaction of their own before checkout begins, so that no order waits for another (I21).

A busy process takes blocks, growing with demand; what is left of a block when it stops is a gap, which is allowed.
"""

import secrets
import time
from uuid import UUID

from shopkit.core.kernel.db import Database
from shopkit.core.kernel.scope import Scope
from shopkit.core.orders.settings import OrderSettings

LARGEST_BLOCK = 64
BUSY_SECONDS = 1.0
"""A block used up sooner doubles the next."""

_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"


class Numbers:
    """The numbers that this process has taken and not used."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._blocks: dict[tuple[UUID, UUID], _Block] = {}

    async def take(self, scope: Scope) -> int:
        """The next number of the scope's store."""
        key = (scope.tenant_id, scope.store.id)
        block = self._blocks.get(key)
        if block is None or block.is_empty:
            # Requests that come here together each take a block of their own: more gaps, no waiting.
            size = 1 if block is None else block.next_size
            # Not durable by itself: the order's own commit carries it to disk, and a number lost is a gap.
            async with self._db.transaction(scope.tenant_id, durable=False) as sql:
                end = await sql.fetchval(
                    """
                    UPDATE order_number_counters SET next_number = next_number + $2 WHERE store_id = $1
                    RETURNING next_number
                    """,
                    scope.store.id,
                    size,
                )
            assert end is not None, "every store has a counter"
            block = self._blocks[key] = _Block(end - size, end, size)
        return block.take()


class _Block:
    def __init__(self, start: int, end: int, size: int) -> None:
        self._next, self._end, self._size = start, end, size
        self._taken_at = time.monotonic()

    @property
    def is_empty(self) -> bool:
        return self._next >= self._end

    @property
    def next_size(self) -> int:
        is_busy = time.monotonic() - self._taken_at < BUSY_SECONDS
        return min(self._size * 2, LARGEST_BLOCK) if is_busy else 1

    def take(self) -> int:
        self._next += 1
        return self._next - 1


def written(number: int, options: OrderSettings) -> str:
    """The number as customers see it."""
    if options.number_style == "random":
        return options.number_prefix + "".join(secrets.choice(_ALPHABET) for _ in range(10))
    return f"{options.number_prefix}{number}"
