"""What checkout asks of the process beside what every domain does."""

from shopkit.core.kernel.shop import Shop
from shopkit.core.orders.numbers import Numbers


class CheckoutShop(Shop):
    """A shop that numbers orders."""

    numbers: Numbers
