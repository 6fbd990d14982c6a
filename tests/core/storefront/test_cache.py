"""Kept answers: one process learns within a second of what another one changed; carts and orders never see them."""

import asyncio
import itertools
import json
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
import msgspec
import pytest

from shopkit import bootstrap
from shopkit.bootstrap import Shop
from shopkit.core.catalog import categories, service
from shopkit.core.catalog.schemas import Texts
from shopkit.core.inventory import service as inventory
from shopkit.core.kernel import epochs
from shopkit.core.kernel.crypto import KeyRing
from shopkit.core.kernel.epochs import Epochs
from shopkit.core.settings import service as settings
from shopkit.core.storefront import queries
from shopkit.core.storefront.answers import Answer, Encoded
from shopkit.core.storefront.cache import MOST_BYTES, PageCache
from shopkit.core.storefront.listing import ORDERS, Shape, list_statement
from shopkit.migrations.protect import CHANGES
from shopkit.migrations.tables import metadata
from shopkit.web.app import create_app

API = "/api/store/v1"
MIB = 1_048_576
LAG_SECONDS = 1.0


@asynccontextmanager
async def process(databases: Any, config: Any, *, size: int = 4, is_running: bool = True) -> AsyncIterator[Shop]:
    """Another process of the same shop, which keeps answers."""
    keeping = msgspec.structs.replace(config, page_cache_bytes=MIB)
    async with AsyncExitStack() as stack:
        shop = await stack.enter_async_context(bootstrap.build(keeping, databases.app, KeyRing.generate(), size=size))
        if is_running:
            await stack.enter_async_context(shop.running())
        yield shop


@pytest.fixture(scope="module")
async def reader(databases: Any, config: Any) -> AsyncIterator[Shop]:
    async with process(databases, config) as shop:
        yield shop


class Reader:
    """A visitor of one tenant's shop in one process."""

    def __init__(self, shop: Shop, host: str) -> None:
        transport = httpx.ASGITransport(app=create_app(shop), raise_app_exceptions=False)
        self.client = httpx.AsyncClient(transport=transport, base_url=f"http://{host}{API}")

    async def get(self, path: str, *, locale: str = "en", **headers: str) -> httpx.Response:
        return await self.client.get(path, headers={"Accept-Language": locale, **headers})

    async def mark(self, path: str, locale: str = "en") -> str | int:
        """What changes with the answer."""
        answer = await self.get(path, locale=locale)
        return answer.headers["etag"] if answer.status_code == 200 else answer.status_code


@pytest.fixture
async def visitor(reader: Shop, tenant: Any) -> Reader:
    return Reader(reader, tenant.host)


async def soon(ask: Callable[[], Awaitable[Any]], before: Any, *, since: float | None = None) -> Any:
    """The first answer that differs from `before`, at most a second after now or `since`."""
    since = since or time.monotonic()
    while (answer := await ask()) == before:
        assert time.monotonic() < since + LAG_SECONDS, "the change was not seen within a second"
        await asyncio.sleep(0.02)
    return answer


# Every kind of change


def sql(statement: str) -> Any:
    async def change(catalogue: Any, **_: Any) -> None:
        assert await catalogue.sql(f"{statement} RETURNING 1")

    return change


async def publish(catalogue: Any, draft: Any, **_: Any) -> None:
    async with catalogue.shop.uow(catalogue.scope) as uow:
        await service.publish(uow, draft)


async def receive(catalogue: Any, empty: Any, **_: Any) -> None:
    (variant,) = (await catalogue.variants(empty)).values()
    async with catalogue.shop.uow(catalogue.scope) as uow:
        await inventory.receive(uow, variant, 1)


async def rename(catalogue: Any, category: Any, **_: Any) -> None:
    async with catalogue.shop.uow(catalogue.scope) as uow:
        await categories.translate_category(uow, category, "bn", Texts(name="আলো"))


async def put(catalogue: Any, **_: Any) -> None:
    async with catalogue.shop.uow(catalogue.scope) as uow:
        await settings.put(uow, {"catalog.show_stock": True})


KINDS = {
    "a price": (sql("UPDATE variant_prices SET amount = amount + 1"), ["/products", "/products/lamp"], "en"),
    "a compare-at price": (sql("UPDATE variant_prices SET compare_at = 999900"), ["/products", "/products/lamp"], "en"),
    "the last unit": (sql("UPDATE inventory_stocks SET reserved = stock"), ["/products", "/products/lamp"], "en"),
    "new stock": (receive, ["/products/empty"], "en"),
    "publishing": (publish, ["/products", "/categories"], "en"),
    "unpublishing": (sql("UPDATE product_listings SET status = 'draft'"), ["/products", "/products/lamp"], "en"),
    "a title": (sql("UPDATE products SET title = 'Other'"), ["/products", "/products/lamp"], "en"),
    "a translation": (sql("UPDATE product_translations SET title = 'দীপ'"), ["/products", "/products/lamp"], "bn"),
    "a category's name": (sql("UPDATE categories SET name = 'Bulbs'"), ["/categories", "/products/lamp"], "en"),
    "a category's translation": (rename, ["/categories", "/products/lamp"], "bn"),
    "a vendor": (sql("UPDATE vendors SET status = 'suspended'"), ["/products", "/products/lamp"], "en"),
    "a location": (sql("UPDATE store_locations SET status = 'paused'"), ["/products", "/products/lamp"], "en"),
    "a setting": (put, ["/products/lamp"], "en"),
}


@pytest.mark.parametrize("kind", KINDS)
async def test_another_process_shows_a_change_within_a_second(
    catalogue: Any, visitor: Reader, reader: Shop, kind: str
) -> None:
    change, paths, locale = KINDS[kind]
    category = await catalogue.category("Lights")
    await catalogue.product("Lamp", category=category, bn={"title": "বাতি"})
    empty = await catalogue.product("Empty", stock=0)
    draft = await catalogue.product("Draft", category=category, is_published=False)
    before = {path: await settled(reader, visitor, path, locale) for path in paths}
    await change(catalogue, category=category, empty=empty, draft=draft)
    since = time.monotonic()
    for path in paths:
        await soon(lambda path=path: visitor.mark(path, locale), before[path], since=since)


async def settled(shop: Shop, visitor: Reader, path: str, locale: str = "en") -> Any:
    """The answer, kept from now on in that process: what the test wrote before has been heard of."""
    await shop.epochs.refresh(shop.db)
    kept = shop.pages.size_bytes
    mark = await visitor.mark(path, locale)
    assert shop.pages.size_bytes > kept or await visitor.mark(path, locale) == mark
    return mark


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE stores SET status = 'maintenance' WHERE tenant_id = $1",
        "UPDATE tenants SET status = 'suspended' WHERE id = $1",
    ],
)
async def test_a_closed_store_shows_no_kept_page(
    catalogue: Any, visitor: Reader, reader: Shop, owner: Any, tenant: Any, statement: str
) -> None:
    await catalogue.product("Lamp")
    before = await settled(reader, visitor, "/products/lamp")
    await owner.execute(statement, tenant.made.tenant_id)
    await owner.execute("UPDATE cache_epochs SET version = version + 1 WHERE name = 'hosts'")
    assert await soon(lambda: visitor.mark("/products/lamp"), before) == 503


async def test_a_change_by_the_owner_without_a_tenant_reaches_everybody(
    catalogue: Any, visitor: Reader, reader: Shop, owner: Any, tenant: Any
) -> None:
    await catalogue.product("Lamp")
    before = await settled(reader, visitor, "/products")
    await owner.execute("UPDATE products SET title = 'Other' WHERE tenant_id = $1", tenant.made.tenant_id)
    await soon(lambda: visitor.mark("/products"), before)


# What changes by the clock alone

EDGE = 0.7
NEW_PRICE = "INSERT INTO variant_prices (product_id, currency, amount, starts_at) SELECT id, 'BDT', 7, {} FROM products"


@pytest.mark.parametrize(
    ("statement", "path"),
    [
        (NEW_PRICE, "/products"),
        ("UPDATE variant_prices SET ends_at = {}", "/products/lamp"),
        ("UPDATE product_listings SET published_at = {}", "/products/lamp"),
        ("UPDATE product_listings SET unpublish_at = {}", "/products/lamp"),
    ],
    ids=["a price begins", "a price ends", "a listing begins", "a listing ends"],
)  # fmt: skip
async def test_a_window_begins_and_ends_within_a_second_without_a_write(
    catalogue: Any, visitor: Reader, reader: Shop, statement: str, path: str
) -> None:
    await catalogue.product("Lamp")
    await catalogue.sql(statement.format(f"now() + interval '{EDGE} seconds'"))
    edge = time.monotonic() + EDGE
    before = await settled(reader, visitor, path)
    while time.monotonic() < edge - 0.3:
        assert await visitor.mark(path) == before
        await asyncio.sleep(0.05)
    await soon(lambda: visitor.mark(path), before, since=edge)


async def test_looking_for_the_next_edge_scans_nothing_that_grows(alone: Any, new_tenant: Any) -> None:
    tenant = await new_tenant(alone.shop, alone.owner)
    async with alone.shop.uow(tenant.scope) as uow:
        await uow.sql.execute(
            """
            INSERT INTO products (vendor_id, key, title)
            SELECT v.id, i::text, i::text FROM vendors v, generate_series(1, 5000) i
            """
        )
        await uow.sql.execute(
            "INSERT INTO variant_prices (product_id, currency, amount) SELECT id, 'BDT', 1 FROM products"
        )
        await uow.sql.execute(
            """
            INSERT INTO product_listings (product_id, store_id, slug, status, published_at)
            SELECT p.id, s.id, p.key, 'active', now() - interval '1 day' FROM products p, stores s
            """
        )
    await alone.owner.execute("ANALYZE variant_prices, product_listings")
    async with alone.shop.uow(tenant.scope) as uow:
        assert await queries.next_edge(uow) is None
        (row,) = await uow.sql.fetch(f"EXPLAIN (FORMAT JSON) {queries.EDGE}")
        text = row[0] if isinstance(row[0], str) else json.dumps(row[0])
        assert not re.search(r'"Seq Scan"[^{}]*"(variant_prices|product_listings)"', text), text
        await uow.sql.execute("UPDATE variant_prices SET ends_at = now() + interval '1 hour'")
        assert await queries.next_edge(uow) == pytest.approx(3600)


# Never in carts and orders


async def test_a_cart_has_the_new_price_at_once(make: Any, making: Any, visitor: Reader, reader: Shop) -> None:
    product = await make.product(price=100_00)
    await settled(reader, visitor, f"/products/{product.slug}")
    await make.price(product, 90_00)
    cart = await visitor.client.post("/carts", json={"items": making.items(product)})
    assert cart.json()["totals"]["subtotal"]["amount"] == 90_00


async def test_a_long_change_of_the_catalogue_holds_up_no_order_that_sells_a_variant_out(
    make: Any, buyer: Any, shop: Shop, visitor: Reader, reader: Shop
) -> None:
    product = await make.product(stock=1)
    await make.shipping()
    path = f"/products/{product.slug}"
    before = await settled(reader, visitor, path)
    async with shop.uow(make.scope) as uow:
        await uow.sql.execute("UPDATE products SET title = 'Other'")
        await uow.sql.execute("UPDATE inventory_stocks SET stock = 9 WHERE variant_id <> $1", product.variant)
        await asyncio.wait_for(buyer.order(product), timeout=2)
        sold_out = await soon(lambda: visitor.mark(path), before)
    await soon(lambda: visitor.mark(path), sold_out)
    assert (await visitor.get(path)).json()["title"] == "Other"


async def test_an_order_tells_the_caches_only_when_it_takes_the_last_unit(
    make: Any, buyer: Any, owner: Any, tenant: Any
) -> None:
    product = await make.product(stock=2)
    await make.shipping()
    told = [await changes_of(owner, tenant)]
    for _ in range(2):
        await buyer.order(product)
        told.append(await changes_of(owner, tenant))
    assert (told[1] - told[0], told[2] - told[1]) == (0, 1)


async def changes_of(owner: Any, tenant: Any) -> int:
    return await owner.fetchval("SELECT count(*) FROM cache_changes WHERE scope = $1", tenant.made.tenant_id)


# Nothing crosses


async def test_each_tenant_language_and_store_has_its_own_pages(
    make: Any, making: Any, reader: Shop, shop: Shop, tenant: Any, other_tenant: Any, visitor: Reader
) -> None:
    await make.product(title="Panjabi", title_bn="পাঞ্জাবি")
    await (await make.store("second")).product(title="Saree")
    await making.Make(shop, other_tenant.made, other_tenant.scope).product(title="Lungi")
    others = Reader(reader, other_tenant.host)
    await reader.epochs.refresh(reader.db)

    async def titles() -> list[str]:
        answers = [
            await visitor.get("/products"),
            await visitor.get("/products", locale="bn"),
            await visitor.get("/products", **{"X-ShopKit-Store": "second"}),
            await others.get("/products"),
        ]
        return [answer.json()["items"][0]["title"] for answer in answers]

    assert await titles() == await titles() == ["Panjabi", "পাঞ্জাবি", "Saree", "Lungi"]


async def test_a_change_of_one_tenant_leaves_the_pages_of_another(
    catalogue: Any, reader: Shop, other_tenant: Any
) -> None:
    await reader.epochs.refresh(reader.db)
    before = reader.epochs.generation(other_tenant.made.tenant_id)
    await catalogue.product("Lamp")
    await reader.epochs.refresh(reader.db)
    assert reader.epochs.generation(other_tenant.made.tenant_id) == before


# When nothing may be believed


async def test_a_process_that_cannot_ask_believes_nothing(
    databases: Any, config: Any, catalogue: Any, tenant: Any
) -> None:
    await catalogue.product("Lamp")
    async with process(databases, config, is_running=False) as deaf:
        visitor = Reader(deaf, tenant.host)
        before = await settled(deaf, visitor, "/products/lamp")
        await catalogue.sql("UPDATE variant_prices SET amount = amount + 1")
        assert await visitor.mark("/products/lamp") == before
        await asyncio.sleep(epochs.FRESH_SECONDS)
        assert await visitor.mark("/products/lamp") != before


async def test_a_hit_opens_no_transaction(databases: Any, config: Any, catalogue: Any, tenant: Any) -> None:
    await catalogue.product("Lamp", category=await catalogue.category("Lights"))
    paths = ("/products?category=lights", "/products/lamp", "/categories")
    async with process(databases, config, size=1, is_running=False) as alone:
        visitor = Reader(alone, tenant.host)
        await alone.epochs.refresh(alone.db)
        tags = [await visitor.mark(path) for path in paths]
        await alone.epochs.refresh(alone.db)
        async with alone.db.pool.acquire():  # the only connection
            assert [await asyncio.wait_for(visitor.mark(path), timeout=0.5) for path in paths] == tags
            known = await visitor.get(paths[0], **{"If-None-Match": str(tags[0])})
            assert (known.status_code, known.content) == (304, b"")
        kept = alone.pages.size_bytes
        for path in ("/products/nothing", "/products?limit=0", "/products?category=lights&cursor=x"):
            assert (await visitor.get(path)).status_code >= 400
        assert alone.pages.size_bytes == kept, "errors are not kept"


async def test_pages_that_tell_how_much_there_is_are_not_kept(
    databases: Any, config: Any, catalogue: Any, tenant: Any
) -> None:
    await catalogue.product("Lamp", stock=5)
    await put(catalogue)
    async with process(databases, config, is_running=False) as other:
        visitor = Reader(other, tenant.host)
        await other.epochs.refresh(other.db)
        for units in (5, 4):
            await catalogue.sql("UPDATE inventory_stocks SET reserved = stock - $1", units)
            assert (await visitor.get("/products/lamp")).json()["variants"][0]["available"] == units


# Memory


async def test_memory_is_bounded_and_what_is_used_stays(shop: Shop, tenant: Any, other_tenant: Any) -> None:
    known = Epochs()
    await known.refresh(shop.db)
    cache = PageCache(known, 200_000)
    tenants = itertools.cycle((tenant.scope, other_tenant.scope))
    keys = [(s.tenant_id, s.store, "en", f"/{n}", b"") for n, s in zip(range(500), tenants, strict=False)]
    for key in keys:
        scope = tenant.scope if key[0] == tenant.scope.tenant_id else other_tenant.scope
        shelf = await cache.shelf(shop, scope)
        assert shelf is not None
        cache.keep(shelf, key, answer_of(2_000))
        assert cache.size_bytes <= 200_000
        assert cache.find(keys[0]) is not None
        await known.refresh(shop.db)
    assert cache.find(keys[1]) is None
    shelf = await cache.shelf(shop, tenant.scope)
    assert shelf is not None
    before = cache.size_bytes
    cache.keep(shelf, (*keys[0][:3], "/large", b""), answer_of(MOST_BYTES + 1))
    assert cache.size_bytes == before, "one answer must not push all others out"


def answer_of(size: int) -> Answer:
    return Answer(Encoded(b"x" * size, '"tag"'), "en")


async def test_what_has_changed_gives_its_memory_back(catalogue: Any, visitor: Reader, reader: Shop) -> None:
    await catalogue.product("Lamp")
    for number in range(1, 11):
        await settled(reader, visitor, f"/products?limit={number}")
    kept = reader.pages.size_bytes
    await catalogue.sql("UPDATE products SET title = 'Other'")
    await reader.epochs.refresh(reader.db)
    await visitor.mark("/products/lamp")
    assert reader.pages.size_bytes < kept - 5 * 1_000


# How processes hear of it


async def test_a_transaction_that_began_first_and_ends_last_is_heard_of(
    catalogue: Any, shop: Shop, tenant: Any
) -> None:
    await catalogue.product("Lamp")
    known, mine = Epochs(), tenant.made.tenant_id
    await known.refresh(shop.db)
    seen = [known.generation(mine)]
    async with shop.uow(tenant.scope) as uow:
        await uow.sql.execute("UPDATE products SET title = 'First'")
        await catalogue.sql("UPDATE categories SET name = 'Later'")
        await known.refresh(shop.db)
        seen.append(known.generation(mine))
        await known.refresh(shop.db)
        assert known.generation(mine) == seen[-1], "what is known already is no news"
    await known.refresh(shop.db)
    seen.append(known.generation(mine))
    assert len(set(seen)) == 3


async def test_old_changes_are_forgotten_and_new_ones_stay(catalogue: Any, shop: Shop, owner: Any, tenant: Any) -> None:
    await catalogue.product("Lamp")
    await catalogue.product("Chair")
    mine = tenant.made.tenant_id
    await owner.execute(
        "UPDATE cache_changes SET created_at = now() - interval '25 hours' "
        "WHERE scope = $1 AND transaction = (SELECT min(transaction) FROM cache_changes WHERE scope = $1)",
        mine,
    )
    before = await changes_of(owner, tenant)
    await owner.execute("DELETE FROM cache_changes WHERE scope <> $1", mine)
    async with shop.uow(tenant.scope) as uow:
        assert await epochs.purge(uow) == 1
    assert await changes_of(owner, tenant) == before - 1


def test_the_caches_are_told_of_every_table_that_the_pages_read() -> None:
    shapes = [
        Shape(sort=sort, has_category=has_category, in_stock=True, is_translated=True)
        for sort in ORDERS
        for has_category in (True, False)
    ]
    statements = [*map(list_statement, shapes), queries.product_statement(is_translated=True), queries.CATEGORIES]
    named = {word for each in statements for word in re.findall(r"(?:FROM|JOIN)\s+\(*(\w+)", each)}
    tables = named & set(metadata.tables)
    assert {"products", "inventory_stocks", "categories", "media_assets", "vendors"} <= tables
    assert tables <= set(CHANGES)
    assert set(CHANGES) <= set(metadata.tables)
