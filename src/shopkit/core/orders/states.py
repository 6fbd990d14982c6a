"""The lives of an order (`states.md` 5.2): its status, and the two axes that are derived and stored."""

from shopkit.core.kernel.states import lifecycle

ORDER = lifecycle(
    "order",
    {"draft"},
    {
        "draft": {"pending", "cancelled"},
        "pending": {"confirmed", "cancelled"},
        "confirmed": {"processing", "completed", "cancelled"},
        "processing": {"completed", "cancelled"},
        "completed": {"processing"},
        "cancelled": {"pending"},
    },
)

PAYMENT_STATUSES = (
    "unpaid", "pending", "authorized", "partially_paid", "paid", "overpaid", "partially_refunded", "refunded", "voided",
)  # fmt: skip
FULFILLMENT_STATUSES = (
    "unfulfilled", "partially_shipped", "shipped", "partially_delivered", "delivered", "partially_returned",
    "returned", "not_required",
)  # fmt: skip


def display_status(status: str, payment_status: str, fulfillment_status: str) -> str:
    """The one word for people (D10): the first that holds, from cancelled down to pending."""
    if status == "cancelled":
        return "cancelled"
    if payment_status in {"refunded", "partially_refunded"}:
        return payment_status
    if fulfillment_status == "returned":
        return "returned"
    if status == "completed":
        return "completed"
    if fulfillment_status in {"delivered", "shipped"}:
        return fulfillment_status
    if status == "processing":
        return "processing"
    if payment_status in {"paid", "overpaid"}:
        return "paid"
    return "confirmed" if status == "confirmed" else "pending"
