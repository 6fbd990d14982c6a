"""Small pieces that the catalogue's services share: rows by fields, locks, and refusals instead of constraint names."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from msgspec import UNSET, Struct

from shopkit.core.catalog.errors import KeyTaken, SkuTaken, SlugTaken, VariantExists
from shopkit.core.kernel.uow import Uow
from shopkit.sdk.errors import NotFound, Refused

_TAKEN: Mapping[str, type[Refused]] = {
    "products": KeyTaken,
    "product_listings": SlugTaken,
    "categories": SlugTaken,
    "brands": SlugTaken,
    "tags": SlugTaken,
    "product_variants": VariantExists,
}


@contextmanager
def refusing() -> Iterator[None]:
    """Say what is taken when a unique index finds out; the transaction is over then."""
    try:
        yield
    except asyncpg.UniqueViolationError as error:
        refusal = SkuTaken if "sku" in (error.constraint_name or "") else _TAKEN.get(error.table_name or "")
        if refusal is None:
            raise
        raise refusal from None


def given(change: Struct) -> dict[str, Any]:
    """The fields that a change names."""
    return {name: value for name in change.__struct_fields__ if (value := getattr(change, name)) is not UNSET}


async def update(sql: asyncpg.Connection, table: str, row_id: UUID, fields: Mapping[str, Any]) -> None:
    """Set columns of one row. Names are ours, never a client's. Raises `NotFound`."""
    if not fields:
        return
    columns = ", ".join(f'"{name}" = ${number}' for number, name in enumerate(fields, 2))
    with refusing():
        done = await sql.execute(f"UPDATE {table} SET {columns} WHERE id = $1", row_id, *map(_plain, fields.values()))
    if done != "UPDATE 1":
        raise NotFound


async def insert(sql: asyncpg.Connection, table: str, fields: Mapping[str, Any]) -> None:
    """Insert one row."""
    columns = ", ".join(f'"{name}"' for name in fields)
    marks = ", ".join(f"${number}" for number in range(1, len(fields) + 1))
    with refusing():
        await sql.execute(f"INSERT INTO {table} ({columns}) VALUES ({marks})", *map(_plain, fields.values()))


def _plain(value: Any) -> Any:
    return msgspec.json.encode(value) if isinstance(value, dict) else value


async def lock_product(uow: Uow, product_id: UUID) -> asyncpg.Record:
    """One writer of a product at a time; answers its row. Raises `NotFound`."""
    row = await uow.sql.fetchrow(
        "SELECT id, vendor_id, title FROM products WHERE id = $1 AND deleted_at IS NULL FOR NO KEY UPDATE", product_id
    )
    if row is None:
        raise NotFound
    return row
