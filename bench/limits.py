"""The limits as a real server: bare Litestar over bare asyncpg, doing the least that still gives the answer.

`python -m bench.limits DSN PORT` serves until it is stopped. No row security, no tenant, no checks beyond the SQL's.
"""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import uvicorn
from asyncpg.pool import PoolConnectionProxy
from litestar import Litestar, MediaType, Request, Response, get, post
from litestar.datastructures import State
from msgspec import Struct

from bench import limits_sql as sql

POOL_SIZE = 16
_SETTINGS = {"plan_cache_mode": "force_generic_plan"}  # else the prices' ANY($1) is planned anew for every order
_STATIC = msgspec.json.encode({"items": ["x" * 120] * 33})[: sql.STATIC_BYTES - 3] + b'"]}'


class _Bare(asyncpg.Connection):
    """A connection without the reset query on release: nothing here leaves session state behind."""

    def get_reset_query(self) -> str:
        return ""


class Line(Struct):
    """A variant and how many of it."""

    variant_id: UUID
    quantity: int


class Contact(Struct):
    """Who buys."""

    name: str
    phone: str


class PlaceOrder(Struct):
    """The body of a one-POST order, as ShopKit takes it."""

    items: list[Line]
    contact: Contact
    shipping_address: dict[str, Any]
    payment_method: str


class _OutOfStockError(Exception):
    pass


@get("/static", media_type=MediaType.JSON)
async def static() -> bytes:
    return _STATIC


@get("/products/{slug:str}", media_type=MediaType.JSON)
async def product(slug: str, state: State) -> Response[bytes]:
    return _json(await state.pool.fetchval(sql.PRODUCT, slug))


@get("/products", media_type=MediaType.JSON)
async def newest(category: str, state: State) -> Response[bytes]:
    return _json(await state.pool.fetchval(sql.LIST, category))


@post("/quick-orders")
async def place(data: PlaceOrder, request: Request[Any, Any, Any], state: State) -> Response[bytes]:
    key = request.headers["idempotency-key"]
    try:
        async with state.pool.acquire() as connection, connection.transaction():
            answer = await _place(connection, data, key)
    except _OutOfStockError:
        return _json('{"status":409,"code":"out_of_stock"}', 409)
    return _json(answer, 201)


async def _place(connection: PoolConnectionProxy, data: PlaceOrder, key: str) -> str:
    if replay := await connection.fetchval(sql.REPLAY, key):
        return str(replay)
    wanted = {line.variant_id: line.quantity for line in data.items}
    rows = await connection.fetch(sql.PRICES, list(wanted))
    total = sum(row["price"] * wanted[row["id"]] for row in rows)
    customer = await connection.fetchval(sql.CUSTOMER, data.contact.phone, data.contact.name)
    address = msgspec.json.encode(data.shipping_address).decode()
    order = await connection.fetchrow(sql.ORDER, customer, address, total)
    columns = zip(*((row["id"], row["title"], wanted[row["id"]], row["price"]) for row in rows), strict=True)
    await connection.execute(sql.ITEMS, order["id"], *map(list, columns))
    await connection.execute(sql.PAYMENT, order["id"], total)
    answer = msgspec.json.encode({"order": {"number": str(order["number"]), "total": total}}).decode()
    await connection.execute(sql.FACT_AND_KEY, answer, key, answer)
    for row in rows:  # sorted by id, as the lock order wants
        if await connection.fetchval(sql.RESERVE, row["id"], order["id"], wanted[row["id"]]) is None:
            raise _OutOfStockError
    return answer


def _json(text: str, status: int = 200) -> Response[bytes]:
    return Response(text.encode(), media_type=MediaType.JSON, status_code=status)


def build(dsn: str) -> Litestar:
    """The app; its pool opens with it and holds one connection for each client of the bench."""

    @asynccontextmanager
    async def pool(app: Litestar) -> AsyncIterator[None]:
        async with asyncpg.create_pool(
            dsn, min_size=POOL_SIZE, max_size=POOL_SIZE, connection_class=_Bare, server_settings=_SETTINGS
        ) as app.state.pool:
            yield

    return Litestar([static, product, newest, place], lifespan=[pool], openapi_config=None, logging_config=None)


def main(dsn: str, port: str) -> None:
    uvicorn.run(
        build(dsn), host="127.0.0.1", port=int(port), loop="uvloop", http="httptools", access_log=False,
        log_level="warning",
    )  # fmt: skip


if __name__ == "__main__":
    main(*sys.argv[1:])
