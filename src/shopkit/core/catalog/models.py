"""The catalogue's tables (C1–C8, C17)."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, text
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

SLUG = "slug ~ '^[^/?#%[:space:]]{1,200}$' AND slug = lower(slug)"
DIMENSIONS = "coalesce(least(weight_grams, length_mm, width_mm, height_mm), 0) >= 0"


class Brand(Timestamps, TenantRow):
    """Who makes it."""

    __tablename__ = "brands"
    __table_args__ = (
        unique("slug", where="deleted_at IS NULL"),
        check("slug_form", SLUG),
        belongs_to("logo_id", "media_assets"),
    )

    slug: Mapped[str]
    name: Mapped[str]
    description: Mapped[str] = mapped_column(server_default="")
    logo_id: Mapped[UUID | None]
    translations: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    """Locale to `{name, description}`."""
    deleted_at: Mapped[datetime | None]


class Category(Timestamps, TenantRow):
    """A node of the tree. `path` holds the ids from the root to itself, kept by the service under one lock (D34)."""

    __tablename__ = "categories"
    __table_args__ = (
        belongs_to("store_id", "stores"),
        belongs_to("parent_id", "categories"),
        belongs_to("image_id", "media_assets"),
        unique("store_id", "slug", where="deleted_at IS NULL"),
        check("slug_form", SLUG),
        check("not_its_own_parent", "parent_id <> id"),
    )

    store_id: Mapped[UUID]
    parent_id: Mapped[UUID | None]
    path: Mapped[list[Any]] = mapped_column(server_default="[]")
    depth: Mapped[int] = mapped_column(server_default="0")
    position: Mapped[int] = mapped_column(server_default="0")
    slug: Mapped[str]
    name: Mapped[str]
    description: Mapped[str] = mapped_column(server_default="")
    image_id: Mapped[UUID | None]
    is_active: Mapped[bool] = mapped_column(server_default="true")
    seo: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    deleted_at: Mapped[datetime | None]


class CategoryTranslation(Timestamps, TenantRow):
    """The category's texts in another language than the store's default."""

    __tablename__ = "category_translations"
    __table_args__ = (belongs_to("category_id", "categories", "CASCADE"), unique("category_id", "locale"))

    category_id: Mapped[UUID]
    locale: Mapped[str]
    name: Mapped[str]
    description: Mapped[str] = mapped_column(server_default="")
    seo: Mapped[dict[str, Any]] = mapped_column(server_default="{}")


class Product(Timestamps, TenantRow):
    """What a customer thinks of as one thing; its variants are what is sold.

    Weight, dimensions, compare-at and cost are defaults: a variant without its own follows them (C4).
    """

    __tablename__ = "products"
    __table_args__ = (
        belongs_to("vendor_id", "vendors"),
        belongs_to("brand_id", "brands"),
        unique("key", where="deleted_at IS NULL"),
        check("weight_and_dimensions_not_negative", DIMENSIONS),
        one_of("type", ("simple", "variable", "bundle")),
    )

    vendor_id: Mapped[UUID]
    brand_id: Mapped[UUID | None]
    key: Mapped[str]
    """The merchant's own stable name for it; imports repeat by it."""
    type: Mapped[str] = mapped_column(server_default="simple")
    title: Mapped[str]
    short_description: Mapped[str] = mapped_column(server_default="")
    description: Mapped[str] = mapped_column(server_default="")
    tax_class: Mapped[str] = mapped_column(server_default="standard")
    weight_grams: Mapped[int | None]
    length_mm: Mapped[int | None]
    width_mm: Mapped[int | None]
    height_mm: Mapped[int | None]
    attributes: Mapped[dict[str, Any]] = mapped_column("metadata", server_default="{}")
    deleted_at: Mapped[datetime | None]


class ProductTranslation(Timestamps, TenantRow):
    """The product's texts in another language; an empty one falls back to the base text."""

    __tablename__ = "product_translations"
    __table_args__ = (belongs_to("product_id", "products", "CASCADE"), unique("product_id", "locale"))

    product_id: Mapped[UUID]
    locale: Mapped[str]
    title: Mapped[str]
    short_description: Mapped[str] = mapped_column(server_default="")
    description: Mapped[str] = mapped_column(server_default="")


class ProductListing(Timestamps, TenantRow):
    """A product in a store: its address, whether and when it is shown (C2, D31).

    `sort_price` is the least price that holds now, for sorting and filtering; it may lag a price window's edge by a
    minute. Prices that people see and pay are always computed.
    """

    __tablename__ = "product_listings"
    __table_args__ = (
        belongs_to("product_id", "products"),
        belongs_to("store_id", "stores"),
        unique("store_id", "product_id"),
        unique("store_id", "slug", where="deleted_at IS NULL"),
        check("slug_form", SLUG),
        one_of("status", ("draft", "active", "archived")),
        one_of("visibility", ("public", "private", "password")),
        Index("ix_product_listings_newest", "tenant_id", "store_id", text("published_at DESC"), text("product_id DESC"),
              postgresql_where=text("status = 'active' AND visibility = 'public' AND deleted_at IS NULL")),
        Index("ix_product_listings_price", "tenant_id", "store_id", "sort_price", "product_id",
              postgresql_where=text("status = 'active' AND visibility = 'public' AND deleted_at IS NULL")),
        Index("ix_product_listings_unpublish_at", "tenant_id", "unpublish_at",
              postgresql_where=text("unpublish_at IS NOT NULL")),
    )  # fmt: skip

    product_id: Mapped[UUID]
    store_id: Mapped[UUID]
    slug: Mapped[str]
    status: Mapped[str] = mapped_column(server_default="draft")
    visibility: Mapped[str] = mapped_column(server_default="public")
    published_at: Mapped[datetime | None]
    unpublish_at: Mapped[datetime | None]
    is_featured: Mapped[bool] = mapped_column(server_default="false")
    seo: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    sort_price: Mapped[Minor | None]
    deleted_at: Mapped[datetime | None]


class ProductCategory(TenantRow):
    """The product stands in this category; exactly one is its primary one."""

    __tablename__ = "product_categories"
    __table_args__ = (
        belongs_to("product_id", "products", "CASCADE"),
        belongs_to("category_id", "categories", "CASCADE"),
        unique("product_id", "category_id"),
        unique("product_id", where="is_primary"),
    )

    product_id: Mapped[UUID]
    category_id: Mapped[UUID]
    is_primary: Mapped[bool] = mapped_column(server_default="false")


class CategoryListing(TenantRow):
    """Projection: a listing under each of its categories and their ancestors, with what lists sort by.

    Written by the catalogue's services in their own transactions; read by category lists in index order.
    """

    __tablename__ = "category_listings"
    __table_args__ = (
        belongs_to("category_id", "categories", "CASCADE"),
        belongs_to("product_id", "products", "CASCADE"),
        unique("category_id", "product_id"),
        Index(
            "ix_category_listings_newest",
            "tenant_id",
            "category_id",
            text("published_at DESC"),
            text("product_id DESC"),
        ),
        Index("ix_category_listings_price", "tenant_id", "category_id", "sort_price", "product_id"),
    )

    category_id: Mapped[UUID]
    product_id: Mapped[UUID]
    published_at: Mapped[datetime | None]
    sort_price: Mapped[Minor | None]


class ProductOption(TenantRow):
    """A choice that a product offers, such as Size."""

    __tablename__ = "product_options"
    __table_args__ = (belongs_to("product_id", "products", "CASCADE"), unique("product_id", "name"))

    product_id: Mapped[UUID]
    name: Mapped[str]
    position: Mapped[int] = mapped_column(server_default="0")
    translations: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    """Locale to name."""


class ProductOptionValue(TenantRow):
    """One answer to an option, such as M."""

    __tablename__ = "product_option_values"
    __table_args__ = (belongs_to("option_id", "product_options", "CASCADE"), unique("option_id", "value"))

    option_id: Mapped[UUID]
    value: Mapped[str]
    position: Mapped[int] = mapped_column(server_default="0")
    translations: Mapped[dict[str, Any]] = mapped_column(server_default="{}")


class Variant(Timestamps, TenantRow):
    """The sellable unit. Null price, compare-at, cost, weight, dimensions or image follow the product (C4).

    `options` and `title` are caches of `variant_option_values`; `option_signature` keeps a combination unique.
    """

    __tablename__ = "product_variants"
    __table_args__ = (
        belongs_to("product_id", "products"),
        belongs_to("vendor_id", "vendors"),
        belongs_to("image_id", "media_assets"),
        unique("vendor_id", "sku", where="sku IS NOT NULL AND deleted_at IS NULL"),
        unique("product_id", "option_signature", where="deleted_at IS NULL"),
        one_of("fulfillment_type", ("physical", "digital")),
        check("weight_and_dimensions_not_negative", DIMENSIONS),
        check("max_per_order_positive", "max_per_order > 0"),
    )

    product_id: Mapped[UUID]
    vendor_id: Mapped[UUID]
    sku: Mapped[str | None]
    title: Mapped[str] = mapped_column(server_default="")
    options: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    option_signature: Mapped[str] = mapped_column(server_default="")
    position: Mapped[int] = mapped_column(server_default="0")
    is_active: Mapped[bool] = mapped_column(server_default="true")
    fulfillment_type: Mapped[str] = mapped_column(server_default="physical")
    track_inventory: Mapped[bool] = mapped_column(server_default="true")
    max_per_order: Mapped[int | None]
    weight_grams: Mapped[int | None]
    length_mm: Mapped[int | None]
    width_mm: Mapped[int | None]
    height_mm: Mapped[int | None]
    image_id: Mapped[UUID | None]
    deleted_at: Mapped[datetime | None]


class VariantOptionValue(TenantRow):
    """Which value a variant has for each option."""

    __tablename__ = "variant_option_values"
    __table_args__ = (
        belongs_to("variant_id", "product_variants", "CASCADE"),
        belongs_to("option_value_id", "product_option_values", "CASCADE"),
        unique("variant_id", "option_value_id"),
    )

    variant_id: Mapped[UUID]
    option_value_id: Mapped[UUID]


class VariantPrice(Timestamps, TenantRow):
    """A price of a product or of one variant, in one currency, perhaps for a time only (C5).

    The price that holds: a variant's own before its product's, a running window before an open-ended price, the
    latest start first. Amounts are minor units.
    """

    __tablename__ = "variant_prices"
    __table_args__ = (
        belongs_to("product_id", "products", "CASCADE"),
        belongs_to("variant_id", "product_variants", "CASCADE"),
        currency_check(),
        check("amount_not_negative", "amount >= 0"),
        check("compare_at_above", "compare_at > amount"),
        check("cost_not_negative", "cost >= 0"),
        check("window_forward", "ends_at > starts_at"),
        unique("product_id", "variant_id", "currency", "starts_at", nulls_not_distinct=True),
        Index("ix_variant_prices_starts_at", "tenant_id", "starts_at", postgresql_where=text("starts_at IS NOT NULL")),
        Index("ix_variant_prices_ends_at", "tenant_id", "ends_at", postgresql_where=text("ends_at IS NOT NULL")),
    )

    product_id: Mapped[UUID]
    variant_id: Mapped[UUID | None]
    """Null: the price of every variant without its own."""
    currency: Mapped[str]
    amount: Mapped[Minor]
    compare_at: Mapped[Minor | None]
    cost: Mapped[Minor | None]
    starts_at: Mapped[datetime | None]
    ends_at: Mapped[datetime | None]


class MediaAsset(Timestamps, TenantRow):
    """A stored file; `path` is a generated name under the media folder, `content_hash` its SHA-256."""

    __tablename__ = "media_assets"
    __table_args__ = (unique("path"), check("bytes_positive", "size_bytes > 0"))

    path: Mapped[str]
    content_type: Mapped[str]
    content_hash: Mapped[str]
    size_bytes: Mapped[int]
    width: Mapped[int | None]
    height: Mapped[int | None]
    alt: Mapped[str] = mapped_column(server_default="")
    alt_translations: Mapped[dict[str, Any]] = mapped_column(server_default="{}")


class ProductMedia(TenantRow):
    """A picture of a product; the first position is the one lists show."""

    __tablename__ = "product_media"
    __table_args__ = (
        belongs_to("product_id", "products", "CASCADE"),
        belongs_to("media_id", "media_assets"),
        unique("product_id", "media_id"),
    )

    product_id: Mapped[UUID]
    media_id: Mapped[UUID]
    position: Mapped[int] = mapped_column(server_default="0")


class Tag(TenantRow):
    """A word to filter by."""

    __tablename__ = "tags"
    __table_args__ = (unique("slug"), check("slug_form", SLUG))

    slug: Mapped[str]
    name: Mapped[str]
    translations: Mapped[dict[str, Any]] = mapped_column(server_default="{}")


class ProductTag(TenantRow):
    """The product bears the tag."""

    __tablename__ = "product_tags"
    __table_args__ = (
        belongs_to("product_id", "products", "CASCADE"),
        belongs_to("tag_id", "tags", "CASCADE"),
        unique("product_id", "tag_id"),
    )

    product_id: Mapped[UUID]
    tag_id: Mapped[UUID]


class ProductLocation(TenantRow):
    """The product is sold from this location; without any such row, from all (C8)."""

    __tablename__ = "product_locations"
    __table_args__ = (
        belongs_to("product_id", "products", "CASCADE"),
        belongs_to("location_id", "store_locations", "CASCADE"),
        unique("product_id", "location_id"),
    )

    product_id: Mapped[UUID]
    location_id: Mapped[UUID]


class SlugRedirect(TenantRow):
    """An address that something once had; it leads to the present one for ever."""

    __tablename__ = "slug_redirects"
    __table_args__ = (
        belongs_to("store_id", "stores"),
        unique("store_id", "kind", "slug"),
        one_of("kind", ("product", "category")),
    )

    store_id: Mapped[UUID]
    kind: Mapped[str]
    slug: Mapped[str]
    target_id: Mapped[UUID]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
