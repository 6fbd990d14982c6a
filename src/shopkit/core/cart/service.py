"""Edit a cart. Every edit first takes the cart's row, which keeps a second edit and a running checkout apart."""

import hashlib
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from shopkit.core.cart.errors import CartClosed, CartCompleting, CartNotFound, TooManyLines
from shopkit.core.cart.schemas import CartRow, Contact
from shopkit.core.cart.settings import CartSettings
from shopkit.core.catalog.prices import price_now
from shopkit.core.customers.address import Address
from shopkit.core.kernel import tokens
from shopkit.core.kernel.crypto import KeyRing
from shopkit.core.kernel.ids import uuid7
from shopkit.core.kernel.uow import Uow
from shopkit.core.settings import service as settings
from shopkit.sdk.errors import FieldError, Invalid

COMPLETING_SECONDS = 300
"""A completion that has not ended by then has crashed; its lock is ignored."""

COLUMNS = """id, status, currency, token_epoch, contact, shipping_address, billing_address, shipping_option,
    payment_method, note, customer_id, expires_at"""
PURPOSE = "cart"


class LineInput(Struct, frozen=True, kw_only=True):
    """What is put into a cart."""

    variant_id: UUID
    quantity: int
    customisation: Mapping[str, str] | None = None

    @property
    def customisation_hash(self) -> str | None:
        """The same customisation gives the same line."""
        if not self.customisation:
            return None
        text = msgspec.json.encode(dict(self.customisation), order="sorted")
        return hashlib.sha256(text).hexdigest()


def cart_token(keyring: KeyRing, tenant_id: UUID, cart: CartRow) -> str:
    """The token that opens the cart."""
    return tokens.issue(keyring, PURPOSE, tenant_id, cart.id, cart.token_epoch)


def check_token(keyring: KeyRing, tenant_id: UUID, cart_id: UUID, token: str | None) -> int:
    """The epoch of a genuine token. Raises `CartNotFound`: what is not yours is not there (I42)."""
    epoch = tokens.read(keyring, PURPOSE, tenant_id, cart_id, token)
    if epoch is None:
        raise CartNotFound
    return epoch


async def create(uow: Uow) -> CartRow:
    """An empty cart of the scope's store."""
    options = await settings.get(uow, CartSettings)
    store = uow.scope.store
    row = await uow.sql.fetchrow(
        f"""
        INSERT INTO carts (id, store_id, currency, locale, expires_at)
        VALUES ($1, $2, $3, $4, now() + make_interval(days => $5)) RETURNING {COLUMNS}
        """,
        uuid7(),
        store.id,
        store.currency,
        uow.scope.locale,
        options.guest_days,
    )
    return _cart(row)


async def get(uow: Uow, cart_id: UUID, epoch: int) -> CartRow:
    """The cart for reading. Raises `CartNotFound`; a cart past its time is still shown, an edit wakes it."""
    row = await uow.sql.fetchrow(
        f"SELECT {COLUMNS} FROM carts WHERE id = $1 AND store_id = $2", cart_id, uow.scope.store.id
    )
    if row is None or row["token_epoch"] != epoch:
        raise CartNotFound
    return _cart(row)


async def find(uow: Uow, cart_id: UUID) -> CartRow:
    """The cart by its id alone, for a caller that proved itself otherwise. Raises `CartNotFound`."""
    row = await uow.sql.fetchrow(f"SELECT {COLUMNS} FROM carts WHERE id = $1", cart_id)
    if row is None:
        raise CartNotFound
    return _cart(row)


OPEN = f"""
UPDATE carts SET status = 'active', lock_version = lock_version + 1,
    expires_at = now() + make_interval(days => $4) {{changes}}
WHERE id = $1 AND store_id = $2 AND token_epoch = $3 AND status IN ('active', 'abandoned')
  AND (completing_at IS NULL OR completing_at <= now() - make_interval(secs => {COMPLETING_SECONDS}))
RETURNING {COLUMNS}
"""


async def open_for_edit(uow: Uow, cart_id: UUID, epoch: int, changes: Mapping[str, Any] | None = None) -> CartRow:
    """Lock the cart, extend its life, wake it if it was abandoned, write columns that the caller has checked.

    Raises `CartNotFound`, `CartClosed` or `CartCompleting`.
    """
    options = await settings.get(uow, CartSettings)
    changes = changes or {}
    sql = OPEN.format(changes="".join(f", {name} = ${place}" for place, name in enumerate(changes, start=5)))
    row = await uow.sql.fetchrow(sql, cart_id, uow.scope.store.id, epoch, options.guest_days, *changes.values())
    if row is None:
        raise await _why_not(uow, cart_id, epoch)
    return _cart(row)


async def _why_not(uow: Uow, cart_id: UUID, epoch: int) -> Exception:
    cart = await get(uow, cart_id, epoch)
    return CartClosed() if cart.status in {"converted", "merged"} else CartCompleting()


def _cart(row: Any) -> CartRow:
    fields = {name: row[name] for name in CartRow.__struct_fields__}
    fields["contact"] = msgspec.convert(fields["contact"], Contact)
    for name in ("shipping_address", "billing_address"):
        fields[name] = msgspec.convert(fields[name], Address | None)
    return CartRow(**fields)


INSERT = f"""
INSERT INTO cart_items AS i
    (id, cart_id, variant_id, vendor_id, quantity, customisation, customisation_hash, unit_price, snapshot)
SELECT g.id, {{cart}}, g.variant_id, v.vendor_id, g.quantity, g.customisation, g.customisation_hash,
       coalesce(price.amount, 0),
       jsonb_build_object('title', p.title, 'options', v.options)
FROM {{lines}}
JOIN product_variants v ON v.id = g.variant_id JOIN products p ON p.id = v.product_id
LEFT JOIN LATERAL {price_now("v.id", "v.product_id", "{currency}")} price ON true
WHERE {{cart}} IS NOT NULL
ON CONFLICT (tenant_id, cart_id, variant_id, customisation_hash)
DO UPDATE SET quantity = least(i.quantity + excluded.quantity, 100000)
"""


MANY = """jsonb_to_recordset($2::jsonb) AS
    g(id uuid, variant_id uuid, quantity int, customisation jsonb, customisation_hash text)"""
ONE = """(VALUES ($5::uuid, $6::uuid, $7::int, $8::jsonb, $9::text)) AS
    g(id, variant_id, quantity, customisation, customisation_hash)"""

OPEN_AND_ADD = f"""
WITH opened AS ({OPEN.format(changes="")}),
added AS ({INSERT.format(cart="(SELECT id FROM opened)", lines=ONE, currency="$10")} RETURNING i.id)
SELECT opened.*, (SELECT count(*) FROM added) AS added FROM opened
"""


async def add_lines(uow: Uow, cart_id: UUID, lines: list[LineInput], *, at: str = "") -> None:
    """Fill a cart that this transaction made; the same variant and customisation sums.

    Raises `Invalid` for variants that never were; `at` is the pointer to the list, where there is one.
    """
    summed = _summed(lines)
    sql = INSERT.format(cart="$1::uuid", lines=MANY, currency="$3")
    done = await uow.sql.execute(sql, cart_id, _rows(summed), uow.scope.store.currency)
    await _check_known(uow, lines, len(summed), int(done.split()[-1]), at)


async def open_and_add(uow: Uow, cart_id: UUID, epoch: int, line: LineInput) -> CartRow:
    """`open_for_edit` and one more line in one statement: the most frequent edit of all."""
    options = await settings.get(uow, CartSettings)
    store = uow.scope.store
    customisation = msgspec.json.encode(line.customisation) if line.customisation else None
    row = await uow.sql.fetchrow(
        OPEN_AND_ADD, cart_id, store.id, epoch, options.guest_days, uuid7(), line.variant_id, line.quantity,
        customisation, line.customisation_hash, store.currency,
    )  # fmt: skip
    if row is None:
        raise await _why_not(uow, cart_id, epoch)
    await _check_known(uow, [line], 1, row["added"], "")
    return _cart(row)


async def _check_known(uow: Uow, lines: list[LineInput], asked: int, added: int, at: str) -> None:
    if added != asked:
        raise Invalid(errors=await _unknown(uow, [line.variant_id for line in lines], at))


def _summed(lines: list[LineInput]) -> list[LineInput]:
    summed: dict[tuple[UUID, str | None], LineInput] = {}
    for line in lines:
        key = (line.variant_id, line.customisation_hash)
        known = summed.get(key)
        quantity = line.quantity + (known.quantity if known else 0)
        summed[key] = LineInput(variant_id=line.variant_id, quantity=quantity, customisation=line.customisation)
    return list(summed.values())


def _rows(lines: list[LineInput]) -> bytes:
    rows = [
        {
            "id": uuid7(),
            "variant_id": line.variant_id,
            "quantity": line.quantity,
            "customisation": line.customisation or None,
            "customisation_hash": line.customisation_hash,
        }
        for line in lines
    ]
    return msgspec.json.encode(rows)


async def _unknown(uow: Uow, variants: list[UUID], at: str) -> list[FieldError]:
    rows = await uow.sql.fetch("SELECT id FROM product_variants WHERE id = ANY($1)", variants)
    known = {row["id"] for row in rows}
    return [
        FieldError(
            field=f"{at}/{place}/variant_id" if at else "/variant_id",
            code="unknown_variant",
            message="No such product.",
        )
        for place, variant_id in enumerate(variants)
        if variant_id not in known
    ]


async def set_quantity(uow: Uow, cart_id: UUID, item_id: UUID, quantity: int) -> None:
    """Change a line. Raises `CartNotFound` when the cart has no such line."""
    done = await uow.sql.execute(
        "UPDATE cart_items SET quantity = $3 WHERE cart_id = $1 AND id = $2", cart_id, item_id, quantity
    )
    if done != "UPDATE 1":
        raise CartNotFound("The cart has no such line.")


async def remove(uow: Uow, cart_id: UUID, item_id: UUID) -> None:
    """Remove a line. Raises `CartNotFound` when the cart has no such line."""
    done = await uow.sql.execute("DELETE FROM cart_items WHERE cart_id = $1 AND id = $2", cart_id, item_id)
    if done != "DELETE 1":
        raise CartNotFound("The cart has no such line.")


async def refresh_prices(uow: Uow, cart_id: UUID, shown: Mapping[UUID, int]) -> None:
    """Remember the prices that this answer shows, for lines where they differ from those shown before."""
    await uow.sql.execute(
        """
        UPDATE cart_items i SET unit_price = g.price
        FROM jsonb_to_recordset($2::jsonb) AS g(id uuid, price bigint) WHERE i.cart_id = $1 AND i.id = g.id
        """,
        cart_id,
        msgspec.json.encode([{"id": item, "price": price} for item, price in shown.items()]),
    )


async def convert(uow: Uow, cart_id: UUID, customer_id: UUID) -> None:
    """The cart has become an order; it ends here. Compare-and-set: an open cart only."""
    done = await uow.sql.execute(
        """
        UPDATE carts SET status = 'converted', completing_at = NULL, customer_id = $2
        WHERE id = $1 AND status IN ('active', 'abandoned')
        """,
        cart_id,
        customer_id,
    )
    if done != "UPDATE 1":
        raise CartClosed


def check_size(lines: int, options: CartSettings) -> None:
    """Raise `TooManyLines` beyond the store's limit."""
    if lines > options.max_lines:
        raise TooManyLines(details={"limit": options.max_lines})


async def abandon_expired(uow: Uow) -> int:
    """A batch of carts whose time is over becomes abandoned. Their holds ended long before: they last a day at most."""
    done = await uow.sql.execute(
        """
        UPDATE carts SET status = 'abandoned' WHERE id IN (
            SELECT id FROM carts WHERE status = 'active' AND expires_at <= now()
            AND (completing_at IS NULL OR completing_at <= now() - interval '5 minutes')
            ORDER BY expires_at LIMIT 200 FOR UPDATE SKIP LOCKED)
        """
    )
    return int(done.split()[-1])
