"""Who is behind a contact: one customer for one phone, and no stranger takes another's (D9)."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from shopkit.core.customers import service as customers

PHONE, OTHER_PHONE = "+8801712345678", "+8801812345678"
EMAIL, OTHER_EMAIL = "rahim@example.com", "karim@example.com"


@pytest.fixture
def find(make: Any) -> Any:
    """`await find(phone=..., email=...)` in a transaction of its own."""

    async def run(phone: str | None = None, email: str | None = None) -> UUID:
        async with make.shop.uow(make.scope) as uow:
            return await customers.find_or_create(uow, name="Rahim", phone=phone, email=email)

    return run


async def identities(make: Any, customer_id: UUID) -> list[tuple[str, bool]]:
    rows = await make.sql(
        "SELECT identity_value, is_primary FROM customer_identities WHERE customer_id = $1 ORDER BY identity_value",
        customer_id,
    )
    return [(row["identity_value"], row["is_primary"]) for row in rows]


async def verify(make: Any, customer_id: UUID, value: str) -> None:
    """Its owner has proved it, to this customer; another may have claimed it first."""
    await make.sql(
        """
        INSERT INTO customer_identities (customer_id, identity_type, identity_value, source, verified_at)
        VALUES ($1, CASE WHEN $2 LIKE '+%' THEN 'phone' ELSE 'email' END, $2, 'signup', now())
        ON CONFLICT (tenant_id, customer_id, identity_type, identity_value) DO UPDATE SET verified_at = now()
        """,
        customer_id, value,
    )  # fmt: skip


async def test_the_same_phone_is_the_same_customer_whatever_the_mail(make: Any, find: Any) -> None:
    first = await find(PHONE, EMAIL)
    assert await find(PHONE) == first
    assert await find(PHONE, OTHER_EMAIL) == first
    assert await identities(make, first) == [(PHONE, True), (OTHER_EMAIL, True), (EMAIL, True)]


async def test_without_a_phone_the_mail_finds_the_customer(find: Any) -> None:
    first = await find(email=EMAIL)
    assert await find(email=EMAIL) == first
    assert await find(email=OTHER_EMAIL) != first


async def test_a_phone_and_a_mail_of_two_customers_do_not_make_them_one(make: Any, find: Any) -> None:
    rahim, karim = await find(PHONE, EMAIL), await find(OTHER_PHONE, OTHER_EMAIL)
    assert await find(PHONE, OTHER_EMAIL) == rahim
    assert await identities(make, rahim) == [(PHONE, True), (OTHER_EMAIL, False), (EMAIL, True)]
    assert await find(email=OTHER_EMAIL) == karim, "the stranger's claim took nothing"
    assert await find(OTHER_PHONE) == karim


async def test_what_its_owner_verified_comes_before_what_somebody_typed(make: Any, find: Any) -> None:
    squatter, rightful = await find(PHONE), await find(OTHER_PHONE)
    await verify(make, rightful, PHONE)
    assert await find(PHONE) == rightful
    assert await find(PHONE, EMAIL) == rightful
    assert squatter != rightful


async def test_a_verified_mail_comes_before_an_unverified_phone(make: Any, find: Any) -> None:
    typed, proved = await find(PHONE), await find(OTHER_PHONE, EMAIL)
    await verify(make, proved, EMAIL)
    assert await find(PHONE, EMAIL) == proved
    assert await find(PHONE) == typed


async def test_nobody_to_find_is_somebody_new(find: Any) -> None:
    assert await find() != await find()


@pytest.mark.parametrize("contact", [{"phone": PHONE}, {"email": EMAIL}, {"phone": PHONE, "email": EMAIL}])
async def test_twenty_first_orders_at_once_make_one_customer(make: Any, find: Any, contact: dict[str, str]) -> None:
    found = await asyncio.gather(*(find(**contact) for _ in range(20)))
    assert len(set(found)) == 1
    assert await make.counts("customers", "customer_identities") == {
        "customers": 1,
        "customer_identities": len(contact),
    }


async def test_first_orders_with_one_mail_and_many_phones_at_once_do_not_fail(make: Any, find: Any) -> None:
    """Whoever comes first has the mail; the others are found by it, or by their own phone."""
    phones = [f"+88017123456{place:02}" for place in range(20)]
    found = await asyncio.gather(*(find(phone, EMAIL) for phone in phones))
    owner = await make.value("SELECT customer_id FROM customer_identities WHERE identity_type = 'email' AND is_primary")
    assert owner in found
    assert [await find(phone) for phone in phones] == found


async def test_first_orders_in_two_tenants_know_nothing_of_each_other(
    make: Any, making: Any, shop: Any, other_tenant: Any, find: Any
) -> None:
    here = await find(PHONE, EMAIL)
    async with shop.uow(other_tenant.scope) as uow:
        there = await customers.find_or_create(uow, name="Rahim", phone=PHONE, email=EMAIL)
    assert here != there


async def test_an_address_is_remembered_once_and_the_first_is_the_default(make: Any, making: Any) -> None:
    product = await make.product()
    for line1 in ("House 1", "House 1", "House 2"):
        await make.order(product, shipping_address=making.address(line1=line1))
    rows = await make.sql("SELECT line1, is_default FROM customer_addresses ORDER BY line1")
    assert [tuple(row) for row in rows] == [("House 1", True), ("House 2", False)]
