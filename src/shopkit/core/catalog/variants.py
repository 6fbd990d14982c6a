"""Writes of options and variants (C3, C4): a product keeps at least one variant, each with one value per option."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from shopkit.core.catalog import matrix, projections
from shopkit.core.catalog.errors import LastVariant, OptionMismatch, TooManyVariants, VariantExists
from shopkit.core.catalog.schemas import NewProduct, NewVariant, VariantChange
from shopkit.core.catalog.settings import CatalogSettings
from shopkit.core.catalog.writing import given, insert, lock_product, update
from shopkit.core.kernel.ids import uuid7
from shopkit.core.kernel.uow import Uow
from shopkit.core.settings import service as settings
from shopkit.sdk.errors import NotFound


class Option(Struct, frozen=True):
    """A product's option: its values with their ids, in order."""

    id: UUID
    name: str
    values: dict[str, UUID]


async def create_all(uow: Uow, product_id: UUID, new: NewProduct) -> list[UUID]:
    """The options and variants of a new product; without variants, every combination of its options."""
    for name, values in new.options.items():
        await _insert_option(uow, product_id, name, values)
    options = await _options(uow, product_id)
    wanted = new.variants or [NewVariant(options=chosen) for chosen in matrix.combinations(_values(options))]
    await _check_number(uow, len(wanted))
    return [
        await _insert_variant(uow, product_id, options, variant, position) for position, variant in enumerate(wanted)
    ]


async def add_option(uow: Uow, product_id: UUID, name: str, values: Sequence[str]) -> None:
    """Offer another choice; the variants that are there take its first value. Raises `OptionMismatch`, `NotFound`."""
    await lock_product(uow, product_id)
    if not values or name in _values(await _options(uow, product_id)):
        raise OptionMismatch("An option has a name of its own and at least one value.")
    await _insert_option(uow, product_id, name, values)
    options = await _options(uow, product_id)
    for row in await _variants(uow, product_id):
        await _write_choice(uow, row["id"], options, {**row["options"], name: values[0]})
    await update(uow.sql, "products", product_id, {"type": "variable"})


async def add_value(uow: Uow, product_id: UUID, option: str, value: str) -> None:
    """Offer another value of an option; `generate` makes its variants. Raises `NotFound`, `OptionMismatch`."""
    await lock_product(uow, product_id)
    known = next((each for each in await _options(uow, product_id) if each.name == option), None)
    if known is None:
        raise NotFound
    if value in known.values:
        raise OptionMismatch("The option has this value already.")
    await insert(
        uow.sql, "product_option_values", {"option_id": known.id, "value": value, "position": len(known.values)}
    )


async def generate(uow: Uow, product_id: UUID) -> int:
    """Make the variants that the options allow and that are missing; how many. Raises `TooManyVariants`."""
    await lock_product(uow, product_id)
    options, present = await _options(uow, product_id), await _variants(uow, product_id)
    known = {row["option_signature"] for row in present}
    chosen = [each for each in matrix.combinations(_values(options)) if matrix.signature(each) not in known]
    await _check_number(uow, len(present) + len(chosen))
    for position, each in enumerate(chosen, len(present)):
        await _insert_variant(uow, product_id, options, NewVariant(options=each), position)
    await projections.refresh(uow.sql, [product_id])
    return len(chosen)


async def add_variant(uow: Uow, product_id: UUID, new: NewVariant) -> UUID:
    """Add one variant; its price is set with `service.set_price`.

    Raises `OptionMismatch`, `VariantExists`, `SkuTaken`, `TooManyVariants`, `NotFound`.
    """
    await lock_product(uow, product_id)
    options, present = await _options(uow, product_id), await _variants(uow, product_id)
    await _check_number(uow, len(present) + 1)
    variant_id = await _insert_variant(uow, product_id, options, new, len(present))
    await projections.refresh(uow.sql, [product_id])
    return variant_id


async def change_variant(uow: Uow, variant_id: UUID, change: VariantChange) -> None:
    """Change a variant, its options apart. Raises `SkuTaken`, `NotFound`."""
    product_id = await _product_of(uow, variant_id)
    await lock_product(uow, product_id)
    await update(uow.sql, "product_variants", variant_id, given(change))
    await projections.refresh(uow.sql, [product_id])


async def choose(uow: Uow, variant_id: UUID, chosen: dict[str, str]) -> None:
    """Give a variant other option values. Raises `OptionMismatch`, `VariantExists`, `NotFound`."""
    product_id = await _product_of(uow, variant_id)
    await lock_product(uow, product_id)
    options = await _options(uow, product_id)
    await _require_fit(uow, product_id, options, chosen, but=variant_id)
    await _write_choice(uow, variant_id, options, chosen)


async def delete_variant(uow: Uow, variant_id: UUID) -> None:
    """Mark a variant as deleted. Raises `LastVariant`, `NotFound`."""
    product_id = await _product_of(uow, variant_id)
    await lock_product(uow, product_id)
    if len(await _variants(uow, product_id)) == 1:
        raise LastVariant
    await uow.sql.execute("UPDATE product_variants SET deleted_at = now() WHERE id = $1", variant_id)
    await projections.refresh(uow.sql, [product_id])


async def require(uow: Uow, product_id: UUID, variant_id: UUID) -> None:
    """Raise `NotFound` unless the variant is the product's."""
    if await _product_of(uow, variant_id) != product_id:
        raise NotFound


async def _check_number(uow: Uow, number: int) -> None:
    most = (await settings.get(uow, CatalogSettings)).max_variants
    if number > most:
        raise TooManyVariants(details={"variants": number, "max_variants": most})


async def _product_of(uow: Uow, variant_id: UUID) -> UUID:
    found: UUID | None = await uow.sql.fetchval(
        "SELECT product_id FROM product_variants WHERE id = $1 AND deleted_at IS NULL", variant_id
    )
    if found is None:
        raise NotFound
    return found


async def _options(uow: Uow, product_id: UUID) -> list[Option]:
    rows = await uow.sql.fetch(
        """
        SELECT o.id, o.name, v.id AS value_id, v.value FROM product_options o
        LEFT JOIN product_option_values v ON v.option_id = o.id
        WHERE o.product_id = $1 ORDER BY o.position, o.id, v.position, v.id
        """,
        product_id,
    )
    options: dict[UUID, Option] = {}
    for row in rows:
        option = options.setdefault(row["id"], Option(row["id"], row["name"], {}))
        if row["value_id"] is not None:
            option.values[row["value"]] = row["value_id"]
    return list(options.values())


def _values(options: Sequence[Option]) -> dict[str, list[str]]:
    return {option.name: list(option.values) for option in options}


async def _variants(uow: Uow, product_id: UUID) -> list[Any]:
    rows: list[Any] = await uow.sql.fetch(
        """
        SELECT id, options, option_signature FROM product_variants
        WHERE product_id = $1 AND deleted_at IS NULL ORDER BY position, id
        """,
        product_id,
    )
    return rows


async def _insert_option(uow: Uow, product_id: UUID, name: str, values: Sequence[str]) -> None:
    option_id = uuid7()
    await uow.sql.execute(
        """
        INSERT INTO product_options (id, product_id, name, position)
        SELECT $1, $2, $3, count(*) FROM product_options WHERE product_id = $2
        """,
        option_id,
        product_id,
        name,
    )
    await uow.sql.execute(
        """
        INSERT INTO product_option_values (option_id, value, position)
        SELECT $1, g.value, g.place - 1 FROM unnest($2::text[]) WITH ORDINALITY AS g(value, place)
        """,
        option_id,
        list(dict.fromkeys(values)),
    )


async def _insert_variant(
    uow: Uow, product_id: UUID, options: Sequence[Option], new: NewVariant, position: int
) -> UUID:
    await _require_fit(uow, product_id, options, new.options)
    variant_id = uuid7()
    vendor_id = await uow.sql.fetchval("SELECT vendor_id FROM products WHERE id = $1", product_id)
    kind = new.fulfillment_type or (await settings.get(uow, CatalogSettings)).default_fulfillment_type
    own = {name: getattr(new, name) for name in ("sku", "track_inventory", "max_per_order", "weight_grams")}
    places = {"id": variant_id, "product_id": product_id, "vendor_id": vendor_id, "position": position}
    signed = {"option_signature": matrix.signature(new.options), "fulfillment_type": kind}
    await insert(uow.sql, "product_variants", {**places, **own, **signed})
    await _write_choice(uow, variant_id, options, new.options)
    return variant_id


async def _require_fit(
    uow: Uow, product_id: UUID, options: Sequence[Option], chosen: dict[str, str], but: UUID | None = None
) -> None:
    if not matrix.is_complete(chosen, _values(options)):
        raise OptionMismatch(details={"options": [option.name for option in options]})
    signature = matrix.signature(chosen)
    for row in await _variants(uow, product_id):
        if row["option_signature"] == signature and row["id"] != but:
            raise VariantExists


async def _write_choice(uow: Uow, variant_id: UUID, options: Sequence[Option], chosen: dict[str, str]) -> None:
    """The values, and the caches that follow from them."""
    order = [option.name for option in options]
    value_ids = [option.values[chosen[option.name]] for option in options]
    await uow.sql.execute("DELETE FROM variant_option_values WHERE variant_id = $1", variant_id)
    await uow.sql.execute(
        "INSERT INTO variant_option_values (variant_id, option_value_id) SELECT $1, unnest($2::uuid[])",
        variant_id,
        value_ids,
    )
    await uow.sql.execute(
        "UPDATE product_variants SET options = $2, title = $3, option_signature = $4 WHERE id = $1",
        variant_id,
        msgspec.json.encode(matrix.in_order(chosen, order)),
        matrix.title(chosen, order),
        matrix.signature(chosen),
    )
