"""A tenant with things in stock, and eyes on its stock rows."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import UUID

import msgspec
import pytest

from shopkit.bootstrap import Shop
from shopkit.core.checkout import invariants
from shopkit.core.inventory import queries
from shopkit.core.kernel.ids import uuid7
from shopkit.core.kernel.scope import Scope
from shopkit.core.loading.service import load

SECOND = "second"


class Warehouse:
    """The stock of one tenant. Levels are `{location: units}`; a plain number lies at the default location."""

    def __init__(self, shop: Shop, scope: Scope) -> None:
        self.shop = shop
        self.scope = scope

    async def stock(self, levels: Mapping[str, int | Mapping[str, int]], **variant: Any) -> dict[str, UUID]:
        """Products of one variant each, by SKU; `variant` is more of the load format."""
        document = {
            "version": 1,
            "locations": [
                {"code": "main", "name": "Main", "priority": 1},
                {"code": SECOND, "name": "Second", "priority": 2},
            ],
            "products": [
                {
                    "key": sku,
                    "title": sku,
                    "status": "active",
                    "price": 100_00,
                    "variants": [{"sku": sku, "stock_at": {"main": at} if isinstance(at, int) else at, **variant}],
                }
                for sku, at in levels.items()
            ],
        }
        await load(self.shop, self.scope, msgspec.json.encode(document))
        async with self.shop.uow(self.scope) as uow:
            return await queries.find_variants(uow, list(levels))

    async def sql(self, statement: str, *values: Any) -> list[Any]:
        """Ask or change as the app role."""
        async with self.shop.uow(self.scope) as uow:
            return await uow.sql.fetch(statement, *values)

    async def levels(self, variant_id: UUID) -> dict[str, tuple[int, int]]:
        """(stock, reserved) by location."""
        rows = await self.sql(
            "SELECT l.code, s.stock, s.reserved FROM inventory_stocks s JOIN store_locations l ON l.id = s.location_id "
            "WHERE s.variant_id = $1",
            variant_id,
        )
        return {row["code"]: (row["stock"], row["reserved"]) for row in rows}

    async def stock_id(self, variant_id: UUID, location: str = "main") -> UUID:
        """The stock row of a variant at a location."""
        rows = await self.sql(
            "SELECT s.id FROM inventory_stocks s JOIN store_locations l ON l.id = s.location_id "
            "WHERE s.variant_id = $1 AND l.code = $2",
            variant_id,
            location,
        )
        return rows[0]["id"]

    async def pause(self, location: str) -> None:
        """Nothing is sold from there any more."""
        await self.sql("UPDATE store_locations SET status = 'paused' WHERE code = $1", location)

    async def order(self) -> UUID:
        """A bare order to hold stock for: placed, unpaid, of nothing."""
        order_id = uuid7()
        await self.sql(
            "INSERT INTO orders (id, store_id, number, status, currency, subtotal, total, locale, contact_name, "
            "payment_method, placed_at) VALUES ($1, $2, $3, 'pending', 'BDT', 0, 0, 'en', 'A', 'cod', now())",
            order_id,
            self.scope.store.id,
            str(order_id),
        )
        return order_id

    async def orders(self, count: int) -> list[UUID]:
        """Some bare orders."""
        return [await self.order() for _ in range(count)]

    async def cart(self) -> UUID:
        """An empty cart to hold stock for."""
        cart_id = uuid7()
        await self.sql(
            "INSERT INTO carts (id, store_id, currency, locale, expires_at) "
            "VALUES ($1, $2, 'BDT', 'en', now() + interval '7 days')",
            cart_id,
            self.scope.store.id,
        )
        return cart_id

    async def overdue(self) -> None:
        """The time of every hold that has one is over."""
        await self.sql("UPDATE inventory_reservations SET expires_at = now() - interval '1 second' WHERE expires_at > now()")

    async def holds(self) -> list[Any]:
        """Every reservation, oldest first."""
        return await self.sql("SELECT * FROM inventory_reservations ORDER BY created_at, id")

    async def check(self) -> None:
        """The counters equal the holds and the ledger (I1, I2, I3, I6)."""
        async with self.shop.uow(self.scope) as uow:
            found = await invariants.violations(uow.sql)
        about_stock = [each for each in found if each.invariant in {"I1", "I2", "I3", "I6"}]
        assert about_stock == []


Stocked = Callable[..., Awaitable[dict[str, UUID]]]


@pytest.fixture
def warehouse(shop: Shop, scope: Scope) -> Warehouse:
    return Warehouse(shop, scope)
