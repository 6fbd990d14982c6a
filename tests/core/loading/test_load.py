"""`load`: everything or nothing, the same file twice changes nothing, what a file does not mention stays."""

import asyncio
import copy
from collections.abc import Awaitable, Callable
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest
from PIL import Image

from shopkit.bootstrap import Shop
from shopkit.core.kernel.scope import Scope
from shopkit.core.loading.errors import LoadRefused
from shopkit.core.loading.run import LoadReport
from shopkit.core.loading.service import load

SHIRT: dict[str, Any] = {
    "key": "shirt",
    "title": "Linen Shirt",
    "status": "active",
    "description": "Cool in May.",
    "translations": {"bn": {"title": "লিনেন শার্ট"}},
    "brand": "mati",
    "categories": ["shirts"],
    "tags": ["eid"],
    "price": 145_000,
    "compare_at": 160_000,
    "options": [
        {
            "name": "Size",
            "values": ["M", "L"],
            "translations": {"bn": {"name": "মাপ", "values": {"M": "মাঝারি"}}},
        }
    ],
    "variants": [
        {"sku": "SH-M", "options": {"Size": "M"}, "stock": 12},
        {"sku": "SH-L", "options": {"Size": "L"}, "stock_at": {"main": 7, "banani": 2}, "price": 150_000},
    ],
}
SHOP: dict[str, Any] = {
    "version": 1,
    "currency": "BDT",
    "locations": [{"code": "banani", "name": "Banani"}],
    "tax_rates": [{"country_code": "BD", "name": "VAT", "rate": "0.075"}],
    "shipping": {
        "zones": [
            {"code": "dhaka", "name": "Dhaka", "regions": [{"country_code": "BD", "admin1": "ঢাকা", "admin2": "Dacca"}]},
            {"code": "rest", "name": "Elsewhere"},
        ],
        "methods": [
            {
                "code": "home",
                "name": "Home delivery",
                "rates": [{"zone": "dhaka", "amount": 6000}, {"zone": "rest", "amount": 12_000}],
            }
        ],
    },
    "brands": [{"slug": "mati", "name": "Mati"}],
    "tags": [{"slug": "eid", "name": "Eid"}],
    "categories": [
        {"slug": "shirts", "name": "Shirts", "parent": "clothing"},
        {"slug": "clothing", "name": "Clothing", "translations": {"bn": {"name": "পোশাক"}}},
    ],
    "products": [SHIRT],
}

Loader = Callable[..., Awaitable[LoadReport]]
Asker = Callable[..., Awaitable[list[asyncpg.Record]]]


@pytest.fixture
def loaded(shop: Shop, scope: Scope) -> Loader:
    async def run(document: Any, **options: Any) -> LoadReport:
        return await load(shop, scope, msgspec.json.encode(document), **options)

    return run


@pytest.fixture
def ask(shop: Shop, scope: Scope) -> Asker:
    async def run(query: str, *arguments: Any) -> list[asyncpg.Record]:
        async with shop.uow(scope) as uow:
            rows: list[asyncpg.Record] = await uow.sql.fetch(query, *arguments)
            return rows

    return run


def shirt(**fields: Any) -> dict[str, Any]:
    """A file with nothing but these fields of the shirt."""
    return {"version": 1, "products": [{"key": "shirt", **fields}]}


def changed(**fields: Any) -> dict[str, Any]:
    """The whole shop, with other fields of the shirt."""
    document = copy.deepcopy(SHOP)
    document["products"][0].update(fields)
    return document


async def test_a_file_fills_an_empty_store(loaded: Loader, ask: Asker) -> None:
    report = await loaded(SHOP)
    assert report.created["products"] == 1
    assert report.created["variants"] == 2
    (listing,) = await ask("SELECT slug, status, published_at IS NOT NULL AS shown, sort_price FROM product_listings")
    assert tuple(listing) == ("linen-shirt", "active", True, 145_000)
    variants = await ask("SELECT sku, title, options FROM product_variants ORDER BY position")
    assert [tuple(row) for row in variants] == [("SH-M", "M", {"Size": "M"}), ("SH-L", "L", {"Size": "L"})]
    stock = await ask(
        """
        SELECT v.sku, l.code, s.stock FROM inventory_stocks s JOIN product_variants v ON v.id = s.variant_id
        JOIN store_locations l ON l.id = s.location_id ORDER BY 1 DESC, 2
        """
    )
    assert [tuple(row) for row in stock] == [("SH-M", "main", 12), ("SH-L", "banani", 2), ("SH-L", "main", 7)]


async def test_a_listing_stands_in_its_category_and_all_above(loaded: Loader, ask: Asker) -> None:
    await loaded(SHOP)
    rows = await ask("SELECT c.slug FROM category_listings l JOIN categories c ON c.id = l.category_id ORDER BY 1")
    assert [row["slug"] for row in rows] == ["clothing", "shirts"]


async def test_regions_are_stored_as_addresses_store_them(loaded: Loader, ask: Asker) -> None:
    await loaded(SHOP)
    (region,) = await ask("SELECT country_code, admin1, admin2 FROM shipping_zone_regions")
    assert tuple(region) == ("BD", "Dhaka", "Dhaka")


async def test_the_same_file_twice_changes_nothing(loaded: Loader) -> None:
    await loaded(SHOP)
    again = await loaded(SHOP)
    assert not again.created
    assert not again.changed
    assert not again.removed


async def test_the_demo_shop_loads_and_repeats(loaded: Loader, ask: Asker) -> None:
    body = msgspec.json.decode((files("shopkit") / "demo" / "shop.json").read_bytes())
    report = await loaded(body)
    assert report.created["products"] == 24
    assert not (await loaded(body)).changed
    (row,) = await ask("SELECT count(*) AS listed FROM product_listings WHERE sort_price IS NOT NULL")
    assert row["listed"] == 24


async def test_the_ledger_adds_up_to_the_stock_after_every_load(loaded: Loader, ask: Asker) -> None:
    await loaded(SHOP)
    await loaded(shirt(variants=[{"sku": "SH-M", "stock": 5}, {"sku": "SH-L", "stock": 30}]))
    rows = await ask(
        """
        SELECT s.stock, (SELECT sum(stock_delta) FROM inventory_transactions t WHERE t.stock_id = s.id)::int AS posted
        FROM inventory_stocks s ORDER BY s.stock
        """
    )
    assert [(row["stock"], row["posted"]) for row in rows] == [(2, 2), (5, 5), (30, 30)]


async def test_fewer_units_than_are_promised_are_refused(loaded: Loader, ask: Asker, shop: Shop, scope: Scope) -> None:
    await loaded(SHOP)
    async with shop.uow(scope) as uow:
        await uow.sql.execute("UPDATE inventory_stocks SET reserved = 6 WHERE stock = 12")
    with pytest.raises(LoadRefused) as refused:
        await loaded(shirt(title="Other", variants=[{"sku": "SH-M", "stock": 5}]))
    assert [(error.field, error.code) for error in refused.value.errors] == [
        ("/products/0/variants/0/stock", "below_reserved")
    ]
    (product,) = await ask("SELECT title FROM products")
    assert product["title"] == "Linen Shirt"


async def test_what_a_file_does_not_mention_is_left_alone(loaded: Loader, ask: Asker) -> None:
    await loaded(SHOP)
    await loaded(shirt(description="Warm in January."))
    (row,) = await ask(
        """
        SELECT p.title, p.description, l.slug, l.sort_price, (SELECT count(*) FROM product_variants) AS variants,
               (SELECT count(*) FROM product_categories) AS categories, (SELECT count(*) FROM product_tags) AS tags
        FROM products p JOIN product_listings l ON l.product_id = p.id
        """
    )
    assert tuple(row) == ("Linen Shirt", "Warm in January.", "linen-shirt", 145_000, 2, 1, 1)


async def test_a_null_clears_what_may_be_empty(loaded: Loader, ask: Asker) -> None:
    await loaded(SHOP)
    await loaded(shirt(brand=None, compare_at=None, tags=[], variants=[{"sku": "SH-L", "price": None}]))
    (row,) = await ask("SELECT (SELECT brand_id FROM products), (SELECT count(*) FROM product_tags)")
    assert tuple(row) == (None, 0)
    prices = await ask("SELECT variant_id, amount, compare_at FROM variant_prices")
    assert [tuple(price) for price in prices] == [(None, 145_000, None)]


async def test_a_new_address_leaves_a_redirect(loaded: Loader, ask: Asker) -> None:
    await loaded(SHOP)
    await loaded(shirt(slug="লিনেন-শার্ট"))
    redirects = await ask("SELECT r.slug, p.key FROM slug_redirects r JOIN products p ON p.id = r.target_id")
    assert [tuple(row) for row in redirects] == [("linen-shirt", "shirt")]
    await loaded(shirt(slug="linen-shirt"))
    assert [row["slug"] for row in await ask("SELECT slug FROM slug_redirects")] == ["লিনেন-শার্ট"]


async def test_equal_titles_get_different_addresses(loaded: Loader, ask: Asker) -> None:
    plain = {"title": "Linen Shirt", "price": 100}
    await loaded({"version": 1, "products": [{"key": key, **plain} for key in ("a", "b", "c")]})
    rows = await ask("SELECT slug FROM product_listings ORDER BY slug")
    assert [row["slug"] for row in rows] == ["linen-shirt", "linen-shirt-2", "linen-shirt-3"]


async def test_a_moved_category_takes_its_listings_along(loaded: Loader, ask: Asker) -> None:
    await loaded(SHOP)
    move = {"slug": "shirts", "parent": "men"}
    await loaded({"version": 1, "categories": [move, {"slug": "men", "name": "Men"}]})
    rows = await ask("SELECT c.slug FROM category_listings l JOIN categories c ON c.id = l.category_id ORDER BY 1")
    assert [row["slug"] for row in rows] == ["men", "shirts"]


async def test_a_window_that_runs_is_the_price_that_lists_sort_by(loaded: Loader, ask: Asker) -> None:
    window = {"amount": 99_000, "compare_at": 145_000, "starts_at": "2020-01-01T00:00:00+06:00"}
    await loaded(changed(prices=[{**window, "ends_at": "2999-01-01T00:00:00Z"}]))
    (row,) = await ask("SELECT sort_price FROM product_listings")
    assert row["sort_price"] == 99_000


async def test_a_product_without_variants_gets_one_and_options_make_the_matrix(loaded: Loader, ask: Asker) -> None:
    options = [{"name": "Size", "values": ["M", "L"]}, {"name": "Colour", "values": ["Red", "Blue"]}]
    products = [{"key": "a", "title": "A", "price": 1}, {"key": "b", "title": "B", "price": 1, "options": options}]
    await loaded({"version": 1, "products": products})
    rows = await ask(
        "SELECT p.key, p.type, v.title FROM product_variants v JOIN products p ON p.id = v.product_id "
        "ORDER BY p.key, v.position"
    )
    assert [tuple(row) for row in rows] == [
        ("a", "simple", ""),
        ("b", "variable", "M / Red"),
        ("b", "variable", "M / Blue"),
        ("b", "variable", "L / Red"),
        ("b", "variable", "L / Blue"),
    ]


async def test_a_variant_that_lacks_a_new_option_is_retired(loaded: Loader, ask: Asker) -> None:
    await loaded({"version": 1, "products": [{"key": "a", "title": "A", "price": 1}]})
    option = {"name": "Size", "values": ["M"]}
    product = {"key": "a", "options": [option], "variants": [{"sku": "A-M", "options": {"Size": "M"}}]}
    await loaded({"version": 1, "products": [product]})
    rows = await ask("SELECT title, is_active FROM product_variants ORDER BY title")
    assert [tuple(row) for row in rows] == [("", False), ("M", True)]


async def test_images_are_kept_by_content_and_files_outside_the_folder_are_not_read(
    loaded: Loader, ask: Asker, shop: Shop, tmp_path: Path
) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    content = BytesIO()
    Image.new("RGB", (4, 3), "red").save(content, "PNG")
    (folder / "front.txt").write_bytes(content.getvalue())
    (tmp_path / "secret.png").write_bytes(content.getvalue())
    await loaded(changed(images=[{"file": "front.txt", "alt": "Front"}]), folder=folder)
    (row,) = await ask("SELECT path, content_type, width, height, alt FROM media_assets")
    assert tuple(row)[1:] == ("image/png", 4, 3, "Front")
    assert (shop.config.media_path / row["path"]).read_bytes() == content.getvalue()
    with pytest.raises(LoadRefused) as refused:
        await loaded(changed(images=[{"file": "../secret.png"}]), folder=folder)
    assert [error.field for error in refused.value.errors] == ["/products/0/images/0/file"]


WRONG: list[tuple[str, dict[str, Any], str, str]] = [
    ("another currency", {**SHOP, "currency": "USD"}, "/currency", "wrong_currency"),
    ("an unknown field", {**SHOP, "colour": 1}, "/colour", "unknown_field"),
    ("a price that is text", changed(price="12"), "/products/0/price", "not_a_number"),
    ("a negative stock", changed(variants=[{"stock": -1}]), "/products/0/variants/0/stock", "too_small"),
    ("a rate above one", {**SHOP, "tax_rates": [{"name": "x", "rate": "7.5"}]}, "/tax_rates/0/rate", "invalid_value"),
    ("an unknown brand", changed(brand="nobody"), "/products/0/brand", "unknown"),
    ("an unknown category", changed(categories=["shirts", "x"]), "/products/0/categories/1", "unknown"),
    ("an unknown location", changed(variants=[{"options": {"Size": "M"}, "stock_at": {"moon": 1}}]),
     "/products/0/variants/0/stock_at/moon", "unknown"),
    ("an unknown option value", changed(variants=[{"options": {"Size": "XS"}}]),
     "/products/0/variants/0/options", "option_mismatch"),
    ("the same options twice", changed(variants=[{"options": {"Size": "M"}}] * 2),
     "/products/0/variants/1", "duplicate"),
    ("the same product twice", {**SHOP, "products": [SHIRT, {**SHIRT, "variants": []}]},
     "/products/1/key", "duplicate"),
    ("an SKU on two products", {**SHOP, "products": [SHIRT, {**SHIRT, "key": "other"}]},
     "/products/1/variants/0/sku", "duplicate"),
    ("a compare-at below the price", changed(compare_at=100), "/products/0/compare_at", "compare_at_not_above"),
    ("a slug with a slash", changed(slug="a/b"), "/products/0/slug", "invalid_slug"),
    ("two products at one address", {**SHOP, "products": [
        {"key": "a", "title": "A", "slug": "x"}, {"key": "b", "title": "B", "slug": "x"}]},
     "/products/1/slug", "duplicate"),
    ("a language that the store does not speak", changed(translations={"fr": {"title": "Chemise"}}),
     "/products/0/translations/fr", "unknown_locale"),
    ("a new product without a title", {**SHOP, "products": [{"key": "new"}]}, "/products/0/title", "required"),
    ("a circle of categories", {**SHOP, "categories": [
        {"slug": "shirts", "name": "S", "parent": "clothing"}, {"slug": "clothing", "name": "C", "parent": "shirts"}]},
     "/categories/0/parent", "category_cycle"),
    ("an unknown district", {**SHOP, "shipping": {"zones": [
        {"code": "z", "name": "Z", "regions": [{"country_code": "BD", "admin2": "Gotham"}]}]}},
     "/shipping/zones/0/regions/0/admin2", "unknown"),
    ("a rate for an unknown zone", {**SHOP, "shipping": {"methods": [
        {"code": "m", "name": "M", "rates": [{"zone": "z", "amount": 1}]}]}},
     "/shipping/methods/0/rates/0/zone", "unknown"),
]  # fmt: skip


@pytest.mark.parametrize(("document", "pointer", "code"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
async def test_wrong_files_are_refused_with_a_pointer_and_change_nothing(
    loaded: Loader, ask: Asker, document: dict[str, Any], pointer: str, code: str
) -> None:
    with pytest.raises(LoadRefused) as refused:
        await loaded(document)
    assert (pointer, code) in [(error.field, error.code) for error in refused.value.errors]
    (row,) = await ask("SELECT (SELECT count(*) FROM products) + (SELECT count(*) FROM brands) AS things")
    assert row["things"] == 0


async def test_every_mistake_of_a_file_is_told_at_once(loaded: Loader) -> None:
    with pytest.raises(LoadRefused) as refused:
        await loaded(changed(brand="nobody", categories=["x"], compare_at=1))
    assert {error.field for error in refused.value.errors} == {
        "/products/0/brand",
        "/products/0/categories/0",
        "/products/0/compare_at",
    }


async def test_an_sku_of_another_product_is_refused(loaded: Loader) -> None:
    await loaded(SHOP)
    other = {"key": "other", "title": "Other", "price": 1, "variants": [{"sku": "SH-M"}]}
    with pytest.raises(LoadRefused) as refused:
        await loaded({"version": 1, "products": [other]})
    assert [(error.field, error.code) for error in refused.value.errors] == [
        ("/products/0/variants/0/sku", "sku_taken")
    ]


async def test_another_location_can_become_the_default(loaded: Loader, ask: Asker) -> None:
    await loaded({"version": 1, "locations": [{"code": "new", "name": "New", "is_default": True}]})
    await loaded({"version": 1, "locations": [{"code": "main", "is_default": True}]})
    rows = await ask("SELECT code, is_default FROM store_locations ORDER BY code")
    assert [tuple(row) for row in rows] == [("main", True), ("new", False)]


async def test_progress_ends_at_the_number_of_products(loaded: Loader) -> None:
    said: list[tuple[str, int, int]] = []
    await loaded(SHOP, progress=lambda *step: said.append(step))
    assert ("products", 1, 1) in said


async def test_two_loads_at_once_make_everything_once(loaded: Loader, ask: Asker) -> None:
    reports = await asyncio.gather(loaded(SHOP), loaded(SHOP))
    assert sorted(report.created["products"] for report in reports) == [0, 1]
    (row,) = await ask("SELECT count(*) AS variants, sum(stock)::int AS stock FROM inventory_stocks")
    assert tuple(row) == (3, 21)


async def test_the_example_of_the_reference_page_loads(loaded: Loader) -> None:
    page = Path(__file__).parents[3] / "docs" / "reference" / "load-format.md"
    example = page.read_text().partition("```json\n")[2].partition("```")[0]
    report = await loaded(msgspec.json.decode(example))
    assert report.created["variants"] == 2


async def test_the_address_of_another_product_is_refused(loaded: Loader) -> None:
    plain = {"price": 1}
    await loaded({"version": 1, "products": [{"key": key, "title": key, "slug": key, **plain} for key in ("a", "b")]})
    with pytest.raises(LoadRefused) as refused:
        await loaded({"version": 1, "products": [{"key": "a", "slug": "b"}]})
    assert [(error.field, error.code) for error in refused.value.errors] == [("/products/0/slug", "slug_taken")]


async def test_a_variant_keeps_its_sku_when_it_takes_other_options(loaded: Loader, ask: Asker) -> None:
    await loaded(SHOP)
    option = {"name": "Size", "values": ["M", "L", "XL"]}
    moved = [{"sku": "SH-L", "options": {"Size": "XL"}}, {"sku": "SH-NEW", "options": {"Size": "L"}}]
    await loaded(shirt(options=[option], variants=moved))
    rows = await ask("SELECT sku, title FROM product_variants ORDER BY sku")
    assert [tuple(row) for row in rows] == [("SH-L", "XL"), ("SH-M", "M"), ("SH-NEW", "L")]
    values = await ask("SELECT count(*) AS number FROM variant_option_values")
    assert values[0]["number"] == 3
