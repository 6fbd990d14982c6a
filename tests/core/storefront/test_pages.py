"""The product page and the category tree, and what caches are told of them."""

from typing import Any

import pytest


async def test_a_page_shows_all_of_a_product(catalogue: Any, visitor: Any, shop: Any, scope: Any) -> None:
    from shopkit.core.catalog import service

    category = await catalogue.category("Shirts")
    async with shop.uow(scope) as uow:
        brand = await service.create_brand(uow, "Tant")
    product = await catalogue.product(
        "Linen Shirt",
        category=category,
        price=500_00,
        compare_at=800_00,
        options={"Size": ["S", "M"], "Colour": ["Red"]},
        short_description="Light.",
        description="Light and cool.",
        brand_id=brand,
    )
    async with shop.uow(scope) as uow:
        await service.set_tags(uow, product, ["Summer"])
    await catalogue.picture(product, "a.jpg", alt="Front", position=0)
    await catalogue.picture(product, "b.jpg", alt="Back", position=1)
    variants = await catalogue.variants(product)
    await catalogue.price(product, 450_00, variant_id=variants["M / Red"])
    await catalogue.sql("UPDATE product_variants SET sku = 'LS-M', max_per_order = 3 WHERE title = 'M / Red'")
    await catalogue.sql("UPDATE inventory_stocks SET reserved = stock WHERE variant_id = $1", variants["S / Red"])

    page = await visitor.read("/products/linen-shirt")

    small, medium = page.pop("variants")
    money = {"currency": "BDT"}
    before = money | {"amount": 800_00, "formatted": "৳800.00"}
    assert page == {
        "id": str(product),
        "slug": "linen-shirt",
        "title": "Linen Shirt",
        "short_description": "Light.",
        "description": "Light and cool.",
        "price": money | {"amount": 450_00, "formatted": "৳450.00"},
        "compare_at": before,
        "in_stock": True,
        "rating": {"average": None, "count": 0},
        "image": {"url": "/media/a.jpg", "alt": "Front"},
        "images": [
            {"url": "/media/a.jpg", "alt": "Front", "width": 800, "height": 600},
            {"url": "/media/b.jpg", "alt": "Back", "width": 800, "height": 600},
        ],
        "category": {"id": str(category), "slug": "shirts", "name": "Shirts"},
        "brand": {"slug": "tant", "name": "Tant"},
        "tags": [{"slug": "summer", "name": "Summer"}],
        "options": [{"name": "Size", "values": ["S", "M"]}, {"name": "Colour", "values": ["Red"]}],
        "seo": {"title": "Linen Shirt", "description": "Light."},
    }
    assert small == {
        "id": str(variants["S / Red"]),
        "sku": None,
        "title": "S / Red",
        "options": {"Size": "S", "Colour": "Red"},
        "price": money | {"amount": 500_00, "formatted": "৳500.00"},
        "compare_at": before,
        "in_stock": False,
        "available": None,
        "max_per_order": None,
        "image": None,
    }
    assert list(small["options"]) == ["Size", "Colour"]
    assert (medium["sku"], medium["max_per_order"], medium["in_stock"]) == ("LS-M", 3, True)
    assert medium["price"]["amount"] == 450_00


async def test_a_page_in_bangla_falls_back_field_by_field(catalogue: Any, visitor: Any) -> None:
    category = await catalogue.category("Sarees")
    await catalogue.category_in_bangla(category, "শাড়ি")
    product = await catalogue.product(
        "Jamdani",
        category=category,
        price=1299_00,
        options={"Colour": ["Red", "Blue"]},
        description="Handwoven.",
        bn={"title": "জামদানি"},
    )
    await catalogue.picture(product, "a.jpg", alt="Red", alt_bn="লাল")
    await catalogue.sql("""UPDATE product_options SET translations = '{"bn": "রং"}'""")
    await catalogue.sql("""UPDATE product_option_values SET translations = '{"bn": "লাল"}' WHERE value = 'Red'""")
    await catalogue.sql("""UPDATE product_listings SET seo = '{"title": "Buy Jamdani"}'""")
    page = await visitor.read("/products/jamdani", locale="bn-BD,en;q=0.5")
    assert (page["title"], page["description"]) == ("জামদানি", "Handwoven.")
    assert page["category"]["name"] == "শাড়ি"
    assert page["price"]["formatted"] == "১,২৯৯.০০৳"
    assert page["image"]["alt"] == "লাল"
    assert page["options"] == [{"name": "রং", "values": ["লাল", "Blue"]}]
    assert [(each["title"], each["options"]) for each in page["variants"]] == [
        ("লাল", {"রং": "লাল"}),
        ("Blue", {"রং": "Blue"}),
    ]
    assert page["seo"]["title"] == "জামদানি"
    assert (await visitor.read("/products/jamdani"))["seo"]["title"] == "Buy Jamdani"


async def test_a_variant_without_a_price_is_not_for_sale(catalogue: Any, visitor: Any) -> None:
    product = await catalogue.product("Shirt", price=None, options={"Size": ["S", "M"]}, is_published=False)
    variants = await catalogue.variants(product)
    await catalogue.price(product, 300, variant_id=variants["S"])
    await catalogue.sql("UPDATE product_listings SET status = 'active', published_at = now()")
    await catalogue.sql("UPDATE inventory_stocks SET reserved = stock WHERE variant_id = $1", variants["S"])
    await catalogue.refresh(product)
    page = await visitor.read("/products/shirt")
    small, medium = page["variants"]
    assert (small["price"]["amount"], small["in_stock"]) == (300, False)
    assert (medium["price"], medium["compare_at"], medium["in_stock"]) == (None, None, False)
    assert (page["price"]["amount"], page["in_stock"]) == (300, False)
    assert [card["in_stock"] for card in (await visitor.read("/products"))["items"]] == [False]


async def test_how_many_are_left_is_told_only_if_the_shop_wants_it(catalogue: Any, visitor: Any, make: Any) -> None:
    product = await catalogue.product("Lamp", stock=4)
    await catalogue.sql("UPDATE inventory_stocks SET reserved = 1")
    assert (await visitor.read("/products/lamp"))["variants"][0]["available"] is None
    await make.settings({"catalog.show_stock": True})
    assert (await visitor.read("/products/lamp"))["variants"][0]["available"] == 3
    await catalogue.sql("UPDATE product_variants SET track_inventory = false WHERE product_id = $1", product)
    assert (await visitor.read("/products/lamp"))["variants"][0]["available"] is None


async def test_a_moved_product_is_found_at_its_present_address(catalogue: Any, visitor: Any, shop: Any) -> None:
    from shopkit.core.catalog import service
    from shopkit.core.catalog.schemas import ProductChange

    product = await catalogue.product("Jamdani")
    for slug in ("red-jamdani", "লাল-জামদানি"):
        async with shop.uow(catalogue.scope) as uow:
            await service.change_product(uow, product, ProductChange(slug=slug))
    for old in ("jamdani", "red-jamdani"):
        answer = await visitor.get(f"/products/{old}")
        assert answer.status_code == 301
        assert answer.headers["location"].startswith("/api/store/v1/products/%E0%A6")
        assert answer.content == b""
    followed = await visitor.client.get(answer.headers["location"])
    assert followed.json()["id"] == str(product)
    await catalogue.sql("UPDATE product_listings SET visibility = 'private'")
    assert (await visitor.get("/products/jamdani")).status_code == 404


@pytest.mark.parametrize("slug", ["nothing", "NOTHING", "a%00b", "%ff", "x" * 300, "..", "%2e%2e", "a b", "'"])
async def test_any_other_address_is_not_found(visitor: Any, slug: str) -> None:
    answer = await visitor.get(f"/products/{slug}")
    assert answer.status_code in (400, 404)
    assert answer.headers["content-type"] == "application/problem+json"


# What caches are told


@pytest.mark.parametrize("path", ["/products", "/products/lamp", "/categories"])
async def test_the_same_bytes_are_not_sent_twice(catalogue: Any, visitor: Any, path: str) -> None:
    await catalogue.product("Lamp", category=await catalogue.category("Lights"))
    first = await visitor.get(path)
    tag = first.headers["etag"]
    assert tag.startswith('"')
    assert first.headers["cache-control"] == "public, max-age=0, must-revalidate"
    assert "Accept-Language" in first.headers["vary"]
    assert first.headers["content-language"] == "en"
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = await visitor.get(path, headers={"If-None-Match": known})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == tag
    assert (await visitor.get(path, headers={"If-None-Match": '"other"'})).status_code == 200
    bangla = await visitor.get(path, headers={"If-None-Match": '"other"', "Accept-Language": "bn"})
    assert bangla.headers["content-language"] == "bn"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE products SET title = 'Other'",
        "UPDATE variant_prices SET amount = amount + 1",
        "UPDATE inventory_stocks SET reserved = stock",
    ],
)
async def test_a_change_of_text_price_or_stock_changes_the_tag(catalogue: Any, visitor: Any, statement: str) -> None:
    await catalogue.product("Lamp")
    tag = (await visitor.get("/products/lamp")).headers["etag"]
    await catalogue.sql(statement)
    answer = await visitor.get("/products/lamp", headers={"If-None-Match": tag})
    assert answer.status_code == 200
    assert answer.headers["etag"] != tag


async def test_head_answers_like_get_without_content(catalogue: Any, visitor: Any) -> None:
    await catalogue.product("Lamp")
    got = await visitor.get("/products/lamp")
    head = await visitor.client.head("/api/store/v1/products/lamp")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["etag"] == got.headers["etag"]


# The tree


async def test_the_tree_keeps_the_merchant_s_order_and_counts_what_is_below(catalogue: Any, visitor: Any) -> None:
    home = await catalogue.category("Home", position=1)
    clothes = await catalogue.category("Clothes", position=0)
    sarees = await catalogue.category("Sarees", parent=clothes, position=2)
    await catalogue.category("Lungis", parent=clothes, position=1)
    await catalogue.category_in_bangla(clothes, "পোশাক")
    await catalogue.product(category=clothes)
    await catalogue.product(category=sarees)
    await catalogue.product(category=sarees, is_published=False)
    await catalogue.product(category=home, stock=0)
    tree = (await visitor.read("/categories"))["items"]
    assert [(node["name"], node["product_count"]) for node in tree] == [("Clothes", 2), ("Home", 1)]
    assert [(node["slug"], node["product_count"]) for node in tree[0]["children"]] == [("lungis", 0), ("sarees", 1)]
    assert tree[1] == {"id": str(home), "slug": "home", "name": "Home", "product_count": 1, "children": []}
    assert (await visitor.read("/categories", locale="bn"))["items"][0]["name"] == "পোশাক"


async def test_inactive_and_deleted_categories_are_not_in_the_tree(catalogue: Any, visitor: Any) -> None:
    clothes = await catalogue.category("Clothes")
    await catalogue.category("Sarees", parent=clothes, is_active=False)
    await catalogue.category("Gone")
    await catalogue.sql("UPDATE categories SET deleted_at = now() WHERE slug = 'gone'")
    assert [(node["slug"], node["children"]) for node in (await visitor.read("/categories"))["items"]] == [
        ("clothes", [])
    ]


async def test_a_product_published_tomorrow_does_not_count_today(catalogue: Any, visitor: Any) -> None:
    category = await catalogue.category("Sarees")
    product = await catalogue.product(category=category)
    await catalogue.sql("UPDATE product_listings SET published_at = now() + interval '1 day'")
    await catalogue.refresh(product)
    assert (await visitor.read("/categories"))["items"][0]["product_count"] == 0
