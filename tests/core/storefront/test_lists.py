"""Lists of products: what is shown, in which order, page by page, and what a query may not ask."""

import itertools
from typing import Any

import pytest


async def test_a_shop_without_products_shows_an_empty_list(visitor: Any) -> None:
    assert await visitor.read("/products") == {"items": [], "next_cursor": None, "total": None}


async def test_a_card_shows_price_before_picture_stock_and_rating(catalogue: Any, visitor: Any) -> None:
    product = await catalogue.product("Red Saree", price=1299_00, compare_at=1599_00)
    await catalogue.picture(product, "ab/second.jpg", position=2)
    await catalogue.picture(product, "ab/first.jpg", alt="A red saree", position=1)
    (card,) = (await visitor.read("/products"))["items"]
    assert card == {
        "id": str(product),
        "slug": "red-saree",
        "title": "Red Saree",
        "price": {"amount": 1299_00, "currency": "BDT", "formatted": "৳1,299.00"},
        "compare_at": {"amount": 1599_00, "currency": "BDT", "formatted": "৳1,599.00"},
        "image": {"url": "/media/ab/first.jpg", "alt": "A red saree"},
        "in_stock": True,
        "rating": {"average": None, "count": 0},
    }


async def test_texts_amounts_and_alts_come_in_the_language_asked_for_and_fall_back(
    catalogue: Any, visitor: Any
) -> None:
    product = await catalogue.product("Saree", bn={"title": "শাড়ি"}, price=1299_00)
    await catalogue.picture(product, "a.jpg", alt="Red", alt_bn="লাল")
    await catalogue.product("Lungi")
    lungi, saree = (await visitor.read("/products", locale="bn"))["items"]
    assert (saree["title"], saree["price"]["formatted"], saree["image"]["alt"]) == ("শাড়ি", "১,২৯৯.০০৳", "লাল")
    assert lungi["title"] == "Lungi"


async def test_without_picture_and_compare_at_both_are_null(catalogue: Any, visitor: Any) -> None:
    await catalogue.product()
    (card,) = (await visitor.read("/products"))["items"]
    assert card["image"] is None
    assert card["compare_at"] is None


HIDING = {
    "a draft": "UPDATE product_listings SET status = 'draft'",
    "an archived one": "UPDATE product_listings SET status = 'archived'",
    "a private one": "UPDATE product_listings SET visibility = 'private'",
    "one behind a password": "UPDATE product_listings SET visibility = 'password'",
    "one published tomorrow": "UPDATE product_listings SET published_at = now() + interval '1 day'",
    "one never published": "UPDATE product_listings SET published_at = NULL",
    "one withdrawn a minute ago": "UPDATE product_listings SET unpublish_at = now() - interval '1 minute'",
    "a deleted listing": "UPDATE product_listings SET deleted_at = now()",
    "a deleted product": "UPDATE products SET deleted_at = now()",
    "a suspended vendor's": "UPDATE vendors SET status = 'suspended'",
    "a rejected vendor's": "UPDATE vendors SET status = 'rejected'",
}


@pytest.mark.parametrize("statement", HIDING.values(), ids=HIDING)
async def test_what_is_hidden_is_neither_listed_nor_found(catalogue: Any, visitor: Any, statement: str) -> None:
    """Even while the lists' own tables have not followed yet."""
    category = await catalogue.category("Sarees")
    await catalogue.product("Secret", category=category)
    assert await visitor.slugs(category="sarees") == ["secret"]
    await catalogue.sql(statement)
    assert await visitor.slugs() == []
    assert await visitor.slugs(category="sarees") == []
    assert await visitor.slugs(sort="price_asc") == []
    problem = await visitor.read("/products/secret", status=404)
    assert problem["code"] == "not_found"


async def test_another_tenant_s_products_are_not_there(
    catalogue: Any, visitor: Any, shop: Any, other_tenant: Any
) -> None:
    theirs = type(catalogue)(shop, other_tenant.scope)
    await theirs.product("Theirs", category=await theirs.category("Sarees"))
    assert await visitor.slugs() == []
    assert await visitor.slugs(category="sarees") == []
    await visitor.read("/products/theirs", status=404)
    assert (await visitor.read("/categories"))["items"] == []


async def test_a_product_without_a_price_in_the_store_s_currency_is_not_listed(catalogue: Any, visitor: Any) -> None:
    product = await catalogue.product("Foreign", price=None, is_published=False)
    await catalogue.price(product, 100, currency="USD")
    await catalogue.sql("UPDATE product_listings SET status = 'active', published_at = now()")
    await catalogue.refresh(product)
    assert await visitor.slugs() == []


# Filters


async def test_a_category_lists_what_stands_in_it_and_below_it(catalogue: Any, visitor: Any) -> None:
    clothes = await catalogue.category("Clothes")
    sarees = await catalogue.category("Sarees", parent=clothes)
    await catalogue.category("Shoes")
    await catalogue.product("Shawl", category=clothes)
    await catalogue.product("Jamdani", category=sarees)
    await catalogue.product("Lamp")
    assert await visitor.slugs(category="clothes") == ["jamdani", "shawl"]
    assert await visitor.slugs(category="sarees") == ["jamdani"]
    assert await visitor.slugs(category="shoes") == []
    assert await visitor.slugs(category="unheard-of") == []
    assert await visitor.slugs(category="") == ["lamp", "jamdani", "shawl"]


async def test_a_category_s_old_address_still_filters(catalogue: Any, visitor: Any) -> None:
    sarees = await catalogue.category("Sarees")
    await catalogue.product("Jamdani", category=sarees)
    await catalogue.sql("UPDATE categories SET slug = 'fine-sarees'")
    await catalogue.sql(
        "INSERT INTO slug_redirects (store_id, kind, slug, target_id) SELECT store_id, 'category', 'sarees', id "
        "FROM categories"
    )
    assert await visitor.slugs(category="sarees") == ["jamdani"]


async def test_an_inactive_category_hides_what_is_below_it(catalogue: Any, visitor: Any) -> None:
    clothes = await catalogue.category("Clothes")
    sarees = await catalogue.category("Sarees", parent=clothes)
    await catalogue.product("Jamdani", category=sarees)
    await catalogue.sql("UPDATE categories SET is_active = false WHERE id = $1", clothes)
    assert await visitor.slugs(category="sarees") == []
    assert (await visitor.read("/categories"))["items"] == []
    assert (await visitor.read("/products/jamdani"))["category"] is None
    assert await visitor.slugs() == ["jamdani"]


async def test_prices_filter_with_both_ends_included(catalogue: Any, visitor: Any) -> None:
    for price in (100, 200, 300):
        await catalogue.product(f"For {price}", price=price)
    assert await visitor.slugs(min_price=200) == ["for-300", "for-200"]
    assert await visitor.slugs(max_price=200) == ["for-200", "for-100"]
    assert await visitor.slugs(min_price=150, max_price=250) == ["for-200"]
    assert await visitor.slugs(min_price=250, max_price=150) == []


async def test_stock_filters_what_can_be_bought_or_what_is_sold_out(catalogue: Any, visitor: Any) -> None:
    await catalogue.product("Here", stock=1)
    await catalogue.product("Gone", stock=0)
    assert await visitor.slugs(in_stock="true") == ["here"]
    assert await visitor.slugs(in_stock="false") == ["gone"]
    assert await visitor.slugs() == ["gone", "here"]


# Prices and stock on cards


async def test_the_least_price_of_the_variants_for_sale_is_shown(catalogue: Any, visitor: Any) -> None:
    product = await catalogue.product("Shirt", price=500, options={"Size": ["S", "M", "L"]})
    variants = await catalogue.variants(product)
    await catalogue.price(product, 300, variant_id=variants["M"])
    await catalogue.price(product, 400, variant_id=variants["L"], compare_at=900)
    assert [card["price"]["amount"] for card in (await visitor.read("/products"))["items"]] == [300]
    await catalogue.sql("UPDATE product_variants SET is_active = false WHERE title = 'M'")
    (card,) = (await visitor.read("/products"))["items"]
    assert (card["price"]["amount"], card["compare_at"]["amount"]) == (400, 900)


async def test_a_price_window_holds_while_it_is_open(catalogue: Any, visitor: Any) -> None:
    product = await catalogue.product("Lamp", price=1000)
    await catalogue.price(product, 900, starts="-2 hours", ends="-1 hour")
    await catalogue.price(product, 800, starts="1 hour", ends="2 hours")
    assert (await visitor.read("/products/lamp"))["price"]["amount"] == 1000
    await catalogue.price(product, 700, starts="-1 hour", ends="1 hour", compare_at=1000)
    for shown in ((await visitor.read("/products"))["items"][0], await visitor.read("/products/lamp")):
        assert (shown["price"]["amount"], shown["compare_at"]["amount"]) == (700, 1000)


async def test_shown_prices_and_the_rule_of_the_catalogue_agree(catalogue: Any, visitor: Any) -> None:
    """Every combination of open, closed and future prices of product and variants, on list and page alike."""
    from shopkit.core.catalog.prices import least_price_now

    windows = [
        {},
        {"ends": "1 hour"},
        {"starts": "-1 hour"},
        {"starts": "1 hour"},
        {"starts": "-2 hours", "ends": "-1 hour"},
    ]
    for number, chosen in enumerate(itertools.combinations(range(len(windows) * 3), 2)):
        product = await catalogue.product(f"P{number}", price=9000, compare_at=9500, options={"Size": ["S", "M"]})
        owners = [None, *(await catalogue.variants(product)).values()]
        for place, index in enumerate(chosen):
            owner, window = owners[index % 3], windows[index // 3]
            if owner is not None or window:
                before = {"compare_at": 9800} if (number + place) % 2 else {}
                await catalogue.price(product, 5000 - 7 * number - place, variant_id=owner, **window, **before)
    rows = await catalogue.sql(
        f"""
        SELECT l.slug, price.amount, price.compare_at FROM product_listings l
        LEFT JOIN LATERAL {least_price_now("l.product_id", "$1")} price ON true
        """,
        "BDT",
    )
    expected = {row["slug"]: (row["amount"], row["compare_at"]) for row in rows}
    listed = {}
    cursor: dict[str, str] = {}
    while True:
        page = await visitor.read("/products", limit=100, **cursor)
        listed |= {card["slug"]: card for card in page["items"]}
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert len(expected) == 105
    for slug, (amount, before) in expected.items():
        for shown in (listed[slug], await visitor.read(f"/products/{slug}")):
            assert shown["price"]["amount"] == amount, slug
            assert (shown["compare_at"] or {}).get("amount") == before, slug


@pytest.mark.parametrize(
    ("statement", "is_in_stock"),
    [
        ("UPDATE inventory_stocks SET stock = 0", False),
        ("UPDATE inventory_stocks SET reserved = stock", False),
        ("UPDATE inventory_stocks SET reserved = stock, oversell_limit = 1", True),
        ("UPDATE inventory_stocks SET reserved = stock + 1, oversell_limit = 1", False),
        ("UPDATE store_locations SET status = 'paused'", False),
        ("UPDATE product_variants SET track_inventory = false", True),
        ("UPDATE product_variants SET is_active = false", False),
        ("DELETE FROM inventory_stocks WHERE NOT EXISTS (SELECT FROM inventory_transactions)", True),
    ],
)
async def test_in_stock_is_what_can_be_bought(catalogue: Any, visitor: Any, statement: str, is_in_stock: bool) -> None:
    await catalogue.product("Lamp", stock=3)
    await catalogue.sql(statement)
    assert [card["in_stock"] for card in (await visitor.read("/products"))["items"]] == [is_in_stock]
    assert (await visitor.read("/products/lamp"))["in_stock"] is is_in_stock


async def test_stock_elsewhere_counts_only_where_the_product_is_sold(catalogue: Any, visitor: Any) -> None:
    product = await catalogue.product("Lamp", stock=3)
    await catalogue.sql(
        """
        WITH made AS (
            INSERT INTO store_locations (store_id, code, name) SELECT id, 'far', 'Far' FROM stores RETURNING id)
        INSERT INTO product_locations (product_id, location_id) SELECT $1, id FROM made
        """,
        product,
    )
    assert (await visitor.read("/products"))["items"][0]["in_stock"] is False
    assert (await visitor.read("/products/lamp"))["in_stock"] is False


# Sorts and pages


async def test_sorts_put_the_newest_or_the_cheapest_or_the_dearest_first(catalogue: Any, visitor: Any) -> None:
    for price in (200, 100, 300):
        await catalogue.product(f"For {price}", price=price)
    assert await visitor.slugs() == ["for-300", "for-100", "for-200"]
    assert await visitor.slugs(sort="newest") == ["for-300", "for-100", "for-200"]
    assert await visitor.slugs(sort="price_asc") == ["for-100", "for-200", "for-300"]
    assert await visitor.slugs(sort="price_desc") == ["for-300", "for-200", "for-100"]


@pytest.mark.parametrize("sort", ["newest", "price_asc", "price_desc"])
@pytest.mark.parametrize("filters", [{}, {"category": "sarees"}, {"in_stock": "true"}, {"min_price": 1}])
async def test_pages_have_neither_gaps_nor_repeats_among_equals(
    catalogue: Any, visitor: Any, sort: str, filters: dict[str, Any]
) -> None:
    category = await catalogue.category("Sarees")
    for number in range(11):
        await catalogue.product(f"Thing {number}", category=category, price=100 * (1 + number // 5))
    for table in ("product_listings", "category_listings"):
        await catalogue.sql(f"UPDATE {table} SET published_at = date_trunc('hour', now())")
    (whole,) = await visitor.pages(sort=sort, **filters)
    assert len(set(whole)) == 11
    for limit in (1, 3, 10):
        pages = await visitor.pages(sort=sort, limit=limit, **filters)
        assert [len(page) for page in pages[:-1]] == [limit] * (len(pages) - 1)
        assert list(itertools.chain(*pages)) == whole


async def test_a_product_that_comes_or_goes_between_two_pages_moves_no_other(catalogue: Any, visitor: Any) -> None:
    for number in range(6):
        await catalogue.product(f"Thing {number}")
    first = await visitor.read("/products", limit=3)
    await catalogue.product("Brand new")
    await catalogue.sql("UPDATE product_listings SET status = 'draft' WHERE slug = 'thing-3'")
    second = await visitor.slugs(limit=3, cursor=first["next_cursor"])
    assert [card["slug"] for card in first["items"]] == ["thing-5", "thing-4", "thing-3"]
    assert second == ["thing-2", "thing-1", "thing-0"]


async def test_a_cursor_of_another_list_is_refused(catalogue: Any, visitor: Any, fault_codes: Any) -> None:
    for _ in range(3):
        await catalogue.product()
    cursor = (await visitor.read("/products", limit=1))["next_cursor"]
    for other in ({"sort": "price_asc"}, {"category": "x"}, {"min_price": 1}, {"in_stock": "true"}):
        problem = await visitor.read("/products", status=422, cursor=cursor, **other)
        assert problem["code"] == "invalid_cursor"
        assert fault_codes(problem) == {"?cursor": "invalid_cursor"}
    assert len(await visitor.slugs(cursor=cursor, limit=100)) == 2


@pytest.mark.parametrize(
    ("query", "faults"),
    [
        ("limit=0", {"?limit": "too_small"}),
        ("limit=101", {"?limit": "too_large"}),
        ("limit=১০", {"?limit": "not_a_number"}),
        ("limit=1_0", {"?limit": "not_a_number"}),
        ("limit=1&limit=2", {"?limit": "duplicate_field"}),
        ("min_price=-1", {"?min_price": "too_small"}),
        ("max_price=1e3", {"?max_price": "not_a_number"}),
        ("max_price=99999999999999999999999", {"?max_price": "too_large"}),
        ("in_stock=yes", {"?in_stock": "not_a_boolean"}),
        ("sort=cheapest", {"?sort": "not_one_of"}),
        ("page=2", {"?page": "unknown_field"}),
        ("category=%00", {"?category": "invalid_text"}),
        ("cursor=rubbish", {"?cursor": "invalid_cursor"}),
        ("limit=0&sort=x&page=1", {"?limit": "too_small", "?sort": "not_one_of", "?page": "unknown_field"}),
    ],
)
async def test_a_bad_query_is_refused_field_by_field(
    visitor: Any, fault_codes: Any, query: str, faults: dict[str, str]
) -> None:
    answer = await visitor.get(f"/products?{query}")
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    found = fault_codes(answer.json())
    assert found == faults or ("page" in query and set(found) <= set(faults))


@pytest.mark.parametrize("query", [{"q": "saree"}, {"sort": "relevance"}, {"sort": "rating"}])
@pytest.mark.parametrize("locale", ["en", "bn"])
async def test_what_a_later_version_brings_is_refused_by_name(
    visitor: Any, fault_codes: Any, query: dict[str, str], locale: str
) -> None:
    problem = await visitor.read("/products", status=422, locale=locale, **query)
    assert problem["code"] == "not_available"
    assert fault_codes(problem) == {f"?{name}": "not_available" for name in query}
    assert problem["title"] == {"en": "This is not available yet.", "bn": "এটি এখনো চালু হয়নি।"}[locale]


async def test_an_empty_search_is_no_search(catalogue: Any, visitor: Any) -> None:
    await catalogue.product("Lamp")
    assert await visitor.slugs(q="") == ["lamp"]
