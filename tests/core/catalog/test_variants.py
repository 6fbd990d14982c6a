"""Options and variants: every product has one at least, no two of a product are alike."""

from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest

from shopkit.core.catalog import matrix, variants
from shopkit.core.catalog.errors import LastVariant, OptionMismatch, SkuTaken, TooManyVariants, VariantExists
from shopkit.core.catalog.schemas import NewVariant, VariantChange
from shopkit.core.kernel.uow import Uow
from shopkit.core.settings import service as settings
from shopkit.sdk.errors import NotFound

Maker = Callable[..., Awaitable[UUID]]


async def titles(uow: Uow, product: UUID) -> list[str]:
    rows = await uow.sql.fetch(
        "SELECT title FROM product_variants WHERE product_id = $1 AND deleted_at IS NULL ORDER BY position", product
    )
    return [row["title"] for row in rows]


async def variant(uow: Uow, product: UUID, title: str) -> UUID:
    found: UUID = await uow.sql.fetchval(
        "SELECT id FROM product_variants WHERE product_id = $1 AND title = $2", product, title
    )
    return found


def test_a_signature_does_not_depend_on_the_order_of_options() -> None:
    assert matrix.signature({"Size": "M", "Colour": "Red"}) == matrix.signature({"Colour": "Red", "Size": "M"})
    assert matrix.signature({"a": "b,c"}) != matrix.signature({"a,b": "c"})


async def test_options_make_every_combination(uow: Uow, make_product: Maker) -> None:
    product = await make_product(options={"Size": ["M", "L"], "Colour": ["Red", "Blue"]})
    assert await titles(uow, product) == ["M / Red", "M / Blue", "L / Red", "L / Blue"]
    chosen = await uow.sql.fetchval("SELECT options FROM product_variants WHERE title = 'L / Red'")
    assert chosen == {"Size": "L", "Colour": "Red"}
    assert await uow.sql.fetchval("SELECT count(*) FROM variant_option_values") == 8


async def test_variants_that_are_named_are_the_only_ones_and_may_cost_more(uow: Uow, make_product: Maker) -> None:
    product = await make_product(
        options={"Size": ["M", "L"]},
        variants=[NewVariant(options={"Size": "L"}, sku="L", amount=120_000)],
    )
    assert await titles(uow, product) == ["L"]
    assert await uow.sql.fetchval("SELECT sort_price FROM product_listings") == 120_000


async def test_the_number_of_variants_is_bounded(uow: Uow, make_product: Maker) -> None:
    await settings.put(uow, {"catalog.max_variants": 3})
    with pytest.raises(TooManyVariants):
        await make_product(options={"Size": ["S", "M"], "Colour": ["Red", "Blue"]})


async def test_a_variant_has_one_known_value_for_each_option(uow: Uow, make_product: Maker) -> None:
    product = await make_product(options={"Size": ["M", "L"]})
    for wrong in ({}, {"Size": "XS"}, {"Size": "M", "Colour": "Red"}, {"Colour": "Red"}):
        with pytest.raises(OptionMismatch):
            await variants.add_variant(uow, product, NewVariant(options=wrong))
    with pytest.raises(VariantExists):
        await variants.add_variant(uow, product, NewVariant(options={"Size": "M"}))


async def test_a_new_value_is_for_sale_after_generating(uow: Uow, make_product: Maker) -> None:
    product = await make_product(options={"Size": ["M", "L"]})
    await variants.add_value(uow, product, "Size", "XL")
    assert await variants.generate(uow, product) == 1
    assert await variants.generate(uow, product) == 0
    assert await titles(uow, product) == ["M", "L", "XL"]


async def test_a_new_option_gives_its_first_value_to_the_present_variants(uow: Uow, make_product: Maker) -> None:
    product = await make_product(options={"Size": ["M", "L"]})
    await variants.add_option(uow, product, "Colour", ["Red", "Blue"])
    assert await titles(uow, product) == ["M / Red", "L / Red"]
    assert await variants.generate(uow, product) == 2


async def test_the_last_variant_stays(uow: Uow, make_product: Maker) -> None:
    product = await make_product(options={"Size": ["M", "L"]})
    gone = await variant(uow, product, "L")
    await variants.delete_variant(uow, gone)
    with pytest.raises(LastVariant):
        await variants.delete_variant(uow, await variant(uow, product, "M"))
    with pytest.raises(NotFound):
        await variants.change_variant(uow, gone, VariantChange(sku="X"))
    assert await variants.generate(uow, product) == 1


async def test_an_sku_is_one_variants(uow: Uow, make_product: Maker) -> None:
    product = await make_product(options={"Size": ["M", "L"]})
    await variants.change_variant(uow, await variant(uow, product, "M"), VariantChange(sku="A"))
    async with uow.savepoint():
        with pytest.raises(SkuTaken):
            async with uow.savepoint():
                await variants.change_variant(uow, await variant(uow, product, "L"), VariantChange(sku="A"))


async def test_an_inactive_variant_does_not_set_the_price(uow: Uow, make_product: Maker) -> None:
    product = await make_product()
    await variants.change_variant(uow, await variant(uow, product, ""), VariantChange(is_active=False))
    assert await uow.sql.fetchval("SELECT sort_price FROM product_listings") is None


async def test_a_variant_can_take_other_values(uow: Uow, make_product: Maker) -> None:
    product = await make_product(options={"Size": ["M", "L", "XL"]}, variants=[NewVariant(options={"Size": "M"})])
    await variants.choose(uow, await variant(uow, product, "M"), {"Size": "XL"})
    assert await titles(uow, product) == ["XL"]
