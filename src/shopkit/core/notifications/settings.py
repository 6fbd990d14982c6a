"""Who is told, besides the customer."""

from typing import Annotated

from shopkit.core.settings.service import Settings
from shopkit.sdk.settings import setting


class NotificationSettings(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True, domain="notifications"):
    """Where the merchant hears of orders."""

    merchant_email: Annotated[
        str, setting("Mail to the merchant", max_length=254, pattern=r"^([^@\s<>,;:\"]+@[^@\s<>,;:\"]+)?$")
    ] = ""
    """The address that gets a copy of new and cancelled orders; empty for none."""
