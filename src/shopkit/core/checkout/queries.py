"""Everything that a basket's price and feasibility depend on, in one statement: lines, stock, rates, taxes.

The basket is either a cart's lines or lines that a quick order brings along; prices and stock are read, never cached.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from msgspec import Struct

from shopkit.core.cart.schemas import CartRow
from shopkit.core.cart.service import LineInput
from shopkit.core.catalog.prices import price_now
from shopkit.core.inventory.queries import SELLABLE
from shopkit.core.kernel.ids import uuid7
from shopkit.core.kernel.uow import Uow
from shopkit.core.shipping.rates import RateRule
from shopkit.core.tax.rates import TaxRule


class BasketLine(Struct, frozen=True, kw_only=True):
    """A line with the present state of its variant. Amounts are minor units."""

    id: UUID
    variant_id: UUID
    quantity: int
    customisation: dict[str, str] | None = None
    shown_price: int | None
    """The price that the customer saw last; null or 0 for none."""
    snapshot_title: str | None
    product_id: UUID
    vendor_id: UUID
    slug: str | None
    title: str
    variant_title: str
    sku: str | None
    options: dict[str, str]
    image_url: str | None
    tax_class: str
    is_physical: bool
    is_tracked: bool
    weight_grams: int
    max_per_order: int | None
    is_listed: bool
    """Listed in the store and active now."""
    amount: int | None
    """The price that holds now; null: not for sale."""
    compare_at: int | None
    free: int
    """Units that could be promised to this basket, overdue holds and its own counted."""
    likely_stock_id: UUID | None
    """The first location's row that has the whole quantity, if it is also the variant's first in lock order."""

    @property
    def is_available(self) -> bool:
        """Whether the line can be bought as it stands, stock aside."""
        return self.is_listed and self.amount is not None


class BasketData(Struct, frozen=True, kw_only=True):
    """What one read of the database says."""

    now: datetime
    cart: CartRow | None = None
    lines: list[BasketLine]
    rates: list[RateRule]
    taxes: list[TaxRule]
    is_holding: bool = False
    """Whether the cart holds stock already."""


# Two plain look-ups: an id from `coalesce(…, (SELECT …))` would be compared with every picture of the tenant.
_FIRST_IMAGE = """'/media/' || CASE
    WHEN v.image_id IS NOT NULL THEN (SELECT m.path FROM media_assets m WHERE m.id = v.image_id)
    ELSE (SELECT m.path FROM product_media pm JOIN media_assets m ON m.id = pm.media_id
          WHERE pm.product_id = v.product_id ORDER BY pm.position, pm.id LIMIT 1) END"""

_STOCK = f"""(
    SELECT coalesce(sum(greatest(s.stock + s.oversell_limit - s.reserved, 0)), 0)::int AS free,
           (array_agg(s.id ORDER BY l.priority, l.code, s.id)
               FILTER (WHERE s.stock + s.oversell_limit - s.reserved >= i.quantity))[1] AS likely,
           (array_agg(s.id ORDER BY s.id))[1] AS first
    FROM inventory_stocks s {SELLABLE.format(variant="s.variant_id = v.id", store="$1", product="v.product_id")}
)"""

_HELD = f"""(
    SELECT coalesce(sum(r.quantity), 0)::int AS freed
    FROM inventory_reservations r JOIN inventory_stocks s ON s.id = r.stock_id
    {SELLABLE.format(variant="r.variant_id = v.id", store="$1", product="v.product_id")}
      AND r.status = 'active' AND r.expires_at IS NOT NULL AND (r.expires_at <= now() OR r.cart_id = $4)
)"""

_LINES = f"""
SELECT i.id, i.variant_id, i.quantity, i.customisation, i.unit_price AS shown_price,
    i.snapshot->>'title' AS snapshot_title, v.product_id, v.vendor_id, li.slug,
    coalesce(nullif(tr.title, ''), p.title) AS title, v.title AS variant_title, v.sku, v.options,
    {_FIRST_IMAGE} AS image_url, p.tax_class, v.fulfillment_type = 'physical' AS is_physical,
    v.track_inventory AS is_tracked, coalesce(v.weight_grams, p.weight_grams, 0) AS weight_grams, v.max_per_order,
    coalesce(v.is_active AND v.deleted_at IS NULL AND p.deleted_at IS NULL AND vn.status = 'approved'
        AND li.status = 'active' AND li.deleted_at IS NULL AND li.published_at <= now()
        AND (li.unpublish_at IS NULL OR li.unpublish_at > now()), false) AS is_listed,
    price.amount, price.compare_at, coalesce(stock.free, 0) + coalesce(held.freed, 0) AS free,
    CASE WHEN stock.likely = stock.first THEN stock.likely END AS likely_stock_id
FROM {{source}} i
JOIN product_variants v ON v.id = i.variant_id
JOIN products p ON p.id = v.product_id
JOIN vendors vn ON vn.id = v.vendor_id
LEFT JOIN product_listings li ON li.product_id = p.id AND li.store_id = $1
LEFT JOIN product_translations tr ON tr.product_id = p.id AND tr.locale = $3
LEFT JOIN LATERAL {price_now("v.id", "v.product_id", "$2")} price ON true
LEFT JOIN LATERAL {_STOCK} stock ON v.track_inventory
LEFT JOIN LATERAL {_HELD} held ON v.track_inventory
"""

_RATES = """
SELECT m.id AS method_id, m.code, coalesce(m.translations->>$3, m.name) AS name, m.position, m.eta_min_days,
    m.eta_max_days, r.amount, z.country_code, z.admin1, z.admin2, r.min_subtotal, r.max_subtotal, r.min_weight_grams,
    r.max_weight_grams
FROM shipping_methods m JOIN shipping_rates r ON r.method_id = m.id AND r.currency = $2
LEFT JOIN shipping_zone_regions z ON z.zone_id = r.zone_id
WHERE m.store_id = $1 AND m.is_active
"""

_TAXES = """
SELECT t.country_code, t.admin1, t.tax_class, t.name, t.rate::text AS rate, t.is_inclusive
FROM tax_rates t WHERE t.store_id = $1
"""

_BASKET = """
SELECT jsonb_build_object(
    'now', now(),
    'cart', {cart},
    'lines', (SELECT coalesce(jsonb_agg(to_jsonb(line) ORDER BY line.id), '[]') FROM ({lines}) line),
    'rates', (SELECT coalesce(jsonb_agg(to_jsonb(rate)), '[]') FROM ({rates}) rate),
    'taxes', (SELECT coalesce(jsonb_agg(to_jsonb(tax)), '[]') FROM ({taxes}) tax),
    'is_holding', EXISTS (SELECT FROM inventory_reservations r WHERE r.cart_id = $4 AND r.status = 'active')
)::text
"""

_CART = "(SELECT * FROM cart_items WHERE cart_id = $4)"
_GIVEN = """(
    SELECT *, NULL::bigint AS unit_price, '{}'::jsonb AS snapshot
    FROM unnest($5::uuid[], $6::uuid[], $7::int[], $8::jsonb[]) AS g(id, variant_id, quantity, customisation)
)"""

_CART_ROW = "(SELECT to_jsonb(c) FROM carts c WHERE c.id = $4 AND c.store_id = $1)"

OF_CART = _BASKET.format(cart="NULL", lines=_LINES.format(source=_CART), rates=_RATES, taxes=_TAXES)
WITH_CART = _BASKET.format(cart=_CART_ROW, lines=_LINES.format(source=_CART), rates=_RATES, taxes=_TAXES)
OF_LINES = _BASKET.format(cart="NULL", lines=_LINES.format(source=_GIVEN), rates=_RATES, taxes=_TAXES)

_decoder = msgspec.json.Decoder(BasketData)


async def of_cart(uow: Uow, cart_id: UUID, currency: str) -> BasketData:
    """The present state of a cart's lines."""
    store = uow.scope.store
    return _decoder.decode(await uow.sql.fetchval(OF_CART, store.id, currency, uow.scope.locale, cart_id))


async def with_cart(uow: Uow, cart_id: UUID) -> BasketData:
    """The cart's own row and the present state of its lines, for reading."""
    store = uow.scope.store
    return _decoder.decode(await uow.sql.fetchval(WITH_CART, store.id, store.currency, uow.scope.locale, cart_id))


async def of_lines(uow: Uow, lines: Sequence[LineInput]) -> BasketData:
    """The present state of lines that are in no cart; unknown variants are left out."""
    store = uow.scope.store
    text = await uow.sql.fetchval(
        OF_LINES,
        store.id,
        store.currency,
        uow.scope.locale,
        None,
        [uuid7() for _ in lines],
        [line.variant_id for line in lines],
        [line.quantity for line in lines],
        [msgspec.json.encode(line.customisation) if line.customisation else None for line in lines],
    )
    return _decoder.decode(text)
