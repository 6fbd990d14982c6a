"""Tax rates (F15)."""

from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from shopkit.core.kernel.tables import Rate, TenantRow, Timestamps, belongs_to, check, unique


class TaxRate(Timestamps, TenantRow):
    """The rate for a class of goods at a destination. Null country or region: everywhere else. Shipping is a class."""

    __tablename__ = "tax_rates"
    __table_args__ = (
        belongs_to("store_id", "stores"),
        unique("store_id", "country_code", "admin1", "tax_class", nulls_not_distinct=True),
        check("rate_range", "rate >= 0 AND rate <= 1"),
        check("country_code_form", "country_code ~ '^[A-Z]{2}$'"),
    )

    store_id: Mapped[UUID]
    country_code: Mapped[str | None]
    admin1: Mapped[str | None]
    tax_class: Mapped[str] = mapped_column(server_default="standard")
    name: Mapped[str]
    rate: Mapped[Rate]
    is_inclusive: Mapped[bool] = mapped_column(server_default="true")
    """True: the price contains the tax. False: it is added."""
