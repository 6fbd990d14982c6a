"""How many statements stand between BEGIN and COMMIT on the hot paths (performance budget)."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx
import pytest

from shopkit.bootstrap import Shop
from shopkit.core.kernel import db
from shopkit.core.kernel.db import Connection, Database
from shopkit.web.app import create_app


class Counted:
    """A shop whose every statement is written down, and its clients."""

    def __init__(self, shop: Shop, queries: list[Any]) -> None:
        self.app = create_app(shop)
        self.queries = queries

    def transactions(self) -> list[list[str]]:
        """The statements of every transaction of a tenant since the last time, BEGIN and COMMIT left out."""
        found: list[list[str]] = []
        for query in [record.query.strip() for record in self.queries]:
            if query.startswith("BEGIN"):
                found.append([query])
            elif query not in {"COMMIT", "ROLLBACK"}:
                found[-1].append(query)
        self.queries.clear()
        return [each[1:] for each in found if "app.tenant_id" in each[0]]


@pytest.fixture
async def counted(databases: Any, shop: Shop) -> AsyncIterator[Counted]:
    queries: list[Any] = []

    async def prepare(connection: asyncpg.Connection) -> None:
        await db._set_codecs(connection)
        connection.add_query_logger(queries.append)

    async with asyncpg.create_pool(
        databases.app, min_size=1, max_size=1, connection_class=Connection, init=prepare,
        server_settings=db.WEB_SETTINGS,
    ) as pool:  # fmt: skip
        own = Shop(shop.config, databases.app, Database(pool), shop.keyring)
        await own.epochs.refresh(own.db)
        yield Counted(own, queries)


@pytest.fixture
async def counted_buyer(counted: Counted, making: Any, tenant: Any) -> AsyncIterator[Any]:
    transport = httpx.ASGITransport(app=counted.app)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{tenant.host}") as client:
        yield making.Buyer(client)


async def warm(counted: Counted, buyer: Any, product: Any) -> None:
    """Settings and hosts are read once and then kept; that reading does not count."""
    await buyer.order(product)
    await buyer.ready(product)
    counted.queries.clear()


async def test_the_product_page_takes_at_most_two_statements(make: Any, counted: Counted, counted_buyer: Any) -> None:
    await make.shipping()
    product = await make.product(variants=3)
    await warm(counted, counted_buyer, product)
    answer = await counted_buyer.call("GET", f"/products/{product.slug}")
    assert answer.status_code == 200
    (statements,) = counted.transactions()
    assert len(statements) <= 2, statements


async def test_adding_to_the_cart_takes_at_most_four_statements(
    make: Any, counted: Counted, counted_buyer: Any
) -> None:
    await make.shipping()
    product = await make.product()
    await warm(counted, counted_buyer, product)
    for added in (await make.product(), product):  # a new line, and one that sums
        assert (await counted_buyer.add(added)).status_code == 200
        (statements,) = counted.transactions()
        assert len(statements) <= 4, statements


@pytest.mark.parametrize("lines", [1, 3])
async def test_placing_an_order_takes_at_most_twelve_statements(
    make: Any, making: Any, counted: Counted, counted_buyer: Any, lines: int
) -> None:
    await make.shipping()
    products = [await make.product() for _ in range(lines)]
    await warm(counted, counted_buyer, products[0])
    answer = await counted_buyer.quick(making.quick_body(*products))
    assert answer.status_code == 201
    *numbering, placing = counted.transactions()
    assert len(placing) <= 12, placing
    assert all(len(each) == 1 for each in numbering), "the number is taken by a one-statement transaction of its own"
    assert "inventory_stocks" in placing[-1], "the stock is touched last"

    shown = await counted_buyer.ready(*products)
    counted.queries.clear()
    assert (await counted_buyer.complete(shown["totals"]["total"])).status_code == 201
    placing = counted.transactions()[-1]
    assert len(placing) <= 12, placing
    assert "inventory_stocks" in placing[-1]


async def test_steady_traffic_reads_no_settings_and_no_hosts(
    make: Any, making: Any, counted: Counted, counted_buyer: Any
) -> None:
    await make.shipping()
    product = await make.product()
    await warm(counted, counted_buyer, product)
    await counted_buyer.order(product)
    statements = " ".join(statement for each in counted.transactions() for statement in each)
    assert "FROM settings" not in statements
    assert "resolve_host" not in statements
    assert "FROM stores" not in statements
