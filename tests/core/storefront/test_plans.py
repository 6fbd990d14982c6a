"""What lists and pages cost: one statement each, and no scan of what grows with the catalogue, at 200,000 rows."""

import itertools
import json
from collections.abc import Iterator
from typing import Any

import asyncpg
import msgspec
import pytest

from shopkit.core.kernel.decode import decode_pairs
from shopkit.core.storefront import queries, service
from shopkit.core.storefront.listing import Shape, list_statement
from shopkit.core.storefront.schemas import ProductQuery

PRODUCTS = 200_000
FEWER = 10_000
"""Rows of what is read for one page only."""
GROWING = {
    "products",
    "product_listings",
    "category_listings",
    "product_categories",
    "product_variants",
    "variant_prices",
    "inventory_stocks",
    "product_translations",
}

ID = "('00000000-0000-7000-8000-' || lpad(to_hex({number}), 12, '0'))::uuid"
OF_I, OF_KEY = ID.format(number="i"), ID.format(number="100 + i % 50")
FILL = f"""
INSERT INTO categories (id, store_id, slug, name, path)
    SELECT {ID.format(number="100 + i")}, s.id, 'c' || i, 'C' || i, jsonb_build_array({ID.format(number="100 + i")})
    FROM stores s, generate_series(0, 49) i;
INSERT INTO products (id, vendor_id, key, title)
    SELECT {OF_I}, v.id, i::text, 'Thing ' || i FROM vendors v, generate_series(1, {PRODUCTS}) i;
INSERT INTO product_listings (id, product_id, store_id, slug, status, published_at, sort_price)
    SELECT {OF_I}, {OF_I}, s.id, i::text, 'active', now() - i * interval '1 second', 100 + i % 5000
    FROM stores s, generate_series(1, {PRODUCTS}) i;
INSERT INTO category_listings (id, category_id, product_id, published_at, sort_price)
    SELECT {OF_I}, {OF_KEY}, {OF_I}, now() - i * interval '1 second', 100 + i % 5000
    FROM generate_series(1, {PRODUCTS}) i;
INSERT INTO product_categories (id, product_id, category_id, is_primary)
    SELECT {OF_I}, {OF_I}, {OF_KEY}, true FROM generate_series(1, {FEWER}) i;
INSERT INTO product_translations (id, product_id, locale, title)
    SELECT {OF_I}, {OF_I}, 'bn', 'Thing' FROM generate_series(1, {FEWER}) i;
INSERT INTO product_variants (id, product_id, vendor_id)
    SELECT {OF_I}, {OF_I}, v.id FROM vendors v, generate_series(1, {FEWER}) i;
INSERT INTO variant_prices (id, product_id, currency, amount)
    SELECT {OF_I}, {OF_I}, 'BDT', 100 + i % 5000 FROM generate_series(1, {FEWER}) i;
INSERT INTO inventory_stocks (id, variant_id, location_id, stock)
    SELECT {OF_I}, {OF_I}, l.id, 5 FROM store_locations l, generate_series(1, {FEWER}) i;
ANALYZE;
"""


@pytest.fixture(scope="module")
async def large(alone: Any, new_tenant: Any) -> Any:
    """A tenant with a large catalogue, in a database of its own."""
    tenant = await new_tenant(alone.shop, alone.owner)
    admin = await asyncpg.connect(alone.databases.admin)
    # A superuser may leave the foreign keys unchecked: a tenth of the time.
    await admin.execute("SET session_replication_role = replica")
    await admin.execute(f"SET app.tenant_id = '{tenant.made.tenant_id}'")
    await admin.execute(FILL)
    await admin.close()
    return tenant


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


async def plan_of(uow: Any, statement: str, *arguments: Any) -> list[dict[str, Any]]:
    """The nodes of the plan that a prepared statement keeps."""
    name = "explained"
    values = ", ".join("'" + str(each).replace("'", "''") + "'" for each in arguments)
    await uow.sql.execute(f"PREPARE {name} AS {statement}")
    (row,) = await uow.sql.fetch(f"EXPLAIN (FORMAT JSON) EXECUTE {name} ({values})")
    await uow.sql.execute(f"DEALLOCATE {name}")
    return list(nodes(as_plan(row)))


def as_plan(row: asyncpg.Record) -> dict[str, Any]:
    (explained,) = row[0] if isinstance(row[0], list) else json.loads(row[0])
    return explained["Plan"]


def assert_lean(plan: list[dict[str, Any]]) -> None:
    scanned = {node["Relation Name"] for node in plan if node["Node Type"] == "Seq Scan"}
    assert not scanned & GROWING, json.dumps(plan[0])[:3000]


CURSORS = {
    "newest": ("2026-01-01T00:00:00Z", "019a1fca-eea4-7759-8c98-999fc07068bd"),
    "price_asc": (1000, "019a1fca-eea4-7759-8c98-999fc07068bd"),
    "price_desc": (1000, "019a1fca-eea4-7759-8c98-999fc07068bd"),
}
CASES = [
    *itertools.product(("newest", "price_asc", "price_desc"), (True, False), (True, False), (None, True), (False,)),
    *itertools.product(("newest",), (True, False), (False,), (None,), (True,)),
]


@pytest.mark.slow
@pytest.mark.parametrize(("sort", "has_category", "is_next", "in_stock", "is_filtered"), CASES)
async def test_a_list_of_200_000_reads_one_page_in_index_order(
    alone: Any, large: Any, *, sort: str, has_category: bool, is_next: bool, in_stock: bool | None, is_filtered: bool
) -> None:
    shape = Shape(
        sort=sort,
        has_category=has_category,
        is_next=is_next,
        in_stock=in_stock,
        has_min=is_filtered,
        has_max=is_filtered,
        is_translated=is_filtered,
    )
    store = large.scope.store
    asked = [*(["c7"] if has_category else []), *([100, 3000] if is_filtered else [])]
    asked += CURSORS[sort] if is_next else []
    arguments = [store.id, store.currency, 25, *(["bn"] if is_filtered else []), *(f"{{{each}}}" for each in asked)]
    async with alone.shop.uow(large.scope) as uow:
        plan = await plan_of(uow, list_statement(shape), *arguments)
    assert_lean(plan)
    table = "category_listings" if has_category else "product_listings"
    index = f"ix_{table}_{'newest' if sort == 'newest' else 'price'}"
    assert index in {node.get("Index Name") for node in plan}
    # Only the page itself may be sorted, never what it is chosen from.
    assert all(node["Plan Rows"] <= 101 for node in plan if node["Node Type"] in ("Sort", "Incremental Sort"))


@pytest.mark.slow
@pytest.mark.parametrize("is_translated", [False, True])
async def test_a_page_of_200_000_is_found_by_its_address(alone: Any, large: Any, *, is_translated: bool) -> None:
    store = large.scope.store
    arguments = [store.id, "{777,12}", store.currency, *(["bn"] if is_translated else [])]
    async with alone.shop.uow(large.scope) as uow:
        assert_lean(await plan_of(uow, queries.product_statement(is_translated), *arguments))


@pytest.mark.slow
async def test_the_last_page_costs_no_more_than_the_first(alone: Any, large: Any) -> None:
    """Buffers touched, which are the same on every machine."""
    store, touched = large.scope.store, []
    async with alone.shop.uow(large.scope) as uow:
        await uow.sql.execute(f"PREPARE deep AS {list_statement(Shape(sort='newest', is_next=True))}")
        for row in (1, PRODUCTS - 100):
            at = await uow.sql.fetchval("SELECT published_at FROM product_listings WHERE slug = $1", str(row))
            (explained,) = await uow.sql.fetch(
                "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) "
                f"EXECUTE deep ('{store.id}', 'BDT', 25, '{{{at}}}', '{{{store.id}}}')"
            )
            plan = as_plan(explained)
            assert plan["Actual Rows"] == 25
            touched.append(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])
        await uow.sql.execute("DEALLOCATE deep")
    assert touched[1] < 2 * touched[0] < 4000


@pytest.mark.slow
async def test_counting_the_categories_of_200_000_scans_no_table(alone: Any, large: Any) -> None:
    async with alone.shop.uow(large.scope) as uow:
        plan = await plan_of(uow, queries.CATEGORIES, large.scope.store.id, "en")
    assert_lean(plan)


@pytest.mark.parametrize("locale", ["en", "bn"])
async def test_each_read_is_one_statement(catalogue: Any, shop: Any, locale: str) -> None:
    category = await catalogue.category("Sarees")
    for title in ("Jamdani", "Muslin"):
        await catalogue.product(title, category=category)
    scope = msgspec.structs.replace(catalogue.scope, locale=locale)
    wanted = decode_pairs(b"category=sarees&sort=price_asc&min_price=1&in_stock=true", ProductQuery)
    shape = Shape(sort="price_asc", has_category=True, has_min=True, in_stock=True, is_translated=locale == "bn")
    for read in (
        lambda uow: service.ListRead(shape, 24)(uow, [(wanted, None)] * 3),
        lambda uow: service.read_pages(uow, ["jamdani", "muslin"]),
        lambda uow: service.read_tree(uow, [None]),
    ):
        seen: list[str] = []
        async with shop.uow(scope) as uow:
            await read(uow)  # the driver asks for types that it sees for the first time on a connection
            with uow.sql.query_logger(lambda record, seen=seen: seen.append(record.query)):
                await read(uow)
        assert len(seen) == 1
