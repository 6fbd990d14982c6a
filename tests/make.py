"""Builders: whatever a test needs in a tenant's shop, by the services or by plain SQL. Reached through fixtures.

async def test_x(make, buyer):
    panjabi = await make.product(price=129900, stock=5)
    await make.shipping()
    placed = await buyer.order(panjabi)
"""

import itertools
import uuid
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import msgspec
from msgspec import Struct

from shopkit.bootstrap import Shop
from shopkit.core.checkout import saga
from shopkit.core.checkout.schemas import QuickOrder
from shopkit.core.inventory import service as inventory
from shopkit.core.kernel import idempotency
from shopkit.core.kernel.decode import decoder_of
from shopkit.core.kernel.ids import uuid7
from shopkit.core.kernel.scope import STAFF, Scope
from shopkit.core.orders import queries as order_queries
from shopkit.core.orders.schemas import OrderDoc
from shopkit.core.settings import service as settings
from shopkit.core.tenancy.service import CreatedTenant

API = "/api/store/v1"
_numbers = itertools.count(1)

Region = tuple[str, str | None, str | None]
"""Country, division, district."""


class Product(Struct, frozen=True, kw_only=True):
    """A product with one variant or several."""

    id: UUID
    slug: str
    variants: tuple[UUID, ...]

    @property
    def variant(self) -> UUID:
        """The first variant."""
        return self.variants[0]


def address(**changes: Any) -> dict[str, Any]:
    """An address in Dhaka that is accepted."""
    return {
        "name": "Rahim Uddin",
        "phone": "01712345678",
        "country_code": "BD",
        "admin1": "Dhaka",
        "admin2": "Dhaka",
        "admin3": "Dhanmondi",
        "line1": "House 1, Road 2",
    } | changes


def contact(**changes: Any) -> dict[str, Any]:
    """A buyer with a name and a phone."""
    return {"name": "Rahim Uddin", "phone": "01712345678"} | changes


def items(*wanted: Product | UUID | tuple[Product | UUID, int]) -> list[dict[str, Any]]:
    """Lines as a client sends them: one unit of each, or so many."""
    pairs = [each if isinstance(each, tuple) else (each, 1) for each in wanted]
    return [
        {"variant_id": str(what.variant if isinstance(what, Product) else what), "quantity": units}
        for what, units in pairs
    ]


def quick_body(*wanted: Product | UUID | tuple[Product | UUID, int], **changes: Any) -> dict[str, Any]:
    """The body of a quick order."""
    return {
        "items": items(*wanted),
        "contact": contact(),
        "shipping_address": address(),
        "payment_method": "cod",
    } | changes


def key() -> dict[str, str]:
    """A new idempotency key, as a header."""
    return {"Idempotency-Key": uuid.uuid4().hex}


class Make:
    """Makes things in one tenant's shop; each call is a transaction of its own."""

    def __init__(self, shop: Shop, made: CreatedTenant, scope: Scope) -> None:
        self.shop = shop
        self.made = made
        self.scope = scope

    async def sql(self, statement: str, *arguments: Any) -> list[asyncpg.Record]:
        """Run one statement as the app role, inside the tenant."""
        async with self.shop.uow(self.scope) as uow:
            return await uow.sql.fetch(statement, *arguments)

    async def value(self, statement: str, *arguments: Any) -> Any:
        """The first column of the first row."""
        rows = await self.sql(statement, *arguments)
        return rows[0][0] if rows else None

    async def settings(self, values: Mapping[str, Any], *, store_id: UUID | None = None) -> None:
        """Change settings and let this process see them at once."""
        async with self.shop.uow(self.scope) as uow:
            await settings.put(uow, dict(values), store_id=store_id)
        await self.shop.epochs.refresh(self.shop.db)

    async def product(
        self,
        *,
        price: int | None = 100_00,
        stock: int = 100,
        variants: int = 1,
        title: str = "Panjabi",
        title_bn: str = "",
        compare_at: int | None = None,
        tax_class: str = "standard",
        weight_grams: int | None = None,
        max_per_order: int | None = None,
        is_tracked: bool = True,
        is_digital: bool = False,
        status: str = "active",
        store_id: UUID | None = None,
    ) -> Product:
        """A product that can be bought. `stock` units of every variant lie at the default location."""
        n = next(_numbers)
        made = Product(id=uuid7(), slug=f"product-{n}", variants=tuple(uuid7() for _ in range(variants)))
        async with self.shop.uow(self.scope) as uow:
            await uow.sql.execute(
                """
                INSERT INTO products (id, vendor_id, key, title, tax_class, weight_grams)
                VALUES ($1, $2, $3, $4, $5, $6)
                """,
                made.id, self.made.vendor_id, f"p{n}", title, tax_class, weight_grams,
            )  # fmt: skip
            await uow.sql.execute(
                """
                INSERT INTO product_listings (product_id, store_id, slug, status, published_at, sort_price)
                VALUES ($1, $2, $3, $4, now(), $5)
                """,
                made.id, store_id or self.scope.store.id, made.slug, status, price,
            )  # fmt: skip
            if title_bn:
                await uow.sql.execute(
                    "INSERT INTO product_translations (product_id, locale, title) VALUES ($1, 'bn', $2)",
                    made.id, title_bn,
                )  # fmt: skip
            for position, variant in enumerate(made.variants):
                await uow.sql.execute(
                    """
                    INSERT INTO product_variants (id, product_id, vendor_id, sku, position, option_signature,
                        fulfillment_type, track_inventory, max_per_order)
                    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
                    """,
                    variant, made.id, self.made.vendor_id, f"SKU-{n}-{position}", position, f"v{position}",
                    "digital" if is_digital else "physical", is_tracked, max_per_order,
                )  # fmt: skip
            if price is not None:
                await self.price(made, price, compare_at=compare_at, uow=uow)
            if is_tracked and stock:
                for variant in made.variants:
                    await inventory.receive(uow, variant, stock)
        return made

    async def price(self, product: Product, amount: int, *, compare_at: int | None = None, uow: Any = None) -> None:
        """The product's open-ended price from now on."""
        if uow is None:
            async with self.shop.uow(self.scope) as own:
                await self.price(product, amount, compare_at=compare_at, uow=own)
            return
        await uow.sql.execute(
            """
            INSERT INTO variant_prices (product_id, currency, amount, compare_at) VALUES ($1, $2, $3, $4)
            ON CONFLICT (tenant_id, product_id, variant_id, currency, starts_at)
            DO UPDATE SET amount = excluded.amount, compare_at = excluded.compare_at
            """,
            product.id, self.scope.store.currency, amount, compare_at,
        )  # fmt: skip

    async def stock(self, variant: UUID, units: int, *, location_id: UUID | None = None) -> None:
        """So many units more."""
        async with self.shop.uow(self.scope) as uow:
            await inventory.receive(uow, variant, units, location_id=location_id)

    async def location(self, code: str, *, priority: int = 100) -> UUID:
        """Another place where stock lies."""
        return await self.value(
            "INSERT INTO store_locations (store_id, code, name, priority) VALUES ($1, $2, $2, $3) RETURNING id",
            self.scope.store.id, code, priority,
        )  # fmt: skip

    async def zone(self, code: str, *regions: Region) -> UUID:
        """A shipping zone; without regions it is the rest of the world."""
        async with self.shop.uow(self.scope) as uow:
            zone = await uow.sql.fetchval(
                "INSERT INTO shipping_zones (store_id, code, name) VALUES ($1, $2, $2) RETURNING id",
                self.scope.store.id, code,
            )  # fmt: skip
            for country, admin1, admin2 in regions:
                await uow.sql.execute(
                    "INSERT INTO shipping_zone_regions (zone_id, country_code, admin1, admin2) VALUES ($1, $2, $3, $4)",
                    zone, country, admin1, admin2,
                )  # fmt: skip
        return zone

    async def method(self, code: str, *, name: str = "", name_bn: str = "", position: int = 0) -> UUID:
        """A way of delivery, without rates."""
        return await self.value(
            """
            INSERT INTO shipping_methods (store_id, code, name, translations, position, eta_min_days, eta_max_days)
            VALUES ($1, $2, $3, $4, $5, 1, 3) RETURNING id
            """,
            self.scope.store.id, code, name or code.title(), msgspec.json.encode({"bn": name_bn} if name_bn else {}),
            position,
        )  # fmt: skip

    async def rate(self, method: UUID, zone: UUID, amount: int, **bounds: int) -> None:
        """What the method costs in the zone; `bounds` are the columns min_subtotal, max_weight_grams and so on."""
        names = "".join(f", {name}" for name in bounds)
        holes = "".join(f", ${place}" for place in range(5, 5 + len(bounds)))
        await self.sql(
            f"INSERT INTO shipping_rates (method_id, zone_id, currency, amount{names}) VALUES ($1, $2, $3, $4{holes})",
            method, zone, self.scope.store.currency, amount, *bounds.values(),
        )  # fmt: skip

    async def shipping(self, amount: int = 60_00, *, code: str = "home") -> None:
        """Delivery to the whole country for one price."""
        zone = await self.zone(f"zone-{code}", (self.scope.store.country_code, None, None))
        await self.rate(await self.method(code, name="Home delivery", name_bn="হোম ডেলিভারি"), zone, amount)

    async def tax(
        self,
        rate: str,
        *,
        tax_class: str = "standard",
        is_inclusive: bool = True,
        country_code: str | None = None,
        admin1: str | None = None,
        name: str = "VAT",
    ) -> None:
        """A tax rate such as "0.075"."""
        await self.sql(
            """
            INSERT INTO tax_rates (store_id, country_code, admin1, tax_class, name, rate, is_inclusive)
            VALUES ($1, $2, $3, $4, $5, $6::text::numeric, $7)
            """,
            self.scope.store.id, country_code, admin1, tax_class, name, rate, is_inclusive,
        )  # fmt: skip

    async def store(self, slug: str, *, currency: str = "BDT") -> "Make":
        """Another store of the tenant, with a location of its own; answers the builder that works in it."""
        async with self.shop.uow(self.scope) as uow:
            store = await uow.sql.fetchval(
                """
                INSERT INTO stores (slug, name, currency, default_locale, locales, country_code, timezone)
                VALUES ($1, $1, $2, 'en', '{en,bn}', 'BD', 'Asia/Dhaka') RETURNING id
                """,
                slug, currency,
            )  # fmt: skip
            location = await uow.sql.fetchval(
                """
                INSERT INTO store_locations (store_id, code, name, is_default) VALUES ($1, 'main', 'Main', true)
                RETURNING id
                """,
                store,
            )
            await uow.sql.execute("INSERT INTO order_number_counters (store_id) VALUES ($1)", store)
        made = msgspec.structs.replace(self.made, store_id=store, location_id=location)
        info = msgspec.structs.replace(self.scope.store, id=store, slug=slug, name=slug, currency=currency)
        return Make(self.shop, made, msgspec.structs.replace(self.scope, store=info))

    async def order(self, *wanted: Product | UUID | tuple[Product | UUID, int], **changes: Any) -> OrderDoc:
        """A placed order, one unit of a new product by default; makes a way of delivery where there is none."""
        if not wanted:
            wanted = (await self.product(),)
        if not await self.value("SELECT true FROM shipping_methods WHERE store_id = $1", self.scope.store.id):
            await self.shipping()
        body = msgspec.json.encode(quick_body(*wanted, **changes))
        parsed = idempotency.parse(
            uuid.uuid4().hex, caller=idempotency.ANONYMOUS, route="POST /quick-orders", body=body, required=True
        )
        assert parsed is not None
        return await saga.quick(self.shop, self.scope, decoder_of(QuickOrder).decode(body), parsed)

    async def staff(self, step: Any, number: str, *arguments: Any, **options: Any) -> OrderDoc:
        """One step of `checkout.staff`, in a transaction of its own, by staff."""
        async with self.shop.uow(msgspec.structs.replace(self.scope, actor=STAFF)) as uow:
            return await step(uow, number, *arguments, **options)

    async def read_order(self, number: str) -> OrderDoc:
        """The order as it is stored."""
        async with self.shop.uow(self.scope) as uow:
            return await order_queries.get_by_number(uow, number)

    async def levels(self, *variants: UUID) -> list[tuple[int, int]]:
        """(stock, reserved) of each variant, over all locations."""
        rows = await self.sql(
            """
            SELECT variant_id, sum(stock)::int AS stock, sum(reserved)::int AS reserved FROM inventory_stocks
            WHERE variant_id = ANY($1) GROUP BY variant_id
            """,
            list(variants),
        )
        found = {row["variant_id"]: (row["stock"], row["reserved"]) for row in rows}
        return [found.get(variant, (0, 0)) for variant in variants]

    async def check_stock(self) -> None:
        """I1 to I3 of every stock row of the tenant: counters equal holds, ledger equals level."""
        wrong = await self.sql(
            """
            SELECT s.id, s.stock, s.reserved, coalesce(held.units, 0) AS held, l.stock AS ledger_stock,
                   l.reserved AS ledger_reserved
            FROM inventory_stocks s
            LEFT JOIN LATERAL (SELECT sum(r.quantity) AS units FROM inventory_reservations r
                               WHERE r.stock_id = s.id AND r.status = 'active') held ON true
            LEFT JOIN LATERAL (SELECT coalesce(sum(t.stock_delta), 0) AS stock,
                                      coalesce(sum(t.reserved_delta), 0) AS reserved
                               FROM inventory_transactions t WHERE t.stock_id = s.id) l ON true
            WHERE s.reserved <> coalesce(held.units, 0) OR s.stock <> l.stock OR s.reserved <> l.reserved
               OR s.reserved > s.stock + s.oversell_limit
            """
        )
        assert wrong == []

    async def counts(self, *tables: str) -> dict[str, int]:
        """Rows of the tenant in each table; the tables that orders and carts write, by default."""
        chosen: Sequence[str] = tables or (
            "carts", "cart_items", "orders", "order_items", "order_addresses", "order_status_history", "payments",
            "payment_transactions", "shipments", "inventory_reservations", "inventory_transactions", "customers",
            "customer_identities", "customer_addresses", "idempotency_keys", "outbox_events",
        )  # fmt: skip
        row = await self.sql("SELECT " + ", ".join(f"(SELECT count(*) FROM {t}) AS {t}" for t in chosen))
        return dict(row[0])


class Buyer:
    """A customer with an HTTP client; `cart` holds the last cart that was opened."""

    def __init__(self, client: httpx.AsyncClient, headers: Mapping[str, str] | None = None) -> None:
        self.client = client
        self.headers = dict(headers or {})
        self.cart: dict[str, Any] = {}

    @property
    def token(self) -> dict[str, str]:
        """The header that opens the cart."""
        return {"X-Cart-Token": self.cart["token"]}

    @property
    def at(self) -> str:
        """The cart's path."""
        return f"/carts/{self.cart['id']}"

    async def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        """A request to the storefront API."""
        headers = self.headers | options.pop("headers", {})
        return await self.client.request(method, API + path, headers=headers, **options)

    async def open(self, *wanted: Product | UUID | tuple[Product | UUID, int]) -> dict[str, Any]:
        """A new cart, perhaps with something in it."""
        answer = await self.call("POST", "/carts", json={"items": items(*wanted)})
        assert answer.status_code == 201, answer.text
        self.cart = answer.json()
        return self.cart

    async def add(self, what: Product | UUID, quantity: int = 1, **more: Any) -> httpx.Response:
        """Put something in."""
        headers = self.token | more.pop("headers", {})
        body = items((what, quantity))[0] | more
        return await self.call("POST", f"{self.at}/items", json=body, headers=headers)

    async def change(self, **fields: Any) -> httpx.Response:
        """Contact, addresses, choices."""
        return await self.call("PATCH", self.at, json=fields, headers=self.token)

    async def show(self, **headers: str) -> httpx.Response:
        """The cart as it stands now."""
        return await self.call("GET", self.at, headers=self.token | headers)

    async def ready(
        self, *wanted: Product | UUID | tuple[Product | UUID, int], option: str | None = "home"
    ) -> dict[str, Any]:
        """A cart that can be completed; answers it as it was shown last."""
        await self.open(*wanted)
        answer = await self.change(
            contact=contact(), shipping_address=address(), payment_method="cod", shipping_option=option
        )
        assert answer.status_code == 200, answer.text
        assert answer.json()["requirements"] == []
        return answer.json()

    async def complete(self, total: Mapping[str, Any], **headers: str) -> httpx.Response:
        """Place the order for this total (`{amount, currency}`)."""
        return await self.call(
            "POST", f"{self.at}/complete", json={"expected_total": dict(total)}, headers=self.token | key() | headers
        )

    async def quick(self, body: Any, **headers: str) -> httpx.Response:
        """An order in one request."""
        return await self.call("POST", "/quick-orders", json=body, headers=key() | headers)

    async def order(self, *wanted: Product | UUID | tuple[Product | UUID, int], **changes: Any) -> dict[str, Any]:
        """A quick order that must succeed; answers the order."""
        answer = await self.quick(quick_body(*wanted, **changes))
        assert answer.status_code == 201, answer.text
        return answer.json()["order"]
