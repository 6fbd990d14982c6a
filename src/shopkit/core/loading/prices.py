"""Prices of products and variants: the open-ended one, and those for a time."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from msgspec import UNSET

from shopkit.core.loading.document import Product, Variant, Window
from shopkit.core.loading.rows import Sheet, Table
from shopkit.core.loading.run import Run

PRICES: Final = Table(
    "variant_prices",
    ("product_id", "variant_id", "starts_at"),
    {"product_id": "uuid", "variant_id": "uuid", "currency": "text", "amount": "bigint", "compare_at": "bigint",
     "cost": "bigint", "starts_at": "timestamptz", "ends_at": "timestamptz"},
    {"compare_at": None, "cost": None, "ends_at": None},
)  # fmt: skip


class Prices:
    """The prices of a part's products in the store's currency."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.sheet = Sheet(PRICES)

    async def read(self, products: Sequence[UUID]) -> None:
        """Take the present rows."""
        currency = self.run.store.currency
        await self.sheet.read(self.run.sql, "product_id = ANY($1) AND currency = $2", products, currency)

    def put(self, at: str, product_id: UUID, variant_id: UUID | None, given: Product | Variant) -> None:
        """Compare the prices of a product, or of one variant, with the store."""
        self._put_open(at, (product_id, variant_id, None), given)
        seen: dict[object, str] = {}
        for number, window in enumerate(given.prices or ()):
            here = f"{at}/prices/{number}"
            if self.run.is_new(f"{here}/starts_at", seen, window.starts_at):
                self._put_window(here, (product_id, variant_id, window.starts_at), window)

    def _put_open(self, at: str, key: tuple[UUID, UUID | None, None], given: Product | Variant) -> None:
        if given.price is None:
            if self.sheet.find(*key):
                self.sheet.drop(key)
        elif given.price is not UNSET or self.sheet.find(*key):
            fields = {"currency": self.run.store.currency, "compare_at": given.compare_at, "cost": given.cost}
            self.sheet.put(key, {**fields, "amount": given.price})
            self._check(at, self.sheet.rows[key])
        elif given.compare_at or given.cost:
            self.run.faults.add(f"{at}/price", "required", "A compare-at or cost stands beside a price.")

    def _put_window(self, at: str, key: tuple[UUID, UUID | None, object], window: Window) -> None:
        fields = {"amount": window.amount, "compare_at": window.compare_at, "ends_at": window.ends_at}
        self.sheet.put(key, {"currency": self.run.store.currency, **fields})
        self._check(at, self.sheet.rows[key])

    def _check(self, at: str, row: dict[str, int | None]) -> None:
        compare_at, amount = row["compare_at"], row["amount"]
        if compare_at is not None and amount is not None and compare_at <= amount:
            self.run.faults.add(f"{at}/compare_at", "compare_at_not_above", "A compare-at is above the price.")
