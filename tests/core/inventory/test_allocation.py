"""Which location gives how much, whatever the levels are."""

from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from shopkit.core.inventory.allocation import Hold, Level, allocate, allocate_all, fitting, free_of


def level(free: int, variant_id: UUID | None = None) -> Level:
    variant_id = variant_id or uuid4()
    return Level(id=uuid4(), variant_id=variant_id, location_id=uuid4(), free=free, available=free, reorder_level=0)


levels = st.lists(st.builds(level, st.integers(0, 20)), max_size=6)


@given(levels, st.integers(1, 60))
def test_all_of_it_is_allocated_or_nothing(rows: list[Level], quantity: int) -> None:
    shares = allocate(rows, quantity)
    assert sum(share.quantity for share in shares) == (quantity if free_of(rows) >= quantity else 0)


@given(levels, st.integers(1, 60))
def test_no_location_gives_more_than_it_has_and_each_gives_once(rows: list[Level], quantity: int) -> None:
    shares = allocate(rows, quantity)
    assert all(0 < share.quantity <= share.level.free for share in shares)
    assert len({share.level.id for share in shares}) == len(shares)


@given(levels, st.integers(1, 60))
def test_nothing_is_split_that_one_location_has(rows: list[Level], quantity: int) -> None:
    able = [row for row in rows if row.free >= quantity]
    if able:
        assert [share.level for share in allocate(rows, quantity)] == able[:1]


@given(levels, st.integers(1, 60))
def test_a_split_empties_the_earlier_locations_first(rows: list[Level], quantity: int) -> None:
    for share in allocate(rows, quantity)[:-1]:
        assert share.quantity == share.level.free


@given(st.dictionaries(st.uuids(), st.tuples(levels, st.integers(1, 40)), max_size=5))
def test_every_variant_is_either_covered_or_short(wanted: dict[UUID, tuple[list[Level], int]]) -> None:
    demand = {variant: quantity for variant, (_, quantity) in wanted.items()}
    shares, short = allocate_all({variant: rows for variant, (rows, _) in wanted.items()}, demand)
    missing = [variant for variant, (rows, quantity) in wanted.items() if free_of(rows) < quantity]
    assert short == missing
    assert sum(share.quantity for share in shares) == sum(
        demand[variant] for variant in demand if variant not in missing
    )


def test_a_hold_fits_that_has_the_quantity_where_it_is_sold() -> None:
    right, other, gone = uuid4(), uuid4(), uuid4()
    sold = {right: [level(0, right), level(0, right)], other: [level(0, other)]}
    halves = [Hold(id=uuid4(), stock_id=row.id, variant_id=right, quantity=2) for row in sold[right]]
    less = Hold(id=uuid4(), stock_id=sold[other][0].id, variant_id=other, quantity=1)
    lost = Hold(id=uuid4(), stock_id=uuid4(), variant_id=gone, quantity=1)
    assert fitting([*halves, less, lost], {right: 4, other: 2, gone: 1}, sold) == halves
