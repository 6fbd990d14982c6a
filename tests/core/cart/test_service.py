"""A cart's row: who may edit it, when it sleeps and wakes, and that edits at once lose nothing."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest

from shopkit.core.cart import service as carts
from shopkit.core.cart.errors import CartClosed, CartCompleting, CartNotFound, TooManyLines
from shopkit.core.cart.schemas import CartRow
from shopkit.core.cart.service import LineInput
from shopkit.core.cart.settings import CartSettings
from shopkit.core.customers import service as customers
from shopkit.sdk.errors import Invalid


@pytest.fixture
async def cart(make: Any) -> CartRow:
    async with make.shop.uow(make.scope) as uow:
        return await carts.create(uow)


async def add(make: Any, cart: CartRow, *lines: LineInput) -> None:
    async with make.shop.uow(make.scope) as uow:
        await carts.open_for_edit(uow, cart.id, 0)
        await carts.add_lines(uow, cart.id, list(lines))


async def quantities(make: Any, cart: CartRow) -> list[int]:
    rows = await make.sql("SELECT quantity FROM cart_items WHERE cart_id = $1 ORDER BY quantity", cart.id)
    return [row["quantity"] for row in rows]


async def status(make: Any, cart: CartRow) -> str:
    return await make.value("SELECT status FROM carts WHERE id = $1", cart.id)


async def open_for_edit(make: Any, cart: CartRow, epoch: int = 0) -> CartRow:
    async with make.shop.uow(make.scope) as uow:
        return await carts.open_for_edit(uow, cart.id, epoch)


async def set_on(make: Any, cart: CartRow, assignment: str) -> None:
    await make.sql(f"UPDATE carts SET {assignment} WHERE id = $1", cart.id)


async def new_customer(make: Any) -> UUID:
    async with make.shop.uow(make.scope) as uow:
        return await customers.find_or_create(uow, name="A", phone="+8801712345678", email=None)


# Lines


async def test_the_same_variant_and_customisation_is_one_line(make: Any, cart: CartRow) -> None:
    variant = (await make.product()).variant
    engraved = {"text": "Ma", "font": "round"}
    await add(make, cart, LineInput(variant_id=variant, quantity=1), LineInput(variant_id=variant, quantity=2))
    await add(make, cart, LineInput(variant_id=variant, quantity=4, customisation={}))
    await add(make, cart, LineInput(variant_id=variant, quantity=10, customisation=engraved))
    swapped = dict(reversed(engraved.items()))
    await add(make, cart, LineInput(variant_id=variant, quantity=20, customisation=swapped))
    assert await quantities(make, cart) == [7, 30]


async def test_a_variant_that_never_was_is_refused_and_nothing_is_added(make: Any, cart: CartRow) -> None:
    variant = (await make.product()).variant
    with pytest.raises(Invalid) as refused:
        await add(make, cart, LineInput(variant_id=variant, quantity=1), LineInput(variant_id=uuid4(), quantity=1))
    assert [error.code for error in refused.value.errors] == ["unknown_variant"]
    assert await quantities(make, cart) == []


async def test_another_carts_line_is_not_there(make: Any, cart: CartRow) -> None:
    async with make.shop.uow(make.scope) as uow:
        other = await carts.create(uow)
    await add(make, other, LineInput(variant_id=(await make.product()).variant, quantity=1))
    line = await make.value("SELECT id FROM cart_items WHERE cart_id = $1", other.id)
    for edit in (lambda uow: carts.set_quantity(uow, cart.id, line, 5), lambda uow: carts.remove(uow, cart.id, line)):
        with pytest.raises(CartNotFound):
            async with make.shop.uow(make.scope) as uow:
                await edit(uow)
    assert await quantities(make, other) == [1]


async def test_edits_at_once_all_count(make: Any, cart: CartRow) -> None:
    one, other = (await make.product()).variant, (await make.product()).variant
    edits = [LineInput(variant_id=variant, quantity=1) for variant in (one, other) for _ in range(10)]
    await asyncio.gather(*(add(make, cart, edit) for edit in edits))
    assert await quantities(make, cart) == [10, 10]


def test_a_cart_has_as_many_lines_as_the_store_allows() -> None:
    options = CartSettings(max_lines=3)
    carts.check_size(3, options)
    with pytest.raises(TooManyLines):
        carts.check_size(4, options)


# Who may edit it, and when


async def test_another_epoch_or_store_finds_no_cart(make: Any, cart: CartRow) -> None:
    with pytest.raises(CartNotFound):
        await open_for_edit(make, cart, epoch=1)
    elsewhere = await make.store("second")
    for look in (carts.open_for_edit, carts.get):
        with pytest.raises(CartNotFound):
            async with make.shop.uow(elsewhere.scope) as uow:
                await look(uow, cart.id, 0)


async def test_an_edit_extends_the_carts_life(make: Any, cart: CartRow) -> None:
    await set_on(make, cart, "expires_at = now() + interval '1 minute'")
    assert (await open_for_edit(make, cart)).expires_at >= cart.expires_at


async def test_a_cart_whose_time_is_over_sleeps_until_the_next_edit(make: Any, cart: CartRow) -> None:
    async with make.shop.uow(make.scope) as uow:
        assert await carts.abandon_expired(uow) == 0
    await set_on(make, cart, "expires_at = now() - interval '1 minute'")
    async with make.shop.uow(make.scope) as uow:
        assert await carts.abandon_expired(uow) == 1
        assert await carts.abandon_expired(uow) == 0
    assert await status(make, cart) == "abandoned"
    async with make.shop.uow(make.scope) as uow:
        assert (await carts.get(uow, cart.id, 0)).status == "abandoned", "looking does not wake it"
    assert (await open_for_edit(make, cart)).status == "active"


async def test_a_cart_that_is_being_completed_waits_and_a_crash_frees_it(make: Any, cart: CartRow) -> None:
    await set_on(make, cart, "completing_at = now() - interval '4 minutes', expires_at = now() - interval '1 day'")
    with pytest.raises(CartCompleting):
        await open_for_edit(make, cart)
    async with make.shop.uow(make.scope) as uow:
        assert await carts.abandon_expired(uow) == 0
    await set_on(make, cart, "completing_at = now() - interval '6 minutes'")
    await open_for_edit(make, cart)


@pytest.mark.parametrize("end", ["converted", "merged"])
async def test_a_cart_that_has_ended_stays_as_it_is(make: Any, cart: CartRow, end: str) -> None:
    await set_on(make, cart, f"status = '{end}', expires_at = now() - interval '1 day'")
    with pytest.raises(CartClosed):
        await open_for_edit(make, cart)
    async with make.shop.uow(make.scope) as uow:
        assert await carts.abandon_expired(uow) == 0
    customer = await new_customer(make)
    with pytest.raises(CartClosed):
        async with make.shop.uow(make.scope) as uow:
            await carts.convert(uow, cart.id, customer)
    assert await status(make, cart) == end


async def test_a_cart_is_converted_once_however_many_try(make: Any, cart: CartRow) -> None:
    customer = await new_customer(make)

    async def convert() -> str:
        try:
            async with make.shop.uow(make.scope) as uow:
                await carts.convert(uow, cart.id, customer)
        except CartClosed:
            return "closed"
        return "converted"

    ends = await asyncio.gather(*(convert() for _ in range(8)))
    assert sorted(ends) == ["closed"] * 7 + ["converted"]


# The token


async def test_only_the_carts_own_token_opens_it(make: Any, cart: CartRow, other_tenant: Any) -> None:
    keyring, tenant = make.shop.keyring, make.scope.tenant_id
    token = carts.cart_token(keyring, tenant, cart)
    assert carts.check_token(keyring, tenant, cart.id, token) == 0
    wrong = [
        (tenant, uuid4(), token),
        (other_tenant.scope.tenant_id, cart.id, token),
        (tenant, cart.id, token[:-1] + ("A" if token[-1] != "A" else "B")),
        (tenant, cart.id, ""),
        (tenant, cart.id, None),
    ]
    for asked_tenant, asked_cart, given in wrong:
        with pytest.raises(CartNotFound):
            carts.check_token(keyring, asked_tenant, asked_cart, given)


async def test_a_raised_epoch_ends_every_token_given_before(make: Any, cart: CartRow) -> None:
    token = carts.cart_token(make.shop.keyring, make.scope.tenant_id, cart)
    await set_on(make, cart, "token_epoch = 1")
    epoch = carts.check_token(make.shop.keyring, make.scope.tenant_id, cart.id, token)
    with pytest.raises(CartNotFound):
        await open_for_edit(make, cart, epoch)
