"""Whatever happens to stock and orders, in whatever order: the promises of `invariants.md` hold after every step.

Hypothesis drives the services over a real database and predicts each answer from what the rows say before it, so that
nothing is oversold and nothing is refused that was there (I5, I7).
"""

import asyncio
import os
import uuid
from collections import Counter
from collections.abc import Coroutine, Iterator
from types import ModuleType
from typing import Any, TypeVar
from uuid import UUID

import asyncpg
import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from shopkit import bootstrap, registry
from shopkit.bootstrap import Shop
from shopkit.core.cart import service as cart_service
from shopkit.core.cart.schemas import CartChange
from shopkit.core.checkout import carts, invariants, saga, staff
from shopkit.core.checkout.schemas import AddItem, Complete, QuickOrder
from shopkit.core.inventory import service as inventory
from shopkit.core.inventory.errors import NotInStock, OutOfStock, StockHeld
from shopkit.core.kernel import idempotency
from shopkit.core.kernel.config import Config
from shopkit.core.kernel.crypto import KeyRing
from shopkit.core.kernel.decode import decoder_of
from shopkit.core.kernel.retry import transact
from shopkit.core.orders.schemas import OrderDoc
from shopkit.core.tenancy import service as tenancy
from shopkit.sdk.errors import Conflict

T = TypeVar("T")

FREE = """
SELECT coalesce(sum(s.stock + s.oversell_limit - s.reserved + coalesce((
    SELECT sum(r.quantity) FROM inventory_reservations r
    WHERE r.stock_id = s.id AND r.status = 'active' AND (r.expires_at <= now() OR r.cart_id = $2)), 0)), 0)::int
FROM inventory_stocks s JOIN store_locations l ON l.id = s.location_id
WHERE s.variant_id = $1 AND l.status = 'active'
"""
"""What could be promised now to a cart, or to anybody."""

NOT_THERE = """
SELECT EXISTS (SELECT FROM inventory_reservations r JOIN inventory_stocks s ON s.id = r.stock_id
               WHERE r.order_id = $1 AND r.status = 'active' AND s.stock < r.quantity)
"""
EVERY = " UNION ALL ".join(f"SELECT '{each.id}' AS id, q.* FROM ({each.sql}) q" for each in invariants.INVARIANTS)
VARIANTS, LOCATIONS, MOST_CARTS = 3, 2, 4

STEPS: dict[str, tuple[Any, ...]] = {
    "confirm": (lambda order: order.status == "pending",),
    "hand_over": (lambda order: order.status == "confirmed",),
    "deliver": (lambda order: order.fulfillment_status == "shipped",),
    "collect": (lambda order: any(each.status == "awaiting_collection" for each in order.payments),),
    "cancel": (
        lambda order: order.status in {"pending", "confirmed"} and order.payment_status == "unpaid",
        "no answer",
    ),
}
"""What staff do: which orders permit it, and what else it needs."""

some = st.integers(1, 4)
which = st.integers(0, 50)


class World:
    """A shop in an event loop of its own, for a machine that is synchronous."""

    def __init__(self, databases: Any, config: Config, making: ModuleType) -> None:
        self.making = making
        self.shop: Shop
        self.owner: asyncpg.Connection
        self._databases, self._config = databases, config
        self._runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        self._building: Any = None

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Wait for it."""
        return self._runner.run(work)

    async def open(self) -> None:
        """Connect."""
        self._building = bootstrap.build(self._config, self._databases.app, KeyRing.generate(), size=10)
        self.shop = await self._building.__aenter__()
        self.owner = await asyncpg.connect(self._databases.owner)

    async def close(self) -> None:
        """Disconnect."""
        await self.owner.close()
        await self._building.__aexit__(None, None, None)

    async def new_make(self) -> Any:
        """Builders in a new tenant."""
        slug = f"machine-{uuid.uuid4().hex[:12]}"
        made = await tenancy.create(self.owner, tenancy.NewTenant(slug=slug, name=slug), registry.SCHEDULES)
        return self.making.Make(self.shop, made, await self.shop.scope_of(made.tenant_id))

    def __enter__(self) -> "World":
        self.run(self.open())
        return self

    def __exit__(self, *_: object) -> None:
        self.run(self.close())
        self._runner.close()


class StockMachine(RuleBasedStateMachine):
    """One tenant, three variants, two locations, some carts and their orders."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        self.run = world.run
        self.make: Any = None
        self.variants: list[UUID] = []
        self.places: list[UUID] = []
        self.carts: list[UUID] = []
        self.orders: list[str] = []
        self.done: list[tuple[UUID, UUID]] = []
        """Carts with the orders that they have become."""

    @initialize(
        holds=st.sampled_from([True, True, False]),
        confirms=st.booleans(),
        oversell=st.integers(0, 2),
        units=st.lists(st.integers(0, 12), min_size=3, max_size=3),
    )
    def begin(self, holds: bool, confirms: bool, oversell: int, units: list[int]) -> None:
        self.run(self._begin(holds, confirms, oversell, units))

    async def _begin(self, holds: bool, confirms: bool, oversell: int, units: list[int]) -> None:
        self.make = await self.world.new_make()
        await self.make.settings({"inventory.hold_on_add": holds, "cod.auto_confirm": confirms})
        await self.make.shipping()
        self.places = [self.make.made.location_id, await self.make.location("second", priority=50)]
        for count in units:
            product = await self.make.product(stock=count)
            self.variants.append(product.variant)
        await self.make.sql(
            "UPDATE inventory_stocks SET oversell_limit = $1 WHERE variant_id = $2", oversell, self.variants[0]
        )

    # What the rows say

    async def free(self, variant: UUID, cart_id: UUID | None = None) -> int:
        return await self.make.value(FREE, variant, cart_id)

    async def lines(self, cart_id: UUID) -> list[tuple[UUID, UUID, int]]:
        rows = await self.make.sql(
            "SELECT id, variant_id, quantity FROM cart_items WHERE cart_id = $1 ORDER BY id", cart_id
        )
        return [(row["id"], row["variant_id"], row["quantity"]) for row in rows]

    async def is_short(self, wanted: Counter[UUID], cart_id: UUID | None = None) -> bool:
        return any([units > await self.free(variant, cart_id) for variant, units in wanted.items()])

    def key(self, route: str) -> idempotency.Key:
        made = idempotency.parse(uuid.uuid4().hex, caller=idempotency.ANONYMOUS, route=route, body=b"", required=True)
        assert made is not None
        return made

    async def edit(self, work: Any) -> Any:
        return await transact(self.world.shop, self.make.scope, work)

    # Goods

    @rule(variant=which, place=which, units=st.integers(1, 12))
    def receive(self, variant: int, place: int, units: int) -> None:
        async def work() -> None:
            await self.make.stock(self.variants[variant % VARIANTS], units, location_id=self.places[place % LOCATIONS])

        self.run(work())

    @rule(variant=which, place=which, to=st.integers(0, 12), by=st.booleans())
    def adjust(self, variant: int, place: int, to: int, by: bool) -> None:
        """A count, or a difference; refused beneath what is held, and then only."""
        self.run(self._adjust(self.variants[variant % VARIANTS], self.places[place % LOCATIONS], to, by))

    async def _adjust(self, variant: UUID, place: UUID, to: int, by: bool) -> None:
        rows = await self.make.sql(
            "SELECT stock, reserved, oversell_limit FROM inventory_stocks WHERE variant_id = $1 AND location_id = $2",
            variant, place,
        )  # fmt: skip
        stock, reserved, oversell = rows[0] if rows else (0, 0, 0)
        if by and to == stock:
            return
        change = {"delta": to - stock} if by else {"to": to}
        try:
            async with self.world.shop.uow(self.make.scope) as uow:
                level = await inventory.adjust(uow, variant, **change, location_id=place, reason="count")
        except StockHeld:
            assert reserved > to + oversell
        else:
            assert level == to and reserved <= to + oversell

    @rule(place=which)
    def pause_or_resume(self, place: int) -> None:
        self.run(self._pause_or_resume(self.places[place % LOCATIONS]))

    async def _pause_or_resume(self, place: UUID) -> None:
        await self.make.sql(
            "UPDATE store_locations SET status = CASE status WHEN 'active' THEN 'paused' ELSE 'active' END "
            "WHERE id = $1",
            place,
        )

    # Carts

    @precondition(lambda self: len(self.carts) < MOST_CARTS)
    @rule(variant=which, units=some)
    def open_cart(self, variant: int, units: int) -> None:
        self.run(self._open_cart(self.variants[variant % VARIANTS], units))

    async def _open_cart(self, variant: UUID, units: int) -> None:
        making = self.world.making
        ready = {
            "contact": making.contact(),
            "shipping_address": making.address(),
            "shipping_option": "home",
            "payment_method": "cod",
        }
        choices = decoder_of(CartChange).decode(msgspec.json.encode(ready))

        async def create(uow: Any) -> UUID:
            cart, _ = await carts.create(uow, [])
            await carts.change(uow, cart.id, 0, choices)
            return cart.id

        self.carts.append(await self.edit(create))
        await self._add(self.carts[-1], variant, units)

    @precondition(lambda self: self.carts)
    @rule(cart=which, variant=which, units=some)
    def add(self, cart: int, variant: int, units: int) -> None:
        self.run(self._add(self.carts[cart % len(self.carts)], self.variants[variant % VARIANTS], units))

    async def _add(self, cart_id: UUID, variant: UUID, units: int) -> None:
        wanted = units + sum(quantity for _, known, quantity in await self.lines(cart_id) if known == variant)
        item = AddItem(variant_id=variant, quantity=units)
        await self._edit_or_refuse(cart_id, variant, wanted, lambda uow: carts.add(uow, cart_id, 0, item))

    @precondition(lambda self: self.carts)
    @rule(cart=which, line=which, units=some)
    def change_line(self, cart: int, line: int, units: int) -> None:
        self.run(self._change_line(self.carts[cart % len(self.carts)], line, units))

    async def _change_line(self, cart_id: UUID, line: int, units: int) -> None:
        if lines := await self.lines(cart_id):
            item, variant, _ = lines[line % len(lines)]
            await self._edit_or_refuse(
                cart_id, variant, units, lambda uow: carts.set_quantity(uow, cart_id, 0, item, units)
            )

    async def _edit_or_refuse(self, cart_id: UUID, variant: UUID, wanted: int, work: Any) -> None:
        free = await self.free(variant, cart_id)
        before = await self.lines(cart_id)
        try:
            await self.edit(work)
        except OutOfStock as refused:
            assert wanted > free and refused.details["available"] == free
            assert await self.lines(cart_id) == before
        else:
            assert wanted <= free

    @precondition(lambda self: self.carts)
    @rule(cart=which, line=which)
    def remove_line(self, cart: int, line: int) -> None:
        async def work(cart_id: UUID) -> None:
            if lines := await self.lines(cart_id):
                item, *_ = lines[line % len(lines)]
                await self.edit(lambda uow: carts.remove(uow, cart_id, 0, item))

        self.run(work(self.carts[cart % len(self.carts)]))

    @precondition(lambda self: self.carts)
    @rule(cart=which)
    def forget_cart(self, cart: int) -> None:
        """Its time is over; the next edit wakes it."""

        async def work(cart_id: UUID) -> None:
            await self.make.sql("UPDATE carts SET expires_at = now() - interval '1 day' WHERE id = $1", cart_id)
            await self.edit(cart_service.abandon_expired)
            assert await self.make.value("SELECT status FROM carts WHERE id = $1", cart_id) == "abandoned"

        self.run(work(self.carts[cart % len(self.carts)]))

    # Orders

    @precondition(lambda self: self.carts)
    @rule(cart=which, tabs=st.integers(1, 3))
    def complete(self, cart: int, tabs: int) -> None:
        """The same cart in so many tabs at once: one order, the same answer (I19)."""
        self.run(self._complete(self.carts[cart % len(self.carts)], tabs))

    async def _complete(self, cart_id: UUID, tabs: int) -> None:
        lines = await self.lines(cart_id)
        if not lines:
            return
        wanted: Counter[UUID] = Counter()
        for _, variant, quantity in lines:
            wanted[variant] += quantity
        is_short = await self.is_short(wanted, cart_id)
        ends = await asyncio.gather(*(self._complete_once(cart_id) for _ in range(tabs)), return_exceptions=True)
        if is_short:
            assert all(isinstance(end, OutOfStock) for end in ends), ends
            return
        orders = [end for end in ends if isinstance(end, OrderDoc)]
        assert len(orders) == tabs and len({order.id for order in orders}) == 1, ends
        self.carts.remove(cart_id)
        self.orders.append(orders[0].number)
        self.done.append((cart_id, orders[0].id))

    async def _complete_once(self, cart_id: UUID) -> OrderDoc:
        async with self.world.shop.uow(self.make.scope) as uow:
            view = await carts.show(uow, cart_id, 0)
        total = view.totals.total
        body = {"expected_total": {"amount": total.amount, "currency": total.currency}}
        command = decoder_of(Complete).decode(msgspec.json.encode(body))
        key = self.key("POST /carts/complete")
        return await saga.complete(self.world.shop, self.make.scope, cart_id=cart_id, epoch=0, command=command, key=key)

    @rule(
        lines=st.lists(st.tuples(which, some), min_size=1, max_size=3),
        meanwhile=st.sampled_from(["nothing", "late", "swept", "paused"]),
        tabs=st.integers(1, 2),
    )
    def go_shopping(self, lines: list[tuple[int, int]], meanwhile: str, tabs: int) -> None:
        """From an empty cart to an order, the way that most buyers take, and what may happen before its end."""
        wanted = [(self.variants[variant % VARIANTS], units) for variant, units in lines]
        self.run(self._go_shopping(wanted, meanwhile, tabs))

    async def _go_shopping(self, wanted: list[tuple[UUID, int]], meanwhile: str, tabs: int) -> None:
        await self._open_cart(*wanted[0])
        cart_id = self.carts[-1]
        for variant, units in wanted[1:]:
            await self._add(cart_id, variant, units)
        if meanwhile in {"late", "swept"}:
            await self._let_time_pass(is_swept=meanwhile == "swept")
        if meanwhile == "paused":
            await self._pause_or_resume(self.places[0])
        await self._complete(cart_id, tabs)
        if meanwhile == "paused":
            await self._pause_or_resume(self.places[0])

    @precondition(lambda self: self.done)
    @rule(cart=which)
    def complete_again(self, cart: int) -> None:
        cart_id, order_id = self.done[cart % len(self.done)]
        assert self.run(self._complete_once(cart_id)).id == order_id

    @rule(first=which, units=some, other=which, more=some)
    def quick_order(self, first: int, units: int, other: int, more: int) -> None:
        """Two lines, perhaps of the same variant: summed before the stock is touched (I8)."""
        wanted = [(self.variants[first % VARIANTS], units), (self.variants[other % VARIANTS], more)]
        self.run(self._quick_order(wanted))

    async def _quick_order(self, wanted: list[tuple[UUID, int]]) -> None:
        summed: Counter[UUID] = Counter()
        for variant, quantity in wanted:
            summed[variant] += quantity
        is_short = await self.is_short(summed)
        try:
            order = await self._quick_once(wanted)
        except OutOfStock:
            assert is_short
        else:
            assert not is_short
            self.orders.append(order.number)

    async def _quick_once(self, wanted: list[tuple[UUID, int]]) -> OrderDoc:
        body = msgspec.json.encode(self.world.making.quick_body(*wanted))
        command = decoder_of(QuickOrder).decode(body)
        return await saga.quick(self.world.shop, self.make.scope, command, self.key("POST /quick-orders"))

    @rule(variant=which, buyers=st.integers(2, 6))
    def storm(self, variant: int, buyers: int) -> None:
        """So many buyers of one unit at once: as many orders as there are units, and no fewer (I5)."""
        self.run(self._storm(self.variants[variant % VARIANTS], buyers))

    async def _storm(self, variant: UUID, buyers: int) -> None:
        free = await self.free(variant)
        ends = await asyncio.gather(*(self._quick_once([(variant, 1)]) for _ in range(buyers)), return_exceptions=True)
        orders = [end.number for end in ends if isinstance(end, OrderDoc)]
        assert all(isinstance(end, OrderDoc | OutOfStock) for end in ends), ends
        assert len(orders) == min(buyers, free)
        self.orders += orders

    # Staff

    async def _step(self, step: Any, number: str, may: Any, *arguments: Any) -> None:
        """One step of staff: taken if the order's states permit it, else refused without a trace."""
        before: OrderDoc = await self.make.read_order(number)
        try:
            await self.make.staff(step, number, *arguments)
        except Conflict as refused:
            is_ahead = isinstance(refused, NotInStock) and await self.make.value(NOT_THERE, before.id)
            assert is_ahead or not may(before), refused
            assert await self.make.read_order(number) == before
        else:
            assert may(before)

    @precondition(lambda self: self.orders)
    @rule(place=which, name=st.sampled_from(list(STEPS)))
    def staff(self, place: int, name: str) -> None:
        may, *arguments = STEPS[name]
        self.run(self._step(getattr(staff, name), self.orders[place % len(self.orders)], may, *arguments))

    # Time

    @rule(is_swept=st.booleans())
    def let_time_pass(self, is_swept: bool) -> None:
        """Every hold that has a time is overdue; perhaps a worker comes, perhaps not (I7)."""
        self.run(self._let_time_pass(is_swept))

    async def _let_time_pass(self, is_swept: bool) -> None:
        await self.world.owner.execute(
            "UPDATE inventory_reservations SET expires_at = now() - interval '1 second' "
            "WHERE tenant_id = $1 AND status = 'active' AND expires_at > now()",
            self.make.scope.tenant_id,
        )
        if is_swept:
            await self.edit(inventory.expire_holds)

    @invariant()
    def nothing_is_broken(self) -> None:
        if self.make is not None:
            assert [dict(row) for row in self.run(self.make.sql(EVERY))] == []


@pytest.fixture(scope="module")
def world(databases: Any, config: Config, making: ModuleType) -> Iterator[World]:
    with World(databases, config, making) as opened:
        yield opened


@pytest.mark.slow
def test_i1_to_i8_hold_after_every_step(world: World) -> None:
    run_state_machine_as_test(
        lambda: StockMachine(world),
        settings=settings(
            max_examples=25,
            stateful_step_count=30,
            deadline=None,
            derandomize="CI" in os.environ,
            suppress_health_check=list(HealthCheck),
        ),
    )
