"""Vendors (I1)."""

from sqlalchemy import ForeignKeyConstraint
from sqlalchemy.orm import Mapped, mapped_column

from shopkit.core.kernel.tables import Rate, TenantRow, Timestamps, check, one_of, unique


class Vendor(Timestamps, TenantRow):
    """A seller; suspended or rejected ones are neither listed nor sold."""

    __tablename__ = "vendors"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        unique("slug"),
        one_of("status", ("pending", "under_review", "approved", "rejected", "suspended")),
        check("commission_rate_range", "commission_rate >= 0 AND commission_rate <= 1"),
    )

    slug: Mapped[str]
    name: Mapped[str]
    status: Mapped[str] = mapped_column(server_default="approved")
    commission_rate: Mapped[Rate | None]
