"""The catalogue's settings."""

from typing import Annotated, Literal

from msgspec import Meta

from shopkit.core.settings.service import Settings


class CatalogSettings(Settings, frozen=True, kw_only=True, domain="catalog"):
    """How products are made."""

    max_variants: Annotated[int, Meta(ge=1, le=2000)] = 200
    """Most variants of one product."""
    show_stock: bool = False
    """Whether the shop tells how many of a variant can be bought; false: only whether any can."""
    default_fulfillment_type: Literal["physical", "digital"] = "physical"
    """What a new variant is unless it says so (D32)."""
