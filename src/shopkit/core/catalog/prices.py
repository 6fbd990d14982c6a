"""The price that holds now: one rule, as SQL for queries and as a pure function for what is already in memory.

A variant's own price comes before its product's, a price that ends before an open-ended one, the latest start first.
A price without a compare-at follows the product's, where that is above it (C4). Amounts are minor units.

    SELECT v.id, price.amount, price.compare_at
    FROM product_variants v LEFT JOIN LATERAL {price_now("v.id", "v.product_id", "$1")} price ON true

"now" is the transaction's: every price in one transaction is of the same moment.
"""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from msgspec import Struct


def price_now(variant: str = "v.id", product: str = "v.product_id", currency: str = "$1") -> str:
    """SQL of a lateral subquery with `amount` and `compare_at` of a variant; no row when it has no price now.

    The arguments are SQL expressions: column names or parameters, never values.
    """
    return f"""(
        SELECT p.amount, nullif(greatest(p.amount, coalesce(
            p.compare_at,
            first_value(p.compare_at) OVER (
                ORDER BY p.variant_id IS NOT NULL, p.ends_at IS NULL, p.starts_at DESC NULLS LAST)
        )), p.amount) AS compare_at
        FROM variant_prices p
        WHERE p.product_id = {product} AND (p.variant_id = {variant} OR p.variant_id IS NULL)
          AND p.currency = {currency}
          AND (p.starts_at IS NULL OR p.starts_at <= now()) AND (p.ends_at IS NULL OR p.ends_at > now())
        ORDER BY p.variant_id IS NULL, p.ends_at IS NULL, p.starts_at DESC NULLS LAST
        LIMIT 1
    )"""


def least_price_now(product: str = "l.product_id", currency: str = "$1") -> str:
    """SQL of a lateral subquery with `amount` and `compare_at` of a product's cheapest variant that is for sale."""
    return f"""(
        SELECT price.amount, price.compare_at
        FROM product_variants v CROSS JOIN LATERAL {price_now("v.id", "v.product_id", currency)} price
        WHERE v.product_id = {product} AND v.is_active AND v.deleted_at IS NULL
        ORDER BY price.amount, price.compare_at DESC NULLS LAST
        LIMIT 1
    )"""


class Price(Struct, frozen=True, kw_only=True):
    """One row of a product's prices, in one currency."""

    amount: int
    compare_at: int | None = None
    variant_id: UUID | None = None
    """Null: the price of every variant without its own."""
    starts_at: datetime | None = None
    ends_at: datetime | None = None

    def holds_at(self, moment: datetime) -> bool:
        """Whether the window is open: its start belongs to it, its end does not."""
        return (self.starts_at is None or self.starts_at <= moment) and (self.ends_at is None or self.ends_at > moment)


class PriceNow(Struct, frozen=True):
    """What a variant costs, and what it cost before."""

    amount: int
    compare_at: int | None


def price_at(prices: Iterable[Price], variant_id: UUID, moment: datetime) -> PriceNow | None:
    """The price of a variant at a moment, out of all prices of its product in one currency; None: not for sale."""
    open_now = [price for price in prices if price.holds_at(moment)]
    own = _foremost(price for price in open_now if price.variant_id == variant_id)
    common = _foremost(price for price in open_now if price.variant_id is None)
    chosen = own or common
    if chosen is None:
        return None
    inherited = common.compare_at if common else None
    compare_at = chosen.compare_at if chosen.compare_at is not None else inherited
    return PriceNow(chosen.amount, compare_at if compare_at is not None and compare_at > chosen.amount else None)


def _foremost(prices: Iterable[Price]) -> Price | None:
    return min(prices, key=_order, default=None)


def _order(price: Price) -> tuple[bool, float]:
    return price.ends_at is None, -price.starts_at.timestamp() if price.starts_at else float("inf")
