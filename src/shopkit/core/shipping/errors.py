"""Refusals of shipments."""

from shopkit.sdk.errors import Conflict


class NothingToShip(Conflict):
    """Every unit of the order has left already."""

    code = "nothing_to_ship"
    message = "There is nothing left to hand over."
