"""Customers, what identifies them, where they live (E1, E3, E5)."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from shopkit.core.kernel.tables import TenantRow, Timestamps, belongs_to, check, one_of, unique

PHONE = r"phone ~ '^\+[1-9][0-9]{1,14}$'"


class Customer(Timestamps, TenantRow):
    """A person across all stores of a tenant; may exist without a login."""

    __tablename__ = "customers"
    __table_args__ = (one_of("status", ("active", "blocked", "merged")),)

    name: Mapped[str]
    status: Mapped[str] = mapped_column(server_default="active")
    locale: Mapped[str | None]
    attributes: Mapped[dict[str, Any]] = mapped_column("metadata", server_default="{}")


class CustomerIdentity(Timestamps, TenantRow):
    """A phone or e-mail. Unverified ones may repeat across customers: a stranger's claim takes nothing (D9).

    `is_primary` marks the one by which checkout finds the customer, at most one row per value.
    """

    __tablename__ = "customer_identities"
    __table_args__ = (
        belongs_to("customer_id", "customers"),
        unique(
            "identity_type", "identity_value", where="verified_at IS NOT NULL", name="uq_customer_identities_verified"
        ),
        unique("identity_type", "identity_value", where="is_primary", name="uq_customer_identities_primary"),
        unique("customer_id", "identity_type", "identity_value"),
        one_of("identity_type", ("phone", "email", "external")),
        one_of("source", ("signup", "checkout", "import", "merge", "staff")),
        check(
            "value_form",
            r"CASE identity_type WHEN 'phone' THEN identity_value ~ '^\+[1-9][0-9]{1,14}$'"
            r" WHEN 'email' THEN identity_value ~ '^[^@[:space:]]+@[^@[:space:]]+$' AND length(identity_value) <= 254"
            r" ELSE length(identity_value) BETWEEN 1 AND 254 END",
        ),
    )

    customer_id: Mapped[UUID]
    identity_type: Mapped[str]
    identity_value: Mapped[str]
    source: Mapped[str]
    is_primary: Mapped[bool] = mapped_column(server_default="false")
    verified_at: Mapped[datetime | None]


class AddressColumns:
    """An address as rows keep it (D13); which parts a country needs is `customers.address`'s business."""

    name: Mapped[str]
    phone: Mapped[str]
    country_code: Mapped[str]
    admin1: Mapped[str | None]
    admin2: Mapped[str | None]
    admin3: Mapped[str | None]
    area: Mapped[str | None]
    postal_code: Mapped[str | None]
    line1: Mapped[str]
    line2: Mapped[str | None]
    landmark: Mapped[str | None]
    courier_location_refs: Mapped[dict[str, Any]] = mapped_column(server_default="{}")


class CustomerAddress(AddressColumns, Timestamps, TenantRow):
    """An entry of the address book; orders copy it, never point at it (D12)."""

    __tablename__ = "customer_addresses"
    __table_args__ = (
        belongs_to("customer_id", "customers"),
        one_of("type", ("shipping", "billing")),
        unique("customer_id", "type", where="is_default AND deleted_at IS NULL"),
        unique("customer_id", "type", "fingerprint", where="deleted_at IS NULL"),
        check("country_code_form", "country_code ~ '^[A-Z]{2}$'"),
        check("phone_e164", PHONE),
    )

    customer_id: Mapped[UUID]
    type: Mapped[str]
    is_default: Mapped[bool] = mapped_column(server_default="false")
    fingerprint: Mapped[str]
    """A hash of the text: the same address is stored once."""
    deleted_at: Mapped[datetime | None]
