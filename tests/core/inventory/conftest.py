"""A tenant with things in stock at two locations, and eyes on its stock rows."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest

from shopkit.core.checkout import invariants
from shopkit.core.kernel.ids import uuid7
from shopkit.core.kernel.uow import Uow


class Warehouse:
    """The stock of one tenant: the location `main`, and `second` once it is opened."""

    def __init__(self, make: Any) -> None:
        self.make = make
        self.main: UUID = make.made.location_id
        self.second: UUID

    async def open_second(self, *, priority: int = 200) -> None:
        """Another location; by default it comes after `main`, whose priority is 100."""
        self.second = await self.make.location("second", priority=priority)

    async def variant(self, main: int = 0, second: int | None = None, **product: Any) -> UUID:
        """A new variant with so many units."""
        made = await self.make.product(stock=0, **product)
        if main:
            await self.make.stock(made.variant, main)
        if second:
            await self.make.stock(made.variant, second, location_id=self.second)
        return made.variant

    @asynccontextmanager
    async def uow(self) -> AsyncIterator[Uow]:
        """A transaction of the tenant."""
        async with self.make.shop.uow(self.make.scope) as uow:
            yield uow

    async def sql(self, statement: str, *values: Any) -> list[Any]:
        """Ask or change as the app role."""
        return await self.make.sql(statement, *values)

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

    async def allow_backorder(self, variant_id: UUID, units: int) -> None:
        """So many units may be promised before they are there."""
        await self.sql("UPDATE inventory_stocks SET oversell_limit = $2 WHERE variant_id = $1", variant_id, units)

    async def order(self) -> UUID:
        """A bare order to hold stock for."""
        order_id = uuid7()
        await self.sql(
            "INSERT INTO orders (id, store_id, number, status, currency, subtotal, total, locale, contact_name, "
            "payment_method, placed_at) VALUES ($1, $2, $3, 'pending', 'BDT', 0, 0, 'en', 'A', 'cod', now())",
            order_id,
            self.make.scope.store.id,
            str(order_id),
        )
        return order_id

    async def cart(self) -> UUID:
        """An empty cart to hold stock for."""
        cart_id = uuid7()
        await self.sql(
            "INSERT INTO carts (id, store_id, currency, locale, expires_at) "
            "VALUES ($1, $2, 'BDT', 'en', now() + interval '7 days')",
            cart_id,
            self.make.scope.store.id,
        )
        return cart_id

    async def overdue(self) -> None:
        """The time of every hold that has one is over."""
        await self.sql(
            "UPDATE inventory_reservations SET expires_at = now() - interval '1 second' WHERE expires_at > now()"
        )

    async def holds(self, **owner: UUID) -> list[tuple[str, int]]:
        """(status, quantity) of every reservation of a cart or an order, or of all, smallest first."""
        rows = await self.sql(
            "SELECT status, quantity FROM inventory_reservations "
            "WHERE cart_id IS NOT DISTINCT FROM coalesce($1, cart_id) "
            "AND order_id IS NOT DISTINCT FROM coalesce($2, order_id) ORDER BY quantity, status",
            owner.get("cart_id"),
            owner.get("order_id"),
        )
        return [(row["status"], row["quantity"]) for row in rows]

    async def facts(self, topic: str) -> list[dict[str, Any]]:
        """What was published."""
        rows = await self.sql("SELECT payload FROM outbox_events WHERE topic = $1 ORDER BY created_at, id", topic)
        return [row["payload"] for row in rows]

    async def check(self) -> None:
        """The counters equal the holds and the ledger (I1, I2, I3, I6)."""
        async with self.uow() as uow:
            found = await invariants.violations(uow.sql)
        assert [each for each in found if each.invariant in {"I1", "I2", "I3", "I6"}] == []


@pytest.fixture
async def warehouse(make: Any) -> AsyncIterator[Warehouse]:
    """Whatever the test did, the books are right at its end."""
    made = Warehouse(make)
    yield made
    await made.check()
