"""What happens to the lines of a guest's cart at login: pure, ready for accounts (F3). No line is dropped silently."""

from collections.abc import Mapping
from typing import Literal, TypeVar

from msgspec import Struct

K = TypeVar("K")
Strategy = Literal["sum", "keep_guest", "keep_user", "max"]


class Merged(Struct, frozen=True, kw_only=True):
    """A line after merging; `wanted` is what the rule gave, `quantity` what the limit allows."""

    quantity: int
    wanted: int

    @property
    def is_capped(self) -> bool:
        """Whether the customer must be told that there are fewer."""
        return self.quantity < self.wanted


def merge(
    guest: Mapping[K, int], user: Mapping[K, int], *, strategy: Strategy, limits: Mapping[K, int]
) -> dict[K, Merged]:
    """Quantities per line of the merged cart, the user's lines first. `limits` caps a line by stock or rule."""
    merged = {}
    for line in [*user, *(line for line in guest if line not in user)]:
        wanted = _wanted(guest.get(line), user.get(line), strategy)
        merged[line] = Merged(quantity=min(wanted, limits.get(line, wanted)), wanted=wanted)
    return merged


def _wanted(guest: int | None, user: int | None, strategy: Strategy) -> int:
    if guest is None or user is None:
        return guest or user or 0
    if strategy == "sum":
        return guest + user
    if strategy == "max":
        return max(guest, user)
    return guest if strategy == "keep_guest" else user
