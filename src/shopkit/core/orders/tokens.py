"""The token that shows an order to its buyer, for pages and mail."""

from uuid import UUID

from shopkit.core.kernel import tokens
from shopkit.core.kernel.crypto import KeyRing
from shopkit.core.orders.errors import OrderNotFound

PURPOSE = "order"


def order_token(keyring: KeyRing, tenant_id: UUID, order_id: UUID, epoch: int) -> str:
    """The token as it stands in links."""
    return tokens.issue(keyring, PURPOSE, tenant_id, order_id, epoch)


def check_order_token(keyring: KeyRing, tenant_id: UUID, order_id: UUID, epoch: int, token: str | None) -> None:
    """Raise `OrderNotFound` unless the token opens this order (I42)."""
    if tokens.read(keyring, PURPOSE, tenant_id, order_id, token) != epoch:
        raise OrderNotFound
