"""Chores of carts and holds: time passes without a customer. Each run is a small batch; nothing waits for them."""

from shopkit.core.cart import service as carts
from shopkit.core.cart.settings import CartSettings
from shopkit.core.inventory import service as inventory
from shopkit.core.kernel.jobs import Schedule
from shopkit.core.kernel.uow import Uow
from shopkit.core.settings import service as settings

OLD_CARTS = """
SELECT c.id FROM carts c
WHERE c.status = 'abandoned' AND c.expires_at <= now() - make_interval(days => $1)
  AND NOT EXISTS (SELECT FROM orders o WHERE o.cart_id = c.id)
  AND NOT EXISTS (SELECT FROM inventory_reservations r WHERE r.cart_id = c.id AND r.status = 'active')
ORDER BY c.expires_at LIMIT 200 FOR UPDATE SKIP LOCKED
"""


async def purge_carts(uow: Uow) -> int:
    """Delete a batch of carts abandoned long ago, with their ended holds; the stock ledger keeps the history (F4)."""
    options = await settings.get(uow, CartSettings)
    ids = [row["id"] for row in await uow.sql.fetch(OLD_CARTS, options.purge_days)]
    if ids:
        await uow.sql.execute("DELETE FROM inventory_reservations WHERE cart_id = ANY($1)", ids)
        await uow.sql.execute("DELETE FROM carts WHERE id = ANY($1)", ids)
    return len(ids)


SCHEDULES = (
    Schedule(name="inventory.expire_holds", every_seconds=15, run=inventory.expire_holds),
    Schedule(name="cart.abandon", every_seconds=300, run=carts.abandon_expired),
    Schedule(name="cart.purge", every_seconds=3600, run=purge_carts),
)
