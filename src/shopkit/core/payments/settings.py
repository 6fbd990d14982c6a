"""Cash on delivery, until gateways come in by their door."""

from shopkit.core.settings.service import Settings


class CodSettings(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True, domain="cod"):
    """Pay in cash when the parcel arrives."""

    enabled: bool = True
    """Offer cash on delivery."""
    auto_confirm: bool = False
    """Confirm such orders at once; otherwise staff confirm, usually after a call."""
