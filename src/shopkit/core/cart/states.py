"""The life of a cart (`states.md` 5.2)."""

from shopkit.core.kernel.states import lifecycle

CART = lifecycle(
    "cart",
    {"active"},
    {
        "active": {"merged", "abandoned", "converted"},
        "abandoned": {"active", "converted"},
        "merged": set(),
        "converted": set(),
    },
)
