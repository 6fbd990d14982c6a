"""What was sent to whom (E8, its outgoing half)."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from shopkit.core.kernel.tables import TenantRow, Timestamps, belongs_to, one_of, unique


class NotificationDelivery(Timestamps, TenantRow):
    """One message to one person; its id is the Message-ID, so that a repeated sending is recognised.

    The text is not kept: it is written when it is sent, and holds a token that is never stored (I44).
    """

    __tablename__ = "notification_deliveries"
    __table_args__ = (
        belongs_to("order_id", "orders"),
        belongs_to("shipment_id", "shipments"),
        unique("event_id", "channel", "recipient"),
        one_of("channel", ("email",)),
        one_of("audience", ("customer", "merchant")),
        one_of("status", ("pending", "sent", "failed")),
    )

    event_id: Mapped[UUID]
    order_id: Mapped[UUID]
    shipment_id: Mapped[UUID | None]
    channel: Mapped[str]
    topic: Mapped[str]
    audience: Mapped[str]
    recipient: Mapped[str]
    locale: Mapped[str]
    status: Mapped[str] = mapped_column(server_default="pending")
    error: Mapped[str | None]
    sent_at: Mapped[datetime | None]
