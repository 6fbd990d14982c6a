"""Zones, methods, rates, shipments (F14, H1)."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from shopkit.core.kernel.tables import (
    Minor,
    TenantRow,
    Timestamps,
    belongs_to,
    check,
    currency_check,
    func,
    one_of,
    unique,
)
from shopkit.core.shipping.states import SHIPMENT, TRACKING_STATUSES


class ShippingZone(Timestamps, TenantRow):
    """Destinations with the same prices. The most exact one that matches wins; one without regions is all else."""

    __tablename__ = "shipping_zones"
    __table_args__ = (belongs_to("store_id", "stores"), unique("store_id", "code"))

    store_id: Mapped[UUID]
    code: Mapped[str]
    name: Mapped[str]


class ShippingZoneRegion(TenantRow):
    """A country, or a division or district of it, that belongs to a zone."""

    __tablename__ = "shipping_zone_regions"
    __table_args__ = (
        belongs_to("zone_id", "shipping_zones", "CASCADE"),
        unique("zone_id", "country_code", "admin1", "admin2", nulls_not_distinct=True),
        check("country_code_form", "country_code ~ '^[A-Z]{2}$'"),
    )

    zone_id: Mapped[UUID]
    country_code: Mapped[str]
    admin1: Mapped[str | None]
    admin2: Mapped[str | None]


class ShippingMethod(Timestamps, TenantRow):
    """A way to deliver that customers choose."""

    __tablename__ = "shipping_methods"
    __table_args__ = (
        belongs_to("store_id", "stores"),
        unique("store_id", "code"),
        check("code_form", "code ~ '^[a-z0-9_-]{1,64}$'"),
        check("eta_range", "eta_min_days >= 0 AND eta_max_days >= eta_min_days"),
    )

    store_id: Mapped[UUID]
    code: Mapped[str]
    name: Mapped[str]
    translations: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    position: Mapped[int] = mapped_column(server_default="0")
    is_active: Mapped[bool] = mapped_column(server_default="true")
    eta_min_days: Mapped[int | None]
    eta_max_days: Mapped[int | None]


class ShippingRate(Timestamps, TenantRow):
    """The flat price of a method in a zone, for baskets within the bounds (null: no bound; upper bounds exclusive)."""

    __tablename__ = "shipping_rates"
    __table_args__ = (
        belongs_to("method_id", "shipping_methods", "CASCADE"),
        belongs_to("zone_id", "shipping_zones", "CASCADE"),
        currency_check(),
        check("amount_not_negative", "amount >= 0"),
        unique("method_id", "zone_id", "currency", "min_subtotal", "min_weight_grams", nulls_not_distinct=True),
    )

    method_id: Mapped[UUID]
    zone_id: Mapped[UUID]
    currency: Mapped[str]
    amount: Mapped[Minor]
    min_subtotal: Mapped[Minor | None]
    max_subtotal: Mapped[Minor | None]
    min_weight_grams: Mapped[int | None]
    max_weight_grams: Mapped[int | None]


class Shipment(Timestamps, TenantRow):
    """Goods of an order that travel together."""

    __tablename__ = "shipments"
    __table_args__ = (
        belongs_to("order_id", "orders"),
        belongs_to("vendor_id", "vendors"),
        unique("order_id", "number"),  # begins with the order's number, which is unique in its store
        one_of("status", SHIPMENT.states),
        one_of("tracking_status", TRACKING_STATUSES),
    )

    order_id: Mapped[UUID]
    vendor_id: Mapped[UUID | None]
    number: Mapped[str]
    status: Mapped[str] = mapped_column(server_default="pending")
    carrier: Mapped[str] = mapped_column(server_default="manual")
    tracking_number: Mapped[str | None]
    tracking_url: Mapped[str | None]
    tracking_status: Mapped[str] = mapped_column(server_default="unknown")
    shipped_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]


class ShipmentItem(TenantRow):
    """How many units of an order line are in a shipment."""

    __tablename__ = "shipment_items"
    __table_args__ = (
        belongs_to("shipment_id", "shipments"),
        belongs_to("order_item_id", "order_items"),
        unique("shipment_id", "order_item_id"),
        check("quantity_positive", "quantity > 0"),
    )

    shipment_id: Mapped[UUID]
    order_item_id: Mapped[UUID]
    quantity: Mapped[int]


class ShipmentEvent(TenantRow):
    """What was heard of a shipment, in whatever order it came."""

    __tablename__ = "shipment_events"
    __table_args__ = (belongs_to("shipment_id", "shipments"), one_of("status", TRACKING_STATUSES))

    shipment_id: Mapped[UUID]
    status: Mapped[str]
    description: Mapped[str] = mapped_column(server_default="")
    occurred_at: Mapped[datetime] = mapped_column(server_default=func.now())
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
