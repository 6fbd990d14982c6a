"""Locations, tax rates, and shipping zones, methods and rates."""

from typing import Any, Final
from uuid import UUID

from msgspec import UNSET

from shopkit.core.customers import bangladesh
from shopkit.core.loading.document import Method, Zone
from shopkit.core.loading.rows import Sheet, Table
from shopkit.core.loading.run import Run

LOCATIONS: Final = Table(
    "store_locations",
    ("code",),
    {"store_id": "uuid", "code": "text", "name": "text", "status": "text", "is_default": "boolean", "priority": "int"},
    {"status": "active", "is_default": False, "priority": 100},
)
TAX_RATES: Final = Table(
    "tax_rates",
    ("country_code", "admin1", "tax_class"),
    {"store_id": "uuid", "country_code": "text", "admin1": "text", "tax_class": "text", "name": "text",
     "rate": "numeric", "is_inclusive": "boolean"},
)  # fmt: skip
ZONES: Final = Table("shipping_zones", ("code",), {"store_id": "uuid", "code": "text", "name": "text"})
REGIONS: Final = Table(
    "shipping_zone_regions",
    ("zone_id", "country_code", "admin1", "admin2"),
    {"zone_id": "uuid", "country_code": "text", "admin1": "text", "admin2": "text"},
)
METHODS: Final = Table(
    "shipping_methods",
    ("code",),
    {"store_id": "uuid", "code": "text", "name": "text", "translations": "jsonb", "position": "int",
     "is_active": "boolean", "eta_min_days": "int", "eta_max_days": "int"},
    {"translations": {}, "position": 0, "is_active": True, "eta_min_days": None, "eta_max_days": None},
)  # fmt: skip
RATES: Final = Table(
    "shipping_rates",
    ("method_id", "zone_id", "currency", "min_subtotal", "min_weight_grams"),
    {"method_id": "uuid", "zone_id": "uuid", "currency": "text", "amount": "bigint", "min_subtotal": "bigint",
     "max_subtotal": "bigint", "min_weight_grams": "int", "max_weight_grams": "int"},
)  # fmt: skip


async def load_locations(run: Run) -> None:
    """Write the locations, and remember every location of the store by code."""
    sheet = await _of_store(run, LOCATIONS)
    seen: dict[str, str] = {}
    for number, given in enumerate(run.document.locations):
        at = f"/locations/{number}"
        if run.is_new(f"{at}/code", seen, given.code):
            run.need(f"{at}/name", sheet.find(given.code) is None, given.name)
            sheet.put((given.code,), {"store_id": run.store.id, **_fields(given)})
    await _move_default(run, sheet)
    await run.write([("locations", sheet)])
    run.locations = {row["code"]: row["id"] for row in sheet.rows.values()}
    run.default_location = next((row["id"] for row in sheet.rows.values() if row["is_default"]), None)


async def _move_default(run: Run, sheet: Sheet) -> None:
    """The document's default location takes over from the present one; a store has one at most."""
    chosen = [given.code for given in run.document.locations if given.is_default is True]
    for number, given in enumerate(run.document.locations):
        if given.is_default is True and given.code != chosen[0]:
            run.faults.add(f"/locations/{number}/is_default", "second_default", "Another location is the default.")
    for row in sheet.rows.values():
        if chosen and row["is_default"] and row["code"] != chosen[0]:
            # A statement of its own, before the others: the unique index looks at every row as it changes.
            await run.sql.execute("UPDATE store_locations SET is_default = false WHERE id = $1", row["id"])
            row["is_default"] = False


async def load_tax_rates(run: Run) -> None:
    """Write the tax rates."""
    sheet = await _of_store(run, TAX_RATES)
    seen: dict[Any, str] = {}
    for number, given in enumerate(run.document.tax_rates):
        admin1, _ = _region(run, f"/tax_rates/{number}", given.country_code, given.admin1, None)
        key = (given.country_code, admin1, given.tax_class)
        if run.is_new(f"/tax_rates/{number}", seen, key):
            fields = {"name": given.name, "rate": given.rate, "is_inclusive": given.is_inclusive}
            sheet.put(key, {"store_id": run.store.id, **fields})
    await run.write([("tax rates", sheet)])


async def load_shipping(run: Run) -> None:
    """Write zones with their regions, then methods with their rates."""
    zones = await _of_store(run, ZONES)
    regions = Sheet(REGIONS)
    await regions.read(run.sql, "zone_id IN (SELECT id FROM shipping_zones WHERE store_id = $1)", run.store.id)
    seen: dict[str, str] = {}
    for number, zone in enumerate(run.document.shipping.zones):
        at = f"/shipping/zones/{number}"
        if run.is_new(f"{at}/code", seen, zone.code):
            run.need(f"{at}/name", zones.find(zone.code) is None, zone.name)
            zone_id = zones.put((zone.code,), {"store_id": run.store.id, "name": zone.name})
            _put_regions(run, at, zone, zone_id, regions)
    await run.write([("shipping zones", zones), ("shipping regions", regions)])
    await _load_methods(run, zones)


def _put_regions(run: Run, at: str, zone: Zone, zone_id: UUID, sheet: Sheet) -> None:
    if zone.regions is UNSET:
        return
    seen: dict[Any, str] = {}
    for number, given in enumerate(zone.regions):
        here = f"{at}/regions/{number}"
        key = (zone_id, given.country_code, *_region(run, here, given.country_code, given.admin1, given.admin2))
        if run.is_new(here, seen, key):
            sheet.put(key, {})
    sheet.keep_only(sheet.of(zone_id), seen)


async def _load_methods(run: Run, zones: Sheet) -> None:
    methods = await _of_store(run, METHODS)
    rates = Sheet(RATES)
    await rates.read(run.sql, "method_id IN (SELECT id FROM shipping_methods WHERE store_id = $1)", run.store.id)
    seen: dict[str, str] = {}
    for number, given in enumerate(run.document.shipping.methods):
        at = f"/shipping/methods/{number}"
        if run.is_new(f"{at}/code", seen, given.code):
            run.need(f"{at}/name", methods.find(given.code) is None, given.name)
            run.check_locales(f"{at}/translations", given.translations)
            fields = {name: value for name, value in _fields(given).items() if name != "rates"}
            method_id = methods.put((given.code,), {"store_id": run.store.id, **fields})
            _check_eta(run, at, methods.rows[given.code,])
            _put_rates(run, at, given, method_id, zones, rates)
    await run.write([("shipping methods", methods), ("shipping rates", rates)])


def _check_eta(run: Run, at: str, row: dict[str, Any]) -> None:
    first, last = row["eta_min_days"], row["eta_max_days"]
    if first is not None and last is not None and last < first:
        run.faults.add(f"{at}/eta_max_days", "range_backward", "The latest day is before the first.")


def _put_rates(run: Run, at: str, method: Method, method_id: UUID, zones: Sheet, sheet: Sheet) -> None:
    if method.rates is UNSET:
        return
    seen: dict[Any, str] = {}
    for number, given in enumerate(method.rates):
        here = f"{at}/rates/{number}"
        zone = zones.find(given.zone)
        if zone is None:
            run.faults.add(f"{here}/zone", "unknown", "There is no such shipping zone.")
            continue
        for least, most in (("min_subtotal", "max_subtotal"), ("min_weight_grams", "max_weight_grams")):
            low, high = getattr(given, least), getattr(given, most)
            if high is not None and high <= (low or 0):
                run.faults.add(f"{here}/{most}", "range_backward", "The upper bound is not above the lower one.")
        key = (method_id, zone["id"], run.store.currency, given.min_subtotal, given.min_weight_grams)
        if run.is_new(here, seen, key):
            sheet.put(key, {name: value for name, value in _fields(given).items() if name != "zone"})
    sheet.keep_only(sheet.of(method_id), seen)


def _region(run: Run, at: str, country: str | None, admin1: str | None, admin2: str | None) -> tuple[str | None, ...]:
    """Division and district as addresses store them; names that no address can have are wrong."""
    if country != "BD":
        return admin1, admin2
    known = bangladesh.division(admin1) if admin1 else None, bangladesh.district(admin2) if admin2 else None
    for name, given, found in (("admin1", admin1, known[0]), ("admin2", admin2, known[1])):
        if given and found is None:
            run.faults.add(f"{at}/{name}", "unknown", "Bangladesh has no division or district of this name.")
    return tuple(place.en if place else None for place in known)


async def _of_store(run: Run, table: Table) -> Sheet:
    sheet = Sheet(table)
    await sheet.read(run.sql, "store_id = $1", run.store.id)
    return sheet


def _fields(given: Any) -> dict[str, Any]:
    return {name: getattr(given, name) for name in given.__struct_fields__}
