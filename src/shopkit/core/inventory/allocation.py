"""Which location gives how much: pure. Locations come in their order of priority."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from msgspec import Struct


class Level(Struct, frozen=True, kw_only=True):
    """A stock row as it was read. `free` counts what may be promised, backorder included."""

    id: UUID
    variant_id: UUID
    free: int
    available: int
    """Units there and not promised."""
    reorder_level: int
    location_id: UUID


class Share(Struct, frozen=True, kw_only=True):
    """So many units of a stock row."""

    level: Level
    quantity: int


class Hold(Struct, frozen=True, kw_only=True):
    """An active reservation."""

    id: UUID
    stock_id: UUID
    variant_id: UUID
    quantity: int


def free_of(levels: Iterable[Level]) -> int:
    """Units that may be promised in all."""
    return sum(max(level.free, 0) for level in levels)


def allocate(levels: Sequence[Level], quantity: int) -> list[Share]:
    """One location that has it all, the first by priority; else split in order of priority. Empty if there is less."""
    for level in levels:
        if level.free >= quantity:
            return [Share(level=level, quantity=quantity)]
    shares, missing = [], quantity
    for level in levels:
        if level.free > 0 and missing:
            share = min(level.free, missing)
            shares.append(Share(level=level, quantity=share))
            missing -= share
    return [] if missing else shares


def allocate_all(levels: Mapping[UUID, Sequence[Level]], demand: Mapping[UUID, int]) -> tuple[list[Share], list[UUID]]:
    """Shares for every variant of the demand, and the variants of which there is less than asked."""
    shares: list[Share] = []
    short = []
    for variant_id, quantity in demand.items():
        found = allocate(levels.get(variant_id, ()), quantity)
        if not found:
            short.append(variant_id)
        shares += found
    return shares, short


def fitting(holds: Sequence[Hold], demand: Mapping[UUID, int], levels: Mapping[UUID, Sequence[Level]]) -> list[Hold]:
    """The holds of those variants that are held in just the quantity that is asked, where it is sold from."""
    units: Counter[UUID] = Counter()
    misplaced = set()
    for hold in holds:
        units[hold.variant_id] += hold.quantity
        if not any(level.id == hold.stock_id for level in levels.get(hold.variant_id, ())):
            misplaced.add(hold.variant_id)
    return [
        hold
        for hold in holds
        if units[hold.variant_id] == demand.get(hold.variant_id) and hold.variant_id not in misplaced
    ]
