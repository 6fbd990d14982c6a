"""The price that holds: one rule in SQL and in Python, and lists that follow it."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shopkit.bootstrap import Shop
from shopkit.core.catalog import jobs, service
from shopkit.core.catalog.errors import InvalidPrice
from shopkit.core.catalog.prices import Price, PriceNow, least_price_now, price_at, price_now
from shopkit.core.catalog.schemas import NewPrice
from shopkit.core.kernel.decode import Instant
from shopkit.core.kernel.scope import Scope
from shopkit.core.kernel.uow import Uow
from shopkit.sdk.errors import NotFound

Maker = Callable[..., Awaitable[UUID]]

NOW = datetime(2026, 1, 1, tzinfo=UTC)
OWN = uuid4()


def days(number: float) -> Instant:
    """That many days from now, by the machine's clock, which the tests' database shares."""
    moment = datetime.now(UTC) + timedelta(days=number)
    return Instant.fromtimestamp(moment.timestamp(), UTC)


async def now_of(uow: Uow, product_id: UUID) -> list[tuple[int, int | None]]:
    rows = await uow.sql.fetch(
        f"""
        SELECT price.amount, price.compare_at
        FROM product_variants v JOIN LATERAL {price_now("v.id", "v.product_id", "$2")} price ON true
        WHERE v.product_id = $1 ORDER BY v.position
        """,
        product_id,
        "BDT",
    )
    return [tuple(row) for row in rows]


async def sort_price(uow: Uow, product_id: UUID) -> Any:
    return await uow.sql.fetchval("SELECT sort_price FROM product_listings WHERE product_id = $1", product_id)


@pytest.mark.parametrize(
    ("prices", "expected"),
    [
        ([], None),
        ([Price(amount=100)], PriceNow(100, None)),
        ([Price(amount=100), Price(amount=90, variant_id=OWN)], PriceNow(90, None)),
        ([Price(amount=100), Price(amount=90, variant_id=uuid4())], PriceNow(100, None)),
        ([Price(amount=100, compare_at=120), Price(amount=90, variant_id=OWN)], PriceNow(90, 120)),
        ([Price(amount=100, compare_at=120), Price(amount=130, variant_id=OWN)], PriceNow(130, None)),
        (
            [
                Price(amount=100, starts_at=NOW),
                Price(amount=80, starts_at=NOW - timedelta(1), ends_at=NOW + timedelta(1)),
            ],
            PriceNow(80, None),
        ),
        ([Price(amount=100), Price(amount=95, starts_at=NOW - timedelta(1))], PriceNow(95, None)),
        ([Price(amount=100), Price(amount=80, starts_at=NOW - timedelta(1), ends_at=NOW)], PriceNow(100, None)),
        ([Price(amount=80, starts_at=NOW + timedelta(1))], None),
    ],
)
def test_the_rule(prices: list[Price], expected: PriceNow | None) -> None:
    assert price_at(prices, OWN, NOW) == expected


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_sql_and_python_agree(shop: Shop, scope: Scope, data: st.DataObject) -> None:
    class Undone(Exception):
        pass

    offsets = st.none() | st.integers(-3, 3)
    with pytest.raises(Undone):
        async with shop.uow(scope) as uow:
            from shopkit.core.catalog.schemas import NewProduct

            product = await service.create_product(uow, NewProduct(title="Agreeing"))
            variant = await uow.sql.fetchval("SELECT id FROM product_variants WHERE product_id = $1", product)
            moment = await uow.sql.fetchval("SELECT now()")
            prices: dict[Any, Price] = {}
            for _ in range(data.draw(st.integers(0, 5))):
                start, length = data.draw(offsets), data.draw(st.none() | st.integers(1, 4))
                starts = moment + timedelta(days=start) if start is not None else None
                ends = (starts or moment - timedelta(days=2)) + timedelta(days=length) if length else None
                owner = data.draw(st.sampled_from([variant, None]))
                amount = data.draw(st.integers(1, 9))
                compare = data.draw(st.none() | st.integers(1, 9).map(lambda more, a=amount: a + more))
                prices[owner, starts] = Price(
                    amount=amount, compare_at=compare, variant_id=owner, starts_at=starts, ends_at=ends
                )
            for price in prices.values():
                await uow.sql.execute(
                    """
                    INSERT INTO variant_prices
                        (product_id, variant_id, currency, amount, compare_at, starts_at, ends_at)
                    VALUES ($1, $2, 'BDT', $3, $4, $5, $6)
                    """,
                    product, price.variant_id, price.amount, price.compare_at, price.starts_at, price.ends_at,
                )  # fmt: skip
            found = price_at(prices.values(), variant, moment)
            assert await now_of(uow, product) == ([(found.amount, found.compare_at)] if found else [])
            raise Undone


async def test_a_window_holds_for_its_time_only(uow: Uow, make_product: Maker) -> None:
    product = await make_product()
    await service.set_price(uow, product, NewPrice(amount=80_000, compare_at=100_000, ends_at=days(1)))
    assert await now_of(uow, product) == [(80_000, 100_000)]
    assert await sort_price(uow, product) == 80_000
    past = NewPrice(amount=70_000, starts_at=days(-3), ends_at=days(-2))
    await service.set_price(uow, product, past)
    future = NewPrice(amount=60_000, starts_at=days(2), ends_at=days(3))
    await service.set_price(uow, product, future)
    assert await now_of(uow, product) == [(80_000, 100_000)]


async def test_a_price_of_the_same_start_is_replaced_and_one_taken_away_uncovers_the_next(
    uow: Uow, make_product: Maker
) -> None:
    product = await make_product()
    start = days(-1)
    await service.set_price(uow, product, NewPrice(amount=90_000, starts_at=start))
    await service.set_price(uow, product, NewPrice(amount=85_000, starts_at=start))
    assert await sort_price(uow, product) == 85_000
    await service.remove_price(uow, product, starts_at=start)
    assert await sort_price(uow, product) == 100_000
    with pytest.raises(NotFound):
        await service.remove_price(uow, product, starts_at=start)


async def test_prices_that_contradict_themselves_are_refused(uow: Uow, make_product: Maker) -> None:
    product = await make_product()
    for wrong in (
        NewPrice(amount=100, compare_at=100),
        NewPrice(amount=100, starts_at=days(1), ends_at=days(0)),
    ):
        with pytest.raises(InvalidPrice):
            await service.set_price(uow, product, wrong)


async def test_a_variant_of_another_product_gets_no_price_here(uow: Uow, make_product: Maker) -> None:
    product, other = await make_product(), await make_product()
    variant = await uow.sql.fetchval("SELECT id FROM product_variants WHERE product_id = $1", other)
    with pytest.raises(NotFound):
        await service.set_price(uow, product, NewPrice(amount=1, variant_id=variant))


async def test_the_least_price_is_of_an_active_variant(uow: Uow, make_product: Maker) -> None:
    product = await make_product(options={"Size": ["M", "L"]})
    cheap = await uow.sql.fetchval("SELECT id FROM product_variants WHERE product_id = $1 AND title = 'L'", product)
    await service.set_price(uow, product, NewPrice(amount=50_000, variant_id=cheap))
    assert await sort_price(uow, product) == 50_000
    await uow.sql.execute("UPDATE product_variants SET is_active = false WHERE id = $1", cheap)
    statement = f"SELECT amount FROM (SELECT $1::uuid AS id) p JOIN LATERAL {least_price_now('p.id', '$2')} x ON true"
    assert await uow.sql.fetchval(statement, product, "BDT") == 100_000


async def test_lists_follow_a_window_that_began_or_ended_since_the_last_run(uow: Uow, make_product: Maker) -> None:
    product = await make_product()
    await service.publish(uow, product)
    await uow.sql.execute("UPDATE schedules SET last_run_at = now() - interval '2 days'")
    await uow.sql.execute(
        """
        INSERT INTO variant_prices (product_id, currency, amount, starts_at, ends_at)
        VALUES ($1, 'BDT', 70000, now() - interval '1 day', now() + interval '1 day')
        """,
        product,
    )
    assert await jobs.refresh_prices(uow) == 1
    assert await sort_price(uow, product) == 70_000
    assert await jobs.refresh_prices(uow) == 0
    await uow.sql.execute("UPDATE variant_prices SET ends_at = now() WHERE amount = 70000")
    assert await jobs.refresh_prices(uow) == 1
    assert await sort_price(uow, product) == 100_000


async def test_a_listing_past_its_end_leaves_the_lists(uow: Uow, make_product: Maker) -> None:
    from shopkit.core.catalog import categories
    from shopkit.core.catalog.schemas import NewCategory

    category = await categories.create_category(uow, NewCategory(name="Shirts"))
    product = await make_product(category_ids=[category])
    await service.publish(uow, product)
    assert await uow.sql.fetchval("SELECT count(*) FROM category_listings") == 1
    await uow.sql.execute(
        """
        UPDATE product_listings SET published_at = now() - interval '2 days', unpublish_at = now() - interval '1 second'
        """
    )
    assert await jobs.refresh_prices(uow) == 1
    assert await uow.sql.fetchval("SELECT count(*) FROM category_listings") == 0
