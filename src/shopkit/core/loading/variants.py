"""Options, their values and the variants they make."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from msgspec import UNSET

from shopkit.core.catalog import matrix
from shopkit.core.loading.document import Option, Product, Variant
from shopkit.core.loading.prices import Prices
from shopkit.core.loading.rows import Sheet, Table
from shopkit.core.loading.run import Run
from shopkit.core.loading.stock import Stock

OPTIONS: Final = Table(
    "product_options",
    ("product_id", "name"),
    {"product_id": "uuid", "name": "text", "position": "int", "translations": "jsonb"},
    {"translations": {}},
)
VALUES: Final = Table(
    "product_option_values",
    ("option_id", "value"),
    {"option_id": "uuid", "value": "text", "position": "int", "translations": "jsonb"},
    {"translations": {}},
)
VARIANTS: Final = Table(
    "product_variants",
    ("product_id", "option_signature"),
    {"product_id": "uuid", "vendor_id": "uuid", "sku": "text", "title": "text", "options": "jsonb",
     "option_signature": "text", "position": "int", "is_active": "boolean", "fulfillment_type": "text",
     "track_inventory": "boolean", "max_per_order": "int", "weight_grams": "int", "length_mm": "int",
     "width_mm": "int", "height_mm": "int"},
    {"sku": None, "is_active": True, "track_inventory": True, "max_per_order": None, "weight_grams": None,
     "length_mm": None, "width_mm": None, "height_mm": None},
)  # fmt: skip
CHOSEN: Final = Table(
    "variant_option_values",
    ("variant_id", "option_value_id"),
    {"variant_id": "uuid", "option_value_id": "uuid"},
)

OWN: Final = (
    "sku", "position", "is_active", "fulfillment_type", "track_inventory", "max_per_order", "weight_grams",
    "length_mm", "width_mm", "height_mm",
)  # fmt: skip

Options = dict[str, dict[str, UUID]]
"""An option's name to its values and their ids, both in order."""


class Variants:
    """The options and variants of a part's products."""

    def __init__(self, run: Run, prices: Prices, stock: Stock, max_variants: int, fulfillment_type: str) -> None:
        self.run = run
        self.prices = prices
        self.stock = stock
        self.max_variants = max_variants
        self.fulfillment_type = fulfillment_type
        self.options, self.values = Sheet(OPTIONS), Sheet(VALUES)
        self.variants, self.chosen = Sheet(VARIANTS), Sheet(CHOSEN)
        self._by_sku: dict[tuple[UUID, str], dict[str, Any]] = {}

    @property
    def sheets(self) -> list[tuple[str, Sheet]]:
        """What is written, in the order of the references."""
        return [
            ("options", self.options),
            ("option values", self.values),
            ("variants", self.variants),
            ("variant options", self.chosen),
        ]

    async def read(self, products: Sequence[UUID]) -> None:
        """Take the present rows."""
        sql = self.run.sql
        await self.options.read(sql, "product_id = ANY($1)", products)
        option_ids = [row["id"] for row in self.options.rows.values()]
        await self.values.read(sql, "option_id = ANY($1)", option_ids)
        await self.variants.read(sql, "product_id = ANY($1) AND deleted_at IS NULL", products)
        variant_ids = [row["id"] for row in self.variants.rows.values()]
        await self.chosen.read(sql, "variant_id = ANY($1)", variant_ids)
        self._by_sku = {(row["product_id"], row["sku"]): row for row in self.variants.rows.values() if row["sku"]}

    def put(self, at: str, product_id: UUID, given: Product) -> dict[str, Any]:
        """Compare options and variants with the store; answers what the product's own row says of them."""
        options = self._put_options(at, product_id, given.options or [])
        here = f"{at}/variants"
        wanted = given.variants or []
        if not wanted and not self.variants.of(product_id):
            here, wanted = f"{at}/options", _every(options)
        mentioned: dict[str, str] = {}
        for number, variant in enumerate(wanted):
            pointer = f"{here}/{number}" if given.variants else here
            self._put_variant(pointer, product_id, number, variant, options, mentioned)
        self._retire(product_id, options, mentioned)
        if len(self.variants.of(product_id)) > self.max_variants:
            self.run.faults.add(here, "too_many_variants", f"A product has at most {self.max_variants} variants.")
        return {"type": "variable" if options else "simple"}

    def _put_options(self, at: str, product_id: UUID, given: Sequence[Option]) -> Options:
        seen: dict[str, str] = {}
        for number, option in enumerate(given):
            here = f"{at}/options/{number}"
            if self.run.is_new(f"{here}/name", seen, option.name):
                self._put_option(here, product_id, number, option)
        rows = sorted((self.options.rows[key] for key in self.options.of(product_id)), key=_place)
        return {row["name"]: self._values_of(row["id"]) for row in rows}

    def _values_of(self, option_id: UUID) -> dict[str, UUID]:
        rows = sorted((self.values.rows[key] for key in self.values.of(option_id)), key=_place)
        return {row["value"]: row["id"] for row in rows}

    def _put_option(self, at: str, product_id: UUID, number: int, option: Option) -> None:
        self.run.check_locales(f"{at}/translations", option.translations)
        present = self.options.find(product_id, option.name)
        names = {locale: texts.name for locale, texts in option.translations.items()}
        translations = {**(present["translations"] if present else {}), **names}
        option_id = self.options.put((product_id, option.name), {"position": number, "translations": translations})
        seen: dict[str, str] = {}
        for place, value in enumerate(option.values):
            if self.run.is_new(f"{at}/values/{place}", seen, value):
                known = self.values.find(option_id, value)
                said = {loc: texts.values[value] for loc, texts in option.translations.items() if value in texts.values}
                said = {**(known["translations"] if known else {}), **said}
                self.values.put((option_id, value), {"position": place, "translations": said})
        for locale, texts in option.translations.items():
            if unknown := sorted(texts.values.keys() - set(option.values)):
                text = f"The option has no such value: {', '.join(unknown)}."
                self.run.faults.add(f"{at}/translations/{locale}/values", "unknown", text)

    def _put_variant(
        self, at: str, product_id: UUID, number: int, given: Variant, options: Options, mentioned: dict[str, str]
    ) -> None:
        row = self._by_sku.get((product_id, given.sku)) if given.sku else None
        chosen = given.options if given.options is not UNSET else row["options"] if row else {}
        signature = matrix.signature(chosen)
        if not self._fits(at, product_id, given, chosen, options) or not self.run.is_new(at, mentioned, signature):
            return
        other = self.variants.find(product_id, signature)
        if row is not None and other is not None and other is not row:
            self.run.faults.add(f"{at}/options", "variant_exists", "Another variant has these options.")
            return
        fields = {name: getattr(given, name) for name in OWN if getattr(given, name) is not UNSET}
        fields |= {
            "options": matrix.in_order(chosen, options),
            "title": matrix.title(chosen, options),
            "option_signature": signature,
        }
        row = row or other
        if row is None:
            made = {"position": number, "fulfillment_type": self.fulfillment_type, "vendor_id": self.run.vendor_id}
            variant_id = self.variants.put((product_id, signature), {**made, **fields})
        else:
            variant_id = row["id"]
            self.variants.change(row, fields)
        self._link(variant_id, [options[name][value] for name, value in chosen.items()])
        self.prices.put(at, product_id, variant_id, given)
        self.stock.want(at, variant_id, given)

    def _link(self, variant_id: UUID, value_ids: list[UUID]) -> None:
        links = [(variant_id, value_id) for value_id in value_ids]
        for link in links:
            self.chosen.put(link, {})
        self.chosen.keep_only(self.chosen.of(variant_id), links)

    def _fits(self, at: str, product_id: UUID, given: Variant, chosen: dict[str, str], options: Options) -> bool:
        faults = self.run.faults
        if not matrix.is_complete(chosen, {name: list(values) for name, values in options.items()}):
            asked = ", ".join(options) or "none"
            text = f"A variant has one known value for each option of its product ({asked})."
            faults.add(f"{at}/options", "option_mismatch", text)
            return False
        if given.sku and self.run.sku_owners.get(given.sku, product_id) != product_id:
            faults.add(f"{at}/sku", "sku_taken", "A variant of another product has this SKU.")
            return False
        return not given.sku or self.run.is_new(f"{at}/sku", self.run.skus, given.sku)

    def _retire(self, product_id: UUID, options: Options, mentioned: dict[str, str]) -> None:
        """A variant that lacks a value for a new option cannot be chosen any more; it stays, inactive."""
        plain = {name: list(values) for name, values in options.items()}
        for key in self.variants.of(product_id):
            row = self.variants.rows[key]
            if row["option_signature"] not in mentioned and not matrix.is_complete(row["options"], plain):
                self.variants.change(row, {"is_active": False})


def _every(options: Options) -> list[Variant]:
    """A variant for each combination; one without options if there are none."""
    return [
        Variant(options=chosen)
        for chosen in matrix.combinations({name: list(values) for name, values in options.items()})
    ]


def _place(row: dict[str, Any]) -> tuple[int, UUID]:
    return row["position"], row["id"]
