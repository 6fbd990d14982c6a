"""Refusals of the stock."""

from shopkit.sdk.errors import Conflict, NotFound


class OutOfStock(Conflict):
    """Less is free than was asked for; `available` says how much, `items` which lines."""

    code = "out_of_stock"
    message = "There is not enough stock."


class StockHeld(Conflict):
    """The level cannot fall beneath what is promised to carts and orders (I1)."""

    code = "stock_held"
    message = "That would leave less than is promised to customers."


class NotInStock(Conflict):
    """Units that were sold before they arrived cannot leave yet."""

    code = "not_in_stock"
    message = "Not all of it has arrived yet."


class UnknownStock(NotFound):
    """No such variant or location."""

    code = "unknown_stock"
    message = "There is no such variant or location."
