"""How long carts live and what they may hold."""

from typing import Annotated

from msgspec import Meta

from shopkit.core.settings.service import Settings


class CartSettings(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True, domain="cart"):
    """Limits and life of carts."""

    guest_days: Annotated[int, Meta(ge=1, le=365)] = 7
    """A guest's cart lives so long after its last change."""
    purge_days: Annotated[int, Meta(ge=1, le=365)] = 30
    """An abandoned cart is deleted so long after."""
    max_lines: Annotated[int, Meta(ge=1, le=1000)] = 100
    """Most different lines in a cart."""
    max_quantity: Annotated[int, Meta(ge=1, le=100_000)] = 1000
    """Most units of a line."""
    merge_strategy: str = "sum"
    """What happens to the same variant in two carts at login: sum, keep_guest, keep_user or max."""
