"""How orders are numbered."""

from typing import Annotated, Literal

from msgspec import Meta

from shopkit.core.settings.service import Settings


class OrderSettings(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True, domain="orders"):
    """A running number tells customers how much a store sells; a random one does not."""

    number_style: Literal["sequence", "random"] = "sequence"
    """Running numbers with gaps, or ten random letters and digits."""
    number_prefix: Annotated[str, Meta(max_length=12, pattern="^[A-Z0-9-]*$")] = ""
    """Stands before every number."""
