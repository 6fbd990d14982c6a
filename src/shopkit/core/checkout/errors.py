"""Refusals of a checkout."""

from shopkit.sdk.errors import Conflict


class CartChanged(Conflict):
    """The total is not what the customer accepted; the cart is in the answer."""

    code = "cart_changed"
    message = "The total has changed; please look at the cart again."


class RequirementsMissing(Conflict):
    """Something is still needed to place the order; `requirements` says what."""

    code = "requirements_missing"
    message = "Something is still missing."
