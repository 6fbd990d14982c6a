"""The life of an attempt to pay (`states.md` 5.2)."""

from shopkit.core.kernel.states import lifecycle

PAYMENT = lifecycle(
    "payment",
    {"pending"},
    {
        "pending": {
            "requires_action", "processing", "awaiting_verification", "awaiting_collection", "authorized", "succeeded",
            "failed", "cancelled", "expired",
        },
        "requires_action": {"processing", "authorized", "succeeded", "failed", "cancelled", "expired"},
        "processing": {"authorized", "succeeded", "failed", "cancelled", "expired"},
        "awaiting_verification": {"succeeded", "failed", "cancelled", "expired"},
        "awaiting_collection": {"succeeded", "cancelled"},
        "authorized": {"succeeded", "cancelled"},
        "succeeded": set(),
        "failed": {"succeeded"},
        "cancelled": {"succeeded"},
        "expired": {"succeeded"},
    },
)  # fmt: skip


def payment_status(*, total: int, captured: int, refunded: int, has_open: bool, is_cancelled: bool) -> str:
    """The order's stored payment axis, from sums of minor units (`states.md` 5.2)."""
    if refunded and refunded >= captured:
        return "refunded"
    if refunded:
        return "partially_refunded"
    if captured > total:
        return "overpaid"
    if captured == total:
        return "paid"
    if captured:
        return "partially_paid"
    if is_cancelled:
        return "voided"
    return "pending" if has_open else "unpaid"
