"""Refusals of payments."""

from shopkit.sdk.errors import Conflict


class NoSuchPayment(Conflict):
    """The order has no attempt in the state that this step needs."""

    code = "no_such_payment"
    message = "There is no payment that this applies to."
