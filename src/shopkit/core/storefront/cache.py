"""Answers of the public reads, kept in the process. A kept answer costs no transaction and lags changes by under 1 s.

An answer is believed while its tenant's generation is the one that was known before it was read, no price or listing
begins or ends, and this process hears of changes. Carts and checkout never look here.
"""

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from typing import Final
from uuid import UUID

from shopkit.core.kernel.epochs import Epochs, Generation
from shopkit.core.kernel.scope import Scope, StoreInfo
from shopkit.core.kernel.shop import Shop
from shopkit.core.kernel.uow import Uow
from shopkit.core.storefront import queries
from shopkit.core.storefront.answers import Answer, Encoded

MOST_BYTES: Final = 262_144
"""The largest answer that is kept."""
_OVERHEAD_BYTES: Final = 1_280
"""What an answer takes in memory beside its body and address: measured, and rounded up."""

Key = tuple[UUID, StoreInfo, str, str, bytes]
"""Tenant, store with all that it says of itself, language, path, query string as it came."""


class StorefrontShop(Shop):
    """A shop that keeps public answers."""

    pages: "PageCache"


class PageCache:
    """Public answers of all tenants, the least recently used forgotten first."""

    def __init__(self, epochs: Epochs, max_bytes: int) -> None:
        self._epochs = epochs
        self._max_bytes = max_bytes
        self._answers: OrderedDict[Key, Answer] = OrderedDict()
        self._shelves: dict[UUID, _Shelf] = {}
        self.size_bytes = 0
        """What the kept answers take."""

    def find(self, key: Key) -> Answer | None:
        """The answer, if it is kept and may be believed."""
        shelf = self._shelves.get(key[0])
        if shelf is None or not self._epochs.is_fresh:
            return None
        if shelf.generation != self._epochs.generation(key[0]) or time.monotonic() >= shelf.ends_at:
            self._clear(key[0], shelf)
            return None
        answer = self._answers.get(key)
        if answer is not None:
            self._answers.move_to_end(key)
        return answer

    async def shelf(self, shop: Shop, caller: Scope) -> "_Shelf | None":
        """Where answers that are read from now on may be kept; None while nothing may be believed."""
        if not self._max_bytes or not self._epochs.is_fresh:
            return None
        generation = self._epochs.generation(caller.tenant_id)
        shelf = self._shelves.get(caller.tenant_id)
        if shelf is None or shelf.generation != generation or time.monotonic() >= shelf.ends_at:
            asked_at = time.monotonic()
            seconds = await shop.reads.ask(caller, read_edge, None)
            return _Shelf(generation, float("inf") if seconds is None else asked_at + seconds)
        return shelf

    def keep(self, shelf: "_Shelf", key: Key, answer: Answer) -> None:
        """Keep an answer that was read after `shelf` was asked for, unless something has changed since."""
        tenant_id, now = key[0], time.monotonic()
        is_over = now >= shelf.ends_at or shelf.generation != self._epochs.generation(tenant_id)
        if is_over or answer.size_bytes > MOST_BYTES:
            return
        present = self._shelves.get(tenant_id)
        if present is not None and (present.generation != shelf.generation or now >= present.ends_at):
            self._clear(tenant_id, present)
        self._drop(key)
        present = self._shelves.setdefault(tenant_id, shelf)
        present.ends_at = min(present.ends_at, shelf.ends_at)
        present.keys.add(key)
        self._answers[key] = answer
        self.size_bytes += _size(key, answer)
        while self.size_bytes > self._max_bytes:
            self._drop(next(iter(self._answers)))

    def _drop(self, key: Key) -> None:
        answer = self._answers.pop(key, None)
        if answer is not None:
            self.size_bytes -= _size(key, answer)
            shelf = self._shelves[key[0]]
            shelf.keys.discard(key)
            if not shelf.keys:
                del self._shelves[key[0]]

    def _clear(self, tenant_id: UUID, shelf: "_Shelf") -> None:
        for key in list(shelf.keys):
            self._drop(key)
        self._shelves.pop(tenant_id, None)


class _Shelf:
    """The kept answers of one tenant: all of one generation."""

    def __init__(self, generation: Generation, ends_at: float) -> None:
        self.generation = generation
        self.ends_at = ends_at
        """When a price or a listing begins or ends next, by the monotonic clock."""
        self.keys: set[Key] = set()


def _size(key: Key, answer: Answer) -> int:
    return answer.size_bytes + len(key[3]) + len(key[4]) + _OVERHEAD_BYTES


async def answer(
    shop: StorefrontShop, caller: Scope, path: str, query: bytes, read: Callable[[], Awaitable[Encoded]]
) -> Answer:
    """The kept answer for this address, or else what `read` answers, kept from now on if it may be."""
    key = (caller.tenant_id, caller.store, caller.locale, path, query)
    found = shop.pages.find(key)
    if found is not None:
        return found
    shelf = await shop.pages.shelf(shop, caller)
    encoded = await read()
    made = Answer(encoded, caller.locale)
    if shelf is not None and encoded.is_lasting:
        shop.pages.keep(shelf, key, made)
    return made


async def read_edge(uow: Uow, askers: Sequence[None]) -> list[float | None]:
    """Seconds until some price or listing of the tenant begins or ends; None if none will."""
    return [await queries.next_edge(uow)] * len(askers)
