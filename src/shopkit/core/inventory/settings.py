"""When stock is held."""

from typing import Annotated

from msgspec import Meta

from shopkit.core.settings.service import Settings


class InventorySettings(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True, domain="inventory"):
    """Nothing is held before an order is placed, unless the store says otherwise."""

    hold_on_add: bool = False
    """Hold stock when something is added to a cart."""
    hold_seconds: Annotated[int, Meta(ge=1, le=86_400)] = 900
    """How long a cart's hold lasts after its last change."""
