"""The life of a hold (`states.md` 5.2). Nothing leaves an end state; a late payment holds anew (I6)."""

from shopkit.core.kernel.states import lifecycle

RESERVATION = lifecycle(
    "reservation",
    {"active"},
    {"active": {"consumed", "released", "expired"}, "consumed": set(), "released": set(), "expired": set()},
)
