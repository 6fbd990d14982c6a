"""Units on hand: the document says how many there are, the difference is posted to the ledger (I3).

Rows are locked at the end of the load only, in id order, and only those that differ (`invariants.md` 10).
"""

from typing import Any, Final
from uuid import UUID

import asyncpg
from msgspec import UNSET, Struct, UnsetType

from shopkit.core.kernel.ids import uuid7
from shopkit.core.loading.document import Variant
from shopkit.core.loading.rows import BATCH, batches, encode
from shopkit.core.loading.run import Run

REASON: Final = "load"

INSERT: Final = """
WITH given AS (
    SELECT * FROM jsonb_to_recordset($1::jsonb)
    AS g(id uuid, ledger_id uuid, variant_id uuid, location_id uuid, stock int, oversell_limit int)
), made AS (
    INSERT INTO inventory_stocks (id, variant_id, location_id, stock, oversell_limit, restocked_at)
    SELECT id, variant_id, location_id, stock, oversell_limit, CASE WHEN stock > 0 THEN now() END FROM given
    RETURNING id
)
INSERT INTO inventory_transactions (id, stock_id, type, stock_delta, reason, actor_type, actor_id)
SELECT g.ledger_id, made.id, 'restock', g.stock, $2, $3, $4 FROM given g JOIN made USING (id) WHERE g.stock <> 0
"""
CHANGE: Final = """
WITH given AS (
    SELECT * FROM jsonb_to_recordset($1::jsonb) AS g(id uuid, ledger_id uuid, stock int, oversell_limit int, delta int)
), changed AS (
    UPDATE inventory_stocks s
    SET stock = g.stock, oversell_limit = g.oversell_limit,
        restocked_at = CASE WHEN g.delta > 0 THEN now() ELSE s.restocked_at END
    FROM given g WHERE s.id = g.id
)
INSERT INTO inventory_transactions (id, stock_id, type, stock_delta, reason, actor_type, actor_id)
SELECT ledger_id, id, 'adjustment', delta, $2, $3, $4 FROM given WHERE delta <> 0
"""
COLUMNS: Final = "id, variant_id, location_id, stock, reserved, oversell_limit"


class Wanted(Struct, frozen=True):
    """What the document says of a variant at a location, and where it says so."""

    pointer: str
    stock: int | UnsetType
    oversell_limit: int | UnsetType

    def of(self, present: Any) -> tuple[int, int]:
        """On-hand units and oversell limit as they shall be."""
        stock = present["stock"] if self.stock is UNSET else self.stock
        limit = present["oversell_limit"] if self.oversell_limit is UNSET else self.oversell_limit
        return stock, limit


NOTHING: Final = {"stock": 0, "oversell_limit": 0}


class Stock:
    """All stock that the document mentions."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self._wanted: dict[tuple[UUID, UUID], Wanted] = {}

    def want(self, at: str, variant_id: UUID, given: Variant) -> None:
        """Note what the document says of a variant."""
        here = self.run.default_location
        if here is None and (given.stock is not UNSET or given.oversell_limit is not UNSET):
            self.run.faults.add(f"{at}/stock", "no_default_location", "The store has no default location.")
        elif here is not None and (given.stock is not UNSET or given.oversell_limit is not UNSET):
            self._wanted[variant_id, here] = Wanted(f"{at}/stock", given.stock, given.oversell_limit)
        for code, count in given.stock_at.items():
            location = self.run.locations.get(code)
            if location is None:
                self.run.faults.add(f"{at}/stock_at/{code}", "unknown", "There is no such location.")
            elif (variant_id, location) in self._wanted and given.stock is not UNSET:
                self.run.faults.add(f"{at}/stock_at/{code}", "duplicate", "This was given before, as `stock`.")
            else:
                self._wanted[variant_id, location] = Wanted(f"{at}/stock_at/{code}", count, given.oversell_limit)

    async def write(self) -> None:
        """Post the differences. What would break a promise (I1) is noted as wrong."""
        present = await self._read()
        created = [_new_row(key, wanted) for key, wanted in self._wanted.items() if key not in present]
        differing = [row["id"] for key, row in present.items() if self._wanted[key].of(row) != _now(row)]
        changed = [row for row in [self._changed_row(row) for row in await self._lock(differing)] if row]
        if self.run.faults:
            return
        for statement, rows in ((INSERT, created), (CHANGE, changed)):
            for part in batches(rows):
                actor = self.run.scope.actor
                await self.run.sql.execute(statement, encode(part), REASON, actor.kind, actor.id)
        self.run.report.count("stock", len(created), len(changed))

    async def _read(self) -> dict[tuple[UUID, UUID], asyncpg.Record]:
        variants = list({variant for variant, _ in self._wanted})
        present = {}
        for start in range(0, len(variants), BATCH):
            for row in await self.run.sql.fetch(
                f"SELECT {COLUMNS} FROM inventory_stocks WHERE variant_id = ANY($1)",
                variants[start : start + BATCH],
            ):
                present[row["variant_id"], row["location_id"]] = row
        return {key: row for key, row in present.items() if key in self._wanted}

    async def _lock(self, ids: list[UUID]) -> list[asyncpg.Record]:
        if not ids:
            return []
        rows: list[asyncpg.Record] = await self.run.sql.fetch(
            f"SELECT {COLUMNS} FROM inventory_stocks WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE",
            ids,
        )
        return rows

    def _changed_row(self, row: asyncpg.Record) -> dict[str, Any] | None:
        """The row as it shall be; it was read again under its lock."""
        wanted = self._wanted[row["variant_id"], row["location_id"]]
        stock, limit = wanted.of(row)
        if row["reserved"] > stock + limit:
            text = f"{row['reserved']} units are promised already; there cannot be fewer."
            self.run.faults.add(wanted.pointer, "below_reserved", text)
        if (stock, limit) == _now(row):
            return None
        delta = stock - row["stock"]
        return {"id": row["id"], "ledger_id": uuid7(), "stock": stock, "oversell_limit": limit, "delta": delta}


def _now(row: asyncpg.Record) -> tuple[int, int]:
    return row["stock"], row["oversell_limit"]


def _new_row(key: tuple[UUID, UUID], wanted: Wanted) -> dict[str, Any]:
    stock, limit = wanted.of(NOTHING)
    places = {"variant_id": key[0], "location_id": key[1]}
    return {"id": uuid7(), "ledger_id": uuid7(), **places, "stock": stock, "oversell_limit": limit}
