"""Refusals of a cart."""

from shopkit.sdk.errors import Conflict, NotFound


class CartNotFound(NotFound):
    """No such cart, or not this token's."""

    code = "cart_not_found"
    message = "There is no such cart."


class CartClosed(Conflict):
    """The cart has become an order or part of another cart."""

    code = "cart_closed"
    message = "This cart is closed."


class CartCompleting(Conflict):
    """An order is being started from this cart right now."""

    code = "cart_completing"
    message = "An order is being placed from this cart; please wait a moment."
    retry_after_seconds = 2


class TooManyLines(Conflict):
    """The cart has as many different lines as it may."""

    code = "too_many_lines"
    message = "The cart is full."


class VariantUnavailable(Conflict):
    """It cannot be bought now."""

    code = "variant_unavailable"
    message = "This cannot be bought at the moment."
