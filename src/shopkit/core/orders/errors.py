"""Refusals of an order."""

from shopkit.sdk.errors import Conflict, NotFound


class OrderNotFound(NotFound):
    """No such order, or no proof that it is yours."""

    code = "order_not_found"
    message = "There is no such order."


class OrderOnHold(Conflict):
    """The order waits for a decision of staff."""

    code = "order_on_hold"
    message = "The order is on hold."


class MoneyTaken(Conflict):
    """Money was taken for the order, and giving it back is a step of its own."""

    code = "money_taken"
    message = "This order is paid; it cannot simply be cancelled."


class GoodsLeft(Conflict):
    """Goods have left the shop; taking them back is a step of its own."""

    code = "goods_left"
    message = "Goods of this order have left; it cannot simply be cancelled."


class OrderClosed(Conflict):
    """The order was cancelled; nothing is paid for it any more."""

    code = "order_closed"
    message = "This order is cancelled."


class AlreadyPaid(Conflict):
    """Nothing is due on the order."""

    code = "already_paid"
    message = "This order is paid already."


class PaymentOpen(Conflict):
    """An attempt to pay the order is open."""

    code = "payment_open"
    message = "A payment for this order is open already."
