"""Hold, release, consume, receive, adjust. Every statement here keeps counters, holds and ledger equal (I1–I8).

Lock order (`invariants.md` 10): stock rows by ascending id, then their reservations. Callers do everything else first:
a hot stock row is locked for one round trip only.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Struct

from shopkit.core.inventory import queries
from shopkit.core.inventory.allocation import Hold, Level, allocate_all, fitting, free_of
from shopkit.core.inventory.errors import NotInStock, OutOfStock, StockHeld, UnknownStock
from shopkit.core.kernel.ids import uuid7
from shopkit.core.kernel.uow import Uow
from shopkit.sdk.errors import Invalid
from shopkit.sdk.events import StockLow

EXPIRY_BATCH = 200
MOST_UNITS = 1_000_000_000
"""Of one change or count."""

Demand = Mapping[UUID, int]
"""Units per variant; lines that draw on the same variant are summed before (I8)."""


class Owner(Struct, frozen=True, kw_only=True):
    """For whom stock is held: a cart or an order."""

    cart_id: UUID | None = None
    order_id: UUID | None = None

    @property
    def id(self) -> UUID:
        """What ledger rows refer to."""
        found = self.cart_id or self.order_id
        assert found is not None
        return found


RESERVE_ONE = """
WITH taken AS (
    UPDATE inventory_stocks SET reserved = reserved + $2
    WHERE id = $1 AND stock + oversell_limit - reserved >= $2
    RETURNING id, variant_id, location_id, available, reorder_level
), held AS (
    INSERT INTO inventory_reservations (id, stock_id, variant_id, cart_id, order_id, quantity, expires_at)
    SELECT $3, id, variant_id, $4, $5, $2, now() + make_interval(secs => $6) FROM taken
), written AS (
    INSERT INTO inventory_transactions (id, stock_id, type, reserved_delta, reference_id, actor_type, actor_id)
    SELECT $7, id, 'reservation', $2, coalesce($4, $5), $8, $9 FROM taken
)
SELECT variant_id, location_id, available, reorder_level FROM taken
"""

IS_SELLABLE = queries.IS_SELLABLE.format(product="v.product_id")
_LOCK = f"""
SELECT s.id, s.variant_id, s.location_id, s.stock + s.oversell_limit - s.reserved AS free,
       s.stock - s.reserved AS available, s.reorder_level, l.priority, l.code, {IS_SELLABLE} AS is_sellable
FROM inventory_stocks s
JOIN product_variants v ON v.id = s.variant_id
JOIN store_locations l ON l.id = s.location_id AND l.store_id = $2
WHERE s.variant_id = ANY($1) AND {{which}}
ORDER BY s.id
FOR NO KEY UPDATE OF s
"""
LOCK = _LOCK.format(which=IS_SELLABLE)
LOCK_EVERY = _LOCK.format(which="true")
"""Rows that nothing is sold from included: a hold may lie there from before."""

RESERVE_MANY = """
WITH given AS (
    SELECT * FROM jsonb_to_recordset($1::jsonb)
        AS g(id uuid, ledger_id uuid, stock_id uuid, variant_id uuid, quantity int)
), taken AS (
    UPDATE inventory_stocks s SET reserved = s.reserved + g.quantity FROM given g WHERE s.id = g.stock_id
), held AS (
    INSERT INTO inventory_reservations (id, stock_id, variant_id, cart_id, order_id, quantity, expires_at)
    SELECT id, stock_id, variant_id, $2, $3, quantity, now() + make_interval(secs => $4) FROM given
)
INSERT INTO inventory_transactions (id, stock_id, type, reserved_delta, reference_id, actor_type, actor_id)
SELECT ledger_id, stock_id, 'reservation', quantity, coalesce($2, $3), $5, $6 FROM given
"""

LOCK_HELD = """
SELECT s.id FROM inventory_stocks s
WHERE s.id IN (SELECT r.stock_id FROM inventory_reservations r WHERE r.status = 'active' AND {which})
ORDER BY s.id FOR NO KEY UPDATE
"""

END = """
WITH ended AS (
    UPDATE inventory_reservations r SET status = '{status}', ended_at = now()
    WHERE r.status = 'active' AND {which} RETURNING r.stock_id, r.quantity, coalesce(r.order_id, r.cart_id) AS owner_id
), summed AS (
    SELECT stock_id, sum(quantity)::int AS quantity FROM ended GROUP BY stock_id
), changed AS (
    UPDATE inventory_stocks s SET reserved = s.reserved - m.quantity, stock = s.stock - m.quantity * {sold}
    FROM summed m WHERE s.id = m.stock_id
)
INSERT INTO inventory_transactions
    (stock_id, type, stock_delta, reserved_delta, reference_id, actor_type, actor_id, reason)
SELECT stock_id, '{type}', -quantity * {sold}, -quantity, owner_id, $1, $2, $3 FROM ended
"""


async def reserve(
    uow: Uow,
    owner: Owner,
    demand: Demand,
    *,
    seconds: float | None = None,
    likely: Mapping[UUID, UUID] | None = None,
) -> None:
    """Hold all of the demand or nothing (I8); without `seconds` until the order ends. Raises `OutOfStock`.

    `likely` names, from an earlier plain read, the stock row that should have all units of a variant: with one variant
    that row is taken by one conditional statement, the fastest way on a hot row. It must be the variant's first row in
    lock order: who waits for it in vain keeps its lock, and locks the others after it.
    """
    await uow.flush()
    if len(demand) == 1 and likely:
        ((variant_id, quantity),) = demand.items()
        if variant_id in likely and await _reserve_one(uow, owner, likely[variant_id], quantity, seconds):
            return
    if demand:
        levels = await _lock(uow, demand)
        await _take(uow, owner, demand, levels, seconds)


async def _reserve_one(uow: Uow, owner: Owner, stock_id: UUID, quantity: int, seconds: float | None) -> bool:
    actor = uow.scope.actor
    row = await uow.sql.fetchrow(
        RESERVE_ONE, stock_id, quantity, uuid7(), owner.cart_id, owner.order_id, seconds, uuid7(), actor.kind, actor.id
    )
    if row is None:
        return False
    _tell_low(uow, row["variant_id"], row["location_id"], row["available"], row["reorder_level"], quantity)
    return True


async def _lock(uow: Uow, variants: Collection[UUID], *, statement: str = LOCK) -> dict[UUID, list[Level]]:
    """Lock rows of the variants in id order; answer the sellable ones by variant in order of priority."""
    rows = await uow.sql.fetch(statement, sorted(variants), uow.scope.store.id)
    levels: dict[UUID, list[Level]] = {}
    for row in sorted(rows, key=lambda row: (row["priority"], row["code"], row["id"])):
        if not row["is_sellable"]:
            continue
        fields = {name: row[name] for name in Level.__struct_fields__}
        levels.setdefault(row["variant_id"], []).append(Level(**fields))
    return levels


async def _take(uow: Uow, owner: Owner, demand: Demand, levels: dict[UUID, list[Level]], seconds: float | None) -> None:
    """Reserve on locked rows. What seems short is looked at again after sweeping overdue holds (I5, I7)."""
    shares, short = allocate_all(levels, demand)
    if short and await _sweep(uow, [level.id for variant in short for level in levels.get(variant, ())]):
        levels = await _lock(uow, demand)
        shares, short = allocate_all(levels, demand)
    if short:
        raise out_of_stock({v: (demand[v], free_of(levels.get(v, ()))) for v in short})
    rows = [
        {
            "id": uuid7(),
            "ledger_id": uuid7(),
            "stock_id": share.level.id,
            "variant_id": share.level.variant_id,
            "quantity": share.quantity,
        }
        for share in shares
    ]
    actor = uow.scope.actor
    await uow.sql.execute(
        RESERVE_MANY, msgspec.json.encode(rows), owner.cart_id, owner.order_id, seconds, actor.kind, actor.id
    )
    for share in shares:
        level, left = share.level, share.level.available - share.quantity
        _tell_low(uow, level.variant_id, level.location_id, left, level.reorder_level, share.quantity)


def out_of_stock(short: Mapping[UUID, tuple[int, int]]) -> OutOfStock:
    """The refusal for variants with (asked, free) units."""
    items = [
        {"variant_id": str(v), "requested": asked, "available": max(free, 0)} for v, (asked, free) in short.items()
    ]
    return OutOfStock(details={"available": items[0]["available"], "items": items})


def _tell_low(uow: Uow, variant_id: UUID, location_id: UUID, available: int, reorder_level: int, taken: int) -> None:
    """Tell that a row fell to its reorder level, once: when these units made it fall."""
    if available <= reorder_level < available + taken:
        uow.publish(StockLow(variant_id=variant_id, location_id=location_id, available=available))


async def _sweep(uow: Uow, stock_ids: Sequence[UUID]) -> int:
    """Expire the overdue holds on rows that this transaction has locked; how many there were."""
    which = "r.stock_id = ANY($4) AND r.expires_at <= now()"
    return await _end(uow, which, stock_ids, status="expired", type_="release", reason="overdue")


async def _end(
    uow: Uow, which: str, *arguments: Any, status: str, type_: str, reason: str = "", is_sold: bool = False
) -> int:
    """End the active holds for which `which` is true; `arguments` are $4 and so on. Their stock rows are locked."""
    sql = END.format(which=which, status=status, type=type_, sold=int(is_sold))
    done = await uow.sql.execute(sql, uow.scope.actor.kind, uow.scope.actor.id, reason, *arguments)
    return int(done.split()[-1])


async def _lock_held(uow: Uow, which: str, argument: Any) -> None:
    await uow.sql.execute(LOCK_HELD.format(which=which), argument)


async def release(uow: Uow, owner: Owner, *, reason: str = "") -> int:
    """Let go of everything held for a cart or an order; how many holds ended. Nothing held is fine."""
    await uow.flush()
    column = "cart_id" if owner.cart_id else "order_id"
    await _lock_held(uow, f"r.{column} = $1", owner.id)
    return await _end(uow, f"r.{column} = $4", owner.id, status="released", type_="release", reason=reason)


async def consume(uow: Uow, order_id: UUID) -> int:
    """The order's goods leave the shop: its holds end as consumed and stock falls by them. How many holds ended.

    Raises `NotInStock` for units that were promised ahead of their arrival and are not there yet.
    """
    await uow.flush()
    await _lock_held(uow, "r.order_id = $1", order_id)
    try:
        return await _end(uow, "r.order_id = $4", order_id, status="consumed", type_="sale", is_sold=True)
    except asyncpg.CheckViolationError:
        raise NotInStock from None


async def hold_for_cart(uow: Uow, cart_id: UUID, demand: Demand, *, seconds: int) -> None:
    """Make the cart hold exactly this demand, afresh for `seconds`. Raises `OutOfStock`, which keeps the old holds."""
    await uow.flush()
    await _rearrange(uow, cart_id, Owner(cart_id=cart_id), demand, seconds)


async def reserve_for_placement(
    uow: Uow, order_id: UUID, cart_id: UUID | None, demand: Demand, *, likely: Mapping[UUID, UUID] | None, holds: bool
) -> None:
    """Hold the demand for the order until it ends; what the cart holds already becomes the order's (D16).

    `holds` says whether the cart may hold anything. Raises `OutOfStock`.
    """
    owner = Owner(order_id=order_id)
    if not holds or cart_id is None:
        await reserve(uow, owner, demand, likely=likely)
        return
    await uow.flush()
    await _rearrange(uow, cart_id, owner, demand, None)


HELD = "SELECT id, stock_id, variant_id, quantity FROM inventory_reservations WHERE cart_id = $1 AND status = 'active'"
KEEP = """
UPDATE inventory_reservations SET cart_id = $2, order_id = $3, expires_at = now() + make_interval(secs => $4)
WHERE id = ANY($1) AND status = 'active'
"""


async def _rearrange(uow: Uow, cart_id: UUID, owner: Owner, demand: Demand, seconds: float | None) -> None:
    """What the cart holds and the owner needs becomes the owner's; the rest is let go, what is missing is taken."""
    held = await _held_by(uow, cart_id)
    # Every row in one ordered statement: those that are held now and those that will be.
    levels = await _lock(uow, {*demand, *(hold.variant_id for hold in held)}, statement=LOCK_EVERY)
    if held:
        held = await _held_by(uow, cart_id)  # from here on nobody else can end them
    kept = fitting(held, demand, levels)
    ids = [hold.id for hold in kept]
    if kept:
        await uow.sql.execute(KEEP, ids, owner.cart_id, owner.order_id, seconds)
    if len(kept) < len(held):
        which = "r.cart_id = $4 AND r.id <> ALL($5)"
        await _end(uow, which, cart_id, ids, status="released", type_="release", reason="held otherwise")
    known = {hold.variant_id for hold in kept}
    rest = {variant: quantity for variant, quantity in demand.items() if variant not in known}
    if rest:
        await _take(uow, owner, rest, await _lock(uow, rest), seconds)


async def _held_by(uow: Uow, cart_id: UUID) -> list[Hold]:
    return [Hold(**row) for row in await uow.sql.fetch(HELD, cart_id)]


async def expire_holds(uow: Uow) -> int:
    """Free a batch of overdue holds; run by the worker, but no sale waits for it (I7)."""
    due = await uow.sql.fetch(
        """
        SELECT id FROM inventory_reservations
        WHERE status = 'active' AND expires_at <= now() ORDER BY expires_at LIMIT $1
        """,
        EXPIRY_BATCH,
    )
    if not due:
        return 0
    ids = [row["id"] for row in due]
    await _lock_held(uow, "r.id = ANY($1)", ids)
    which = "r.id = ANY($4) AND r.expires_at <= now()"
    return await _end(uow, which, ids, status="expired", type_="release", reason="overdue")


async def receive(
    uow: Uow, variant_id: UUID, quantity: int, *, location_id: UUID | None = None, reason: str = ""
) -> int:
    """Goods arrived: stock rises by `quantity` at the location (default: the store's). Answers the new level."""
    if quantity <= 0:
        raise Invalid("The quantity must be positive.")
    return await _change(uow, variant_id, location_id, quantity, "restock", reason)


async def adjust(
    uow: Uow, variant_id: UUID, *, to: int | None = None, delta: int = 0, location_id: UUID | None = None, reason: str
) -> int:
    """Correct a level to `to` counted units, or by `delta`. Raises `StockHeld` beneath what is promised (I1)."""
    if to is not None:
        if not 0 <= to <= MOST_UNITS:
            raise Invalid(f"A level is between 0 and {MOST_UNITS} units.")
        delta = to - await _lock_level(uow, variant_id, await _location(uow, location_id))
        if delta == 0:
            return to
    return await _change(uow, variant_id, location_id, delta, "adjustment", reason)


async def _lock_level(uow: Uow, variant_id: UUID, location_id: UUID) -> int:
    """The level, locked. The row is made where there is none, so that two first counts do not add up."""
    try:
        await uow.sql.execute(
            "INSERT INTO inventory_stocks (id, variant_id, location_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
            uuid7(), variant_id, location_id,
        )  # fmt: skip
    except asyncpg.ForeignKeyViolationError:
        raise UnknownStock from None
    level: int = await uow.sql.fetchval(
        "SELECT stock FROM inventory_stocks WHERE variant_id = $1 AND location_id = $2 FOR NO KEY UPDATE",
        variant_id, location_id,
    )  # fmt: skip
    return level


CHANGE = """
WITH changed AS (
    INSERT INTO inventory_stocks AS s (id, variant_id, location_id, stock, restocked_at)
    VALUES ($1, $2, $3, greatest($4::int, 0), CASE WHEN $4::int > 0 THEN now() END)
    ON CONFLICT (tenant_id, variant_id, location_id) DO UPDATE
    SET stock = s.stock + $4::int, restocked_at = coalesce(excluded.restocked_at, s.restocked_at)
    RETURNING s.id, s.location_id, s.stock, s.available, s.reorder_level
), written AS (
    INSERT INTO inventory_transactions (id, stock_id, type, stock_delta, reason, actor_type, actor_id)
    SELECT $5, id, $6, $4::int, $7, $8, $9 FROM changed
)
SELECT * FROM changed
"""


async def _change(uow: Uow, variant_id: UUID, location_id: UUID | None, delta: int, type_: str, reason: str) -> int:
    if delta == 0 or abs(delta) > MOST_UNITS:
        raise Invalid("Nothing would change." if delta == 0 else f"At most {MOST_UNITS} units at once.")
    location = await _location(uow, location_id)
    if delta < 0:
        # CHECK judges the row to be inserted even where it conflicts: the row must be there, and be updated.
        await _lock_level(uow, variant_id, location)
    actor = uow.scope.actor
    try:
        row = await uow.sql.fetchrow(
            CHANGE, uuid7(), variant_id, location, delta, uuid7(), type_, reason, actor.kind, actor.id
        )
    except asyncpg.CheckViolationError:
        raise StockHeld from None
    except asyncpg.ForeignKeyViolationError:
        raise UnknownStock from None
    except asyncpg.NumericValueOutOfRangeError:
        raise Invalid("That is more than can be counted.") from None
    _tell_low(uow, variant_id, location, row["available"], row["reorder_level"], -delta)
    return int(row["stock"])


async def _location(uow: Uow, location_id: UUID | None) -> UUID:
    found: UUID | None = await uow.sql.fetchval(
        """
        SELECT id FROM store_locations
        WHERE store_id = $1 AND CASE WHEN $2::uuid IS NULL THEN is_default ELSE id = $2 END
        """,
        uow.scope.store.id,
        location_id,
    )
    if found is None:
        raise UnknownStock
    return found
