"""Rows of one table as the store has them and as the document wants them: only the difference is written, in sets:

sheet = Sheet(BRANDS)
await sheet.read(sql, "slug = ANY($1)", slugs)
brand_id = sheet.put((slug,), {"name": name, "description": UNSET})
await sheet.write(sql)
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final
from uuid import UUID

import asyncpg
import msgspec
from msgspec import UNSET, Struct

from shopkit.core.kernel.ids import uuid7

BATCH: Final = 2000
"""Rows in one statement."""

Key = tuple[Any, ...]


class Table(Struct, frozen=True):
    """What is written of a table: the SQL types of its columns, and what a new row has without being told."""

    name: str
    key: tuple[str, ...]
    types: Mapping[str, str]
    defaults: Mapping[str, Any] = {}
    is_tree: bool = False
    """Its rows refer to one another, so new ones come before changes; elsewhere a change may free a unique value."""


class Sheet:
    """The present rows by key, and the new, changed and dropped ones."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.rows: dict[Key, dict[str, Any]] = {}
        self._by_first: dict[Any, dict[Key, None]] = {}
        self._new: dict[UUID, dict[str, Any]] = {}
        self._changed: dict[UUID, dict[str, Any]] = {}
        self._dropped: dict[UUID, dict[str, Any]] = {}

    @property
    def counts(self) -> tuple[int, int, int]:
        """How many rows are new, changed, dropped."""
        return len(self._new), len(self._changed), len(self._dropped)

    def __bool__(self) -> bool:
        return any(self.counts)

    async def read(self, sql: asyncpg.Connection, where: str, *arguments: Any) -> None:
        """Take the present rows that fulfil the condition."""
        columns = ", ".join(f'"{name}"' for name in self.table.types)
        for record in await sql.fetch(f"SELECT id, {columns} FROM {self.table.name} WHERE {where}", *arguments):
            self._keep(dict(record))

    def of(self, first: Any) -> list[Key]:
        """The keys whose first part is this, such as a product's id."""
        return list(self._by_first.get(first, ()))

    def find(self, *key: Any) -> dict[str, Any] | None:
        """The row of a key."""
        return self.rows.get(key)

    def put(self, key: Key, given: Mapping[str, Any]) -> UUID:
        """Make the row of this key have these values; what is `UNSET` stays, or takes its default. Returns its id."""
        named = dict(zip(self.table.key, key, strict=True))
        wanted = {name: value for name, value in given.items() if value is not UNSET}
        row = self.rows.get(key)
        if row is None:
            row = {"id": uuid7(), **self.table.defaults, **wanted, **named}
            self._new[row["id"]] = row
            self._keep(row)
        else:
            self.change(row, wanted)
        made: UUID = row["id"]
        return made

    def change(self, row: dict[str, Any], wanted: Mapping[str, Any]) -> None:
        """Give a present row these values; its key follows."""
        if any(row[name] != value for name, value in wanted.items()):
            before = self._key_of(row)
            row.update(wanted)
            if before != self._key_of(row):
                self._forget(before)
                self._keep(row)
            if row["id"] not in self._new:
                self._changed[row["id"]] = row

    def drop(self, key: Key) -> None:
        """Delete the row of this key."""
        row = self._forget(key)
        if self._new.pop(row["id"], None) is None:
            self._changed.pop(row["id"], None)
            self._dropped[row["id"]] = row

    def keep_only(self, present: Iterable[Key], wanted: Iterable[Key]) -> None:
        """Delete those of the present keys that are not wanted."""
        kept = set(wanted)
        for key in list(present):
            if key not in kept:
                self.drop(key)

    @property
    def new_rows(self) -> list[dict[str, Any]]:
        """What will be inserted, in this order."""
        return list(self._new.values())

    def arrange(self, order: Callable[[dict[str, Any]], Any]) -> None:
        """Sort what will be inserted, such as parents before children."""
        self._new = {row["id"]: row for row in sorted(self._new.values(), key=order)}

    @property
    def touched(self) -> list[dict[str, Any]]:
        """The new, changed and dropped rows."""
        return [*self._new.values(), *self._changed.values(), *self._dropped.values()]

    async def write(self, sql: asyncpg.Connection) -> None:
        """Delete, change, insert: few statements, whatever the number of rows."""
        if self._dropped:
            await sql.execute(f"DELETE FROM {self.table.name} WHERE id = ANY($1)", list(self._dropped))
        changed, new = (self._update, self._changed), (self._insert, self._new)
        for statement, rows in (new, changed) if self.table.is_tree else (changed, new):
            for part in batches(rows.values()):
                await sql.execute(statement, encode(part))

    def _keep(self, row: dict[str, Any]) -> None:
        key = self._key_of(row)
        self.rows[key] = row
        self._by_first.setdefault(key[0], {})[key] = None

    def _forget(self, key: Key) -> dict[str, Any]:
        del self._by_first[key[0]][key]
        return self.rows.pop(key)

    def _key_of(self, row: Mapping[str, Any]) -> Key:
        return tuple(row[name] for name in self.table.key)

    @property
    def _given(self) -> str:
        columns = ", ".join(f'"{name}" {type_}' for name, type_ in self.table.types.items())
        return f"jsonb_to_recordset($1::jsonb) AS g(id uuid, {columns})"

    @property
    def _insert(self) -> str:
        names = ", ".join(f'"{name}"' for name in self.table.types)
        return f"INSERT INTO {self.table.name} (id, {names}) SELECT id, {names} FROM {self._given}"

    @property
    def _update(self) -> str:
        values = ", ".join(f'"{name}" = g."{name}"' for name in self.table.types)
        return f"UPDATE {self.table.name} t SET {values} FROM {self._given} WHERE t.id = g.id"


def batches(rows: Iterable[dict[str, Any]], size: int = BATCH) -> Iterator[list[dict[str, Any]]]:
    """The rows in parts of at most `size`."""
    gathered = list(rows)
    for start in range(0, len(gathered), size):
        yield gathered[start : start + size]


def encode(rows: list[dict[str, Any]]) -> bytes:
    """Rows as JSON for `jsonb_to_recordset`."""
    # The driver's UUIDs and our own decimals are subclasses that msgspec leaves to the hook.
    return msgspec.json.encode(rows, enc_hook=str)
