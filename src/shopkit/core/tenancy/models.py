"""Tenants, hosts, stores, locations (A1, A3, A4); what caches are told."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from shopkit.core.kernel.ids import uuid7
from shopkit.core.kernel.tables import (
    Base,
    Big,
    TenantRow,
    Timestamps,
    belongs_to,
    check,
    currency_check,
    func,
    one_of,
    unique,
)

SLUG = "slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$' AND length(slug) <= 200"


class Tenant(Timestamps, Base):
    """One merchant's whole world. Written by the owner role only; row security shows a tenant nothing but itself."""

    __tablename__ = "tenants"
    __table_args__ = (
        check("slug_form", SLUG),
        one_of("status", ("active", "suspended", "closing")),
        one_of("type", ("single_brand", "mall")),
        currency_check("default_currency"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7, server_default=text("gen_random_uuid()"))
    slug: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    plan: Mapped[str] = mapped_column(server_default="standard")
    status: Mapped[str] = mapped_column(server_default="active")
    type: Mapped[str] = mapped_column(server_default="single_brand")
    default_currency: Mapped[str] = mapped_column(server_default="BDT")
    timezone: Mapped[str] = mapped_column(server_default="Asia/Dhaka")


class Store(Timestamps, TenantRow):
    """A storefront with its own settings, currency and languages."""

    __tablename__ = "stores"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        unique("slug"),
        unique("is_default", where="is_default"),
        check("slug_form", SLUG),
        one_of("status", ("active", "maintenance", "closed")),
        currency_check(),
        check("country_code_form", "country_code ~ '^[A-Z]{2}$'"),
        check("default_locale_spoken", "default_locale = ANY (locales)"),
    )

    slug: Mapped[str]
    name: Mapped[str]
    status: Mapped[str] = mapped_column(server_default="active")
    is_default: Mapped[bool] = mapped_column(server_default="false")
    currency: Mapped[str]
    default_locale: Mapped[str] = mapped_column(server_default="en")
    locales: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default="{en}")
    country_code: Mapped[str]
    timezone: Mapped[str]
    contact_email: Mapped[str | None]
    contact_phone: Mapped[str | None]


class TenantHost(Timestamps, TenantRow):
    """A host name that leads to a store. The one unique value across tenants: a name can lead to one place only."""

    __tablename__ = "tenant_hosts"
    __table_args__ = (
        belongs_to("store_id", "stores"),
        check("host_form", "host = lower(host) AND host !~ '[/:[:space:]]' AND length(host) <= 253"),
    )

    host: Mapped[str] = mapped_column(unique=True)
    store_id: Mapped[UUID]


class StoreLocation(Timestamps, TenantRow):
    """A place where stock lies; `priority` is the order in which orders draw on it, least first."""

    __tablename__ = "store_locations"
    __table_args__ = (
        belongs_to("store_id", "stores"),
        unique("store_id", "code"),
        unique("store_id", where="is_default"),
        one_of("status", ("active", "paused")),
    )

    store_id: Mapped[UUID]
    code: Mapped[str]
    name: Mapped[str]
    status: Mapped[str] = mapped_column(server_default="active")
    is_default: Mapped[bool] = mapped_column(server_default="false")
    priority: Mapped[int] = mapped_column(server_default="100")
    address: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    courier_pickup_refs: Mapped[dict[str, Any]] = mapped_column(server_default="{}")


class CacheEpoch(Base):
    """A version that rises when something cached changes; processes poll it, so a cache lags at most a second."""

    __tablename__ = "cache_epochs"

    name: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[Big] = mapped_column(server_default="0")


class CacheChange(Base):
    """A transaction that changed what the public pages of a tenant show; the zero UUID means any tenant's.

    Only ever inserted, each transaction its own row: no transaction waits for another one here. See `kernel.epochs`.
    """

    __tablename__ = "cache_changes"

    transaction: Mapped[Big] = mapped_column(
        primary_key=True, autoincrement=False, server_default=text("pg_current_xact_id()::text::bigint")
    )
    scope: Mapped[UUID] = mapped_column(primary_key=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
