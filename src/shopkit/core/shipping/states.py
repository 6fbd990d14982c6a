"""The life of a shipment (`states.md` 5.2). Only forward; what a courier says late moves nothing back (I24)."""

from shopkit.core.kernel.states import lifecycle

SHIPMENT = lifecycle(
    "shipment",
    {"pending"},
    {
        "pending": {"ready", "cancelled"},
        "ready": {"pending", "shipped", "cancelled"},
        "shipped": {"delivered", "returned"},
        "delivered": set(),
        "returned": set(),
        "cancelled": set(),
    },
)

TRACKING_STATUSES = (
    "unknown", "pre_transit", "picked_up", "in_transit", "out_for_delivery", "available_for_pickup", "attempt_failed",
    "on_hold", "delivered", "partially_delivered", "return_in_transit", "returned", "lost", "damaged", "cancelled",
)  # fmt: skip


def fulfillment_status(*, ordered: int, shipped: int, delivered: int) -> str:
    """The order's stored fulfilment axis, from units of physical goods; `shipped` counts delivered units too."""
    if ordered == 0:
        return "not_required"
    if delivered >= ordered:
        return "delivered"
    if delivered:
        return "partially_delivered"
    if shipped >= ordered:
        return "shipped"
    return "partially_shipped" if shipped else "unfulfilled"
