"""Pieces of SQL that lists and pages share: who may be seen, which prices hold, which language is shown."""

from typing import Final

from shopkit.core.inventory.queries import IS_SOLD_FROM

LISTED: Final = "product_listings l JOIN products p ON p.id = l.product_id"

VISIBLE: Final = """l.status = 'active' AND l.visibility = 'public' AND l.deleted_at IS NULL
    AND l.published_at <= now() AND (l.unpublish_at IS NULL OR l.unpublish_at > now()) AND p.deleted_at IS NULL
    AND p.vendor_id NOT IN (SELECT vn.id FROM vendors vn WHERE vn.status <> 'approved')"""
"""Of `LISTED`."""

CATEGORY_SHOWN: Final = """c.is_active AND c.deleted_at IS NULL AND NOT EXISTS (
    SELECT FROM jsonb_array_elements_text(c.path) AS step(id) JOIN categories a ON a.id = step.id::uuid
    WHERE NOT a.is_active OR a.deleted_at IS NOT NULL)"""
"""Of a category `c`: an inactive one hides everything below it."""


def prices_now(product: str, currency: str) -> str:
    """The prices that hold now, one for each variant that has its own and one (variant null) for all others.

    The rule of `catalog.prices` in one pass over a product's prices instead of one for each variant; a test compares
    them.
    """
    return f"""
        SELECT DISTINCT ON (x.variant_id) x.variant_id, x.amount, x.compare_at FROM variant_prices x
        WHERE x.product_id = {product} AND x.currency = {currency}
          AND (x.starts_at IS NULL OR x.starts_at <= now()) AND (x.ends_at IS NULL OR x.ends_at > now())
        ORDER BY x.variant_id, x.ends_at IS NULL, x.starts_at DESC NULLS LAST"""


def text(column: str, locale: str | None) -> str:
    """A text of the product `p` with its translation `tr`; an empty translation falls back."""
    return f"coalesce(nullif(tr.{column}, ''), p.{column})" if locale else f"p.{column}"


def translation(product: str, locale: str | None) -> str:
    """The join of `tr`, where another language than the store's is asked for."""
    on = f"tr.product_id = {product} AND tr.locale = {locale}"
    return f"LEFT JOIN product_translations tr ON {on}" if locale else ""


def name(table: str, locale: str | None) -> str:
    """The name of a brand or a tag."""
    return f"coalesce(nullif({table}.translations->{locale}->>'name', ''), {table}.name)" if locale else f"{table}.name"


def alt(locale: str | None) -> str:
    """What a picture `m` shows."""
    return f"coalesce(nullif(m.alt_translations->>{locale}, ''), m.alt)" if locale else "m.alt"


def label(table: str, locale: str | None) -> str:
    """What an option or a value is called, if it has a name in that language."""
    return f"nullif({table}.translations->>{locale}, '')" if locale else "NULL"


def stock_sold_here(variant: str, product: str) -> str:
    """FROM and WHERE of the stock rows `s` that the store may sell, as `inventory.queries.SELLABLE` says it.

    Its locations, and whether any product is bound to some, are asked once for the whole statement.
    """
    return f"""
        FROM inventory_stocks s
        WHERE {variant} AND s.location_id = ANY(ARRAY(
            SELECT l.id FROM store_locations l WHERE l.store_id = $1 AND l.status = 'active'))
          AND {IS_SOLD_FROM.format(product=product, location="s.location_id")}"""
