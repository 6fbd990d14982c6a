"""Products: made whole, published when there is something to sell, moved with a redirect, deleted without a trace."""

from collections.abc import Awaitable, Callable
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from PIL import Image

from shopkit.bootstrap import Shop
from shopkit.core.catalog import categories, service
from shopkit.core.catalog.errors import InvalidImage, InvalidSlug, KeyTaken, NothingToSell, SlugTaken
from shopkit.core.catalog.schemas import NewCategory, NewProduct, ProductChange, ProductTexts, Texts
from shopkit.core.kernel.scope import Scope
from shopkit.core.kernel.uow import Uow
from shopkit.sdk.errors import NotFound

Maker = Callable[..., Awaitable[UUID]]


async def listing(uow: Uow, product_id: UUID) -> dict[str, Any]:
    return dict(await uow.sql.fetchrow("SELECT * FROM product_listings WHERE product_id = $1", product_id))


async def listed_in(uow: Uow, product_id: UUID) -> set[UUID]:
    rows = await uow.sql.fetch("SELECT category_id FROM category_listings WHERE product_id = $1", product_id)
    return {row["category_id"] for row in rows}


async def test_a_new_product_is_a_draft_with_a_variant_and_a_slug(uow: Uow, make_product: Maker) -> None:
    product = await make_product()
    made = await listing(uow, product)
    assert (made["status"], made["slug"], made["sort_price"]) == ("draft", "linen-shirt", 100_000)
    assert await uow.sql.fetchval("SELECT count(*) FROM product_variants WHERE product_id = $1", product) == 1


async def test_a_slug_from_a_title_never_collides_and_a_given_one_is_refused(uow: Uow, make_product: Maker) -> None:
    await make_product()
    second = await make_product()
    assert (await listing(uow, second))["slug"] == "linen-shirt-2"
    with pytest.raises(InvalidSlug):
        await make_product(slug="a/b")
    async with uow.savepoint():
        with pytest.raises(SlugTaken):
            async with uow.savepoint():
                await make_product(slug="linen-shirt", key="other")
    async with uow.savepoint():
        with pytest.raises(KeyTaken):
            async with uow.savepoint():
                await make_product(slug="free", key="linen-shirt")


async def test_publishing_needs_something_to_sell(uow: Uow, make_product: Maker) -> None:
    product = await make_product(amount=None)
    with pytest.raises(NothingToSell):
        await service.publish(uow, product)


async def test_a_published_product_is_listed_until_it_is_withdrawn(uow: Uow, make_product: Maker) -> None:
    parent = await categories.create_category(uow, NewCategory(name="Clothing"))
    child = await categories.create_category(uow, NewCategory(name="Shirts", parent_id=parent))
    product = await make_product(category_ids=[child])
    assert await listed_in(uow, product) == set()
    await service.publish(uow, product)
    assert await listed_in(uow, product) == {parent, child}
    published = (await listing(uow, product))["published_at"]
    await service.withdraw(uow, product)
    assert await listed_in(uow, product) == set()
    assert (await listing(uow, product))["published_at"] == published
    await service.publish(uow, product)
    await service.archive(uow, product)
    assert await listed_in(uow, product) == set()


async def test_private_products_are_not_listed(uow: Uow, make_product: Maker) -> None:
    category = await categories.create_category(uow, NewCategory(name="Shirts"))
    product = await make_product(category_ids=[category])
    await service.publish(uow, product)
    await service.change_product(uow, product, ProductChange(visibility="private"))
    assert await listed_in(uow, product) == set()


async def test_old_addresses_lead_to_the_present_one_and_never_shadow_a_live_one(uow: Uow, make_product: Maker) -> None:
    product = await make_product(slug="one")
    for slug in ("two", "three"):
        await service.change_product(uow, product, ProductChange(slug=slug))
    assert await _redirects(uow) == {"one": product, "two": product}
    other = await make_product(slug="one", key="other")
    assert await _redirects(uow) == {"two": product}
    await service.change_product(uow, product, ProductChange(slug="two"))
    assert await _redirects(uow) == {"three": product}
    assert other != product


async def test_a_change_leaves_the_rest_alone(uow: Uow, make_product: Maker) -> None:
    product = await make_product(description="Cool in May.")
    await service.change_product(uow, product, ProductChange(title="Shirt", is_featured=True))
    row = await uow.sql.fetchrow("SELECT title, description FROM products WHERE id = $1", product)
    assert tuple(row) == ("Shirt", "Cool in May.")
    made = await listing(uow, product)
    assert (made["is_featured"], made["slug"]) == (True, "linen-shirt")


async def test_texts_in_another_language_are_set_and_taken_away(uow: Uow, make_product: Maker) -> None:
    product = await make_product()
    for texts in (ProductTexts(title="জামা"), ProductTexts(title="লিনেন শার্ট")):
        await service.translate_product(uow, product, "bn", texts)
    assert await uow.sql.fetchval("SELECT title FROM product_translations") == "লিনেন শার্ট"
    await service.translate_product(uow, product, "bn", None)
    assert await uow.sql.fetchval("SELECT count(*) FROM product_translations") == 0


async def test_a_deleted_product_frees_its_names_and_leaves_the_lists(uow: Uow, make_product: Maker) -> None:
    category = await categories.create_category(uow, NewCategory(name="Shirts"))
    product = await make_product(category_ids=[category])
    await service.publish(uow, product)
    await service.delete_product(uow, product)
    assert await listed_in(uow, product) == set()
    again = await make_product()
    assert (await listing(uow, again))["slug"] == "linen-shirt"
    with pytest.raises(NotFound):
        await service.change_product(uow, product, ProductChange(title="x"))


async def test_categories_have_an_order_and_must_exist(uow: Uow, make_product: Maker) -> None:
    first = await categories.create_category(uow, NewCategory(name="A"))
    second = await categories.create_category(uow, NewCategory(name="B"))
    product = await make_product(category_ids=[first])
    await service.set_categories(uow, product, [second, first])
    primary = await uow.sql.fetchval("SELECT category_id FROM product_categories WHERE is_primary")
    assert primary == second
    with pytest.raises(NotFound):
        await service.set_categories(uow, product, [uuid4()])


async def test_tags_are_made_when_they_are_new(uow: Uow, make_product: Maker) -> None:
    product = await make_product()
    await service.set_tags(uow, product, ["Eid", "উপহার"])
    await service.set_tags(uow, product, ["eid"])
    rows = await uow.sql.fetch("SELECT t.slug FROM product_tags pt JOIN tags t ON t.id = pt.tag_id")
    assert [row["slug"] for row in rows] == ["eid"]
    assert await uow.sql.fetchval("SELECT count(*) FROM tags") == 2


async def test_brands_speak_languages(uow: Uow) -> None:
    brand = await service.create_brand(uow, "Mati")
    await service.translate_brand(uow, brand, "bn", Texts(name="মাটি"))
    assert await uow.sql.fetchval("SELECT translations FROM brands") == {"bn": {"name": "মাটি", "description": ""}}


async def test_images_are_known_by_content_and_kept_once(uow: Uow, make_product: Maker, tmp_path: Path) -> None:
    product = await make_product()
    content = _png("red")
    first = await service.add_image(uow, tmp_path, product, content, alt="Front")
    assert await service.add_image(uow, tmp_path, product, content, alt="Front") == first
    second = await service.add_image(uow, tmp_path, product, _png("blue"))
    await service.set_images(uow, product, [second, first])
    rows = await uow.sql.fetch("SELECT media_id FROM product_media ORDER BY position")
    assert [row["media_id"] for row in rows] == [second, first]
    path = await uow.sql.fetchval("SELECT path FROM media_assets WHERE id = $1", first)
    assert (tmp_path / path).read_bytes() == content


@pytest.mark.parametrize("content", [b"", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"\x89PNG\r\n\x1a\nbroken"])
async def test_what_is_no_image_is_refused_and_not_kept(
    uow: Uow, make_product: Maker, tmp_path: Path, content: bytes
) -> None:
    product = await make_product()
    with pytest.raises(InvalidImage):
        await service.add_image(uow, tmp_path, product, content)
    assert await uow.sql.fetchval("SELECT count(*) FROM media_assets") == 0


async def test_another_tenant_has_no_such_product(shop: Shop, scope: Scope, other_tenant: Any) -> None:
    async with shop.uow(scope) as uow:
        product = await service.create_product(uow, NewProduct(title="Mine"))
    async with shop.uow(other_tenant.scope) as uow:
        with pytest.raises(NotFound):
            await service.change_product(uow, product, ProductChange(title="Theirs"))


async def _redirects(uow: Uow) -> dict[str, UUID]:
    rows = await uow.sql.fetch("SELECT slug, target_id FROM slug_redirects WHERE kind = 'product'")
    return {row["slug"]: row["target_id"] for row in rows}


def _png(colour: str) -> bytes:
    content = BytesIO()
    Image.new("RGB", (2, 2), colour).save(content, "PNG")
    return content.getvalue()
