"""The load format: one JSON document, decoded as strictly as any body. `docs/reference/load-format.md` describes it.

A field that is absent (`UNSET`) is left alone where the thing exists, and takes its default where it is new.
Money is in minor units of the store's currency.
"""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType, field

from shopkit.core.catalog.schemas import Amount, LongText, ProductTexts, Slug, Text, Texts
from shopkit.core.kernel.decode import Command, Exact, Instant, Line, Wrong

Count = Annotated[int, Meta(ge=0, le=1_000_000_000)]
Position = Annotated[int, Meta(ge=0, le=1_000_000)]
Code = Annotated[str, Meta(pattern=r"^[a-z0-9_-]{1,64}$(?!\n)")]
Country = Annotated[str, Meta(pattern=r"^[A-Z]{2}$(?!\n)")]
Region = Annotated[str, Meta(min_length=1, max_length=100)]
Names = dict[str, Line]
"""Locale to a name."""


class Row(Command, frozen=True, kw_only=True):
    """A thing of the document; equal keys mean the same thing in every file."""


class Seo(Command, frozen=True, kw_only=True):
    """What search engines show."""

    title: Text = ""
    description: Text = ""


class Location(Row, frozen=True, kw_only=True):
    """A place where stock lies, by `code`."""

    code: Code
    name: Line | UnsetType = UNSET
    status: Literal["active", "paused"] | UnsetType = UNSET
    is_default: bool | UnsetType = UNSET
    priority: Position | UnsetType = UNSET


class TaxRate(Row, frozen=True, kw_only=True):
    """A rate, by country, region and class."""

    country_code: Country | None = None
    admin1: Region | None = None
    tax_class: Code = "standard"
    name: Line
    rate: Exact
    is_inclusive: bool = True

    def __post_init__(self) -> None:
        if not 0 <= self.rate <= 1:
            raise Wrong("invalid_value", "rate")


class ZoneRegion(Row, frozen=True, kw_only=True):
    """A country, or a division or district of it."""

    country_code: Country
    admin1: Region | None = None
    admin2: Region | None = None


class Zone(Row, frozen=True, kw_only=True):
    """Destinations with the same prices, by `code`; the regions replace those that were there."""

    code: Code
    name: Line | UnsetType = UNSET
    regions: list[ZoneRegion] | UnsetType = UNSET


class Rate(Row, frozen=True, kw_only=True):
    """What a method costs in a zone, for baskets within the bounds; upper bounds are exclusive."""

    zone: Code
    amount: Amount
    min_subtotal: Amount | None = None
    max_subtotal: Amount | None = None
    min_weight_grams: Count | None = None
    max_weight_grams: Count | None = None


class Method(Row, frozen=True, kw_only=True):
    """A way to deliver, by `code`; the rates replace those that were there."""

    code: Code
    name: Line | UnsetType = UNSET
    translations: Names | UnsetType = UNSET
    position: Position | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET
    eta_min_days: Count | UnsetType | None = UNSET
    eta_max_days: Count | UnsetType | None = UNSET
    rates: list[Rate] | UnsetType = UNSET


class Shipping(Command, frozen=True, kw_only=True):
    """Zones, and methods with their rates."""

    zones: list[Zone] = field(default_factory=list)
    methods: list[Method] = field(default_factory=list)


class Brand(Row, frozen=True, kw_only=True):
    """Who makes it, by `slug`."""

    slug: Slug
    name: Line | UnsetType = UNSET
    description: LongText | UnsetType = UNSET
    translations: dict[str, Texts] | UnsetType = UNSET


class Tag(Row, frozen=True, kw_only=True):
    """A word to filter by, by `slug`."""

    slug: Slug
    name: Line | UnsetType = UNSET
    translations: Names | UnsetType = UNSET


class Category(Row, frozen=True, kw_only=True):
    """A node of the tree, by `slug`; a parent may stand anywhere in the document or in the store."""

    slug: Slug
    name: Line | UnsetType = UNSET
    parent: Slug | UnsetType | None = UNSET
    position: Position | UnsetType = UNSET
    description: LongText | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET
    seo: Seo | UnsetType = UNSET
    translations: dict[str, Texts] | UnsetType = UNSET


class OptionTexts(Command, frozen=True, kw_only=True):
    """An option in another language; `values` maps a value to its translation."""

    name: Line
    values: dict[str, Line] = field(default_factory=dict)


class Option(Row, frozen=True, kw_only=True):
    """A choice that a product offers, by `name`."""

    name: Line
    values: Annotated[list[Line], Meta(min_length=1, max_length=200)]
    translations: dict[str, OptionTexts] = field(default_factory=dict)


class Window(Row, frozen=True, kw_only=True):
    """A price for a time, by `starts_at`."""

    amount: Amount
    compare_at: Amount | None = None
    starts_at: Instant
    ends_at: Instant | None = None

    def __post_init__(self) -> None:
        if self.ends_at is not None and self.ends_at <= self.starts_at:
            raise Wrong("invalid_value", "ends_at")


class Variant(Row, frozen=True, kw_only=True):
    """The sellable unit, by `sku` within its product, else by its option values.

    Without `price` it costs what the product costs.
    """

    sku: Line | UnsetType | None = UNSET
    options: dict[str, Line] | UnsetType = UNSET
    position: Position | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET
    fulfillment_type: Literal["physical", "digital"] | UnsetType = UNSET
    track_inventory: bool | UnsetType = UNSET
    max_per_order: Annotated[int, Meta(ge=1, le=1_000_000)] | UnsetType | None = UNSET
    weight_grams: Count | UnsetType | None = UNSET
    length_mm: Count | UnsetType | None = UNSET
    width_mm: Count | UnsetType | None = UNSET
    height_mm: Count | UnsetType | None = UNSET
    price: Amount | UnsetType | None = UNSET
    compare_at: Amount | UnsetType | None = UNSET
    cost: Amount | UnsetType | None = UNSET
    prices: list[Window] | UnsetType = UNSET
    stock: Count | UnsetType = UNSET
    """Units on hand at the default location."""
    stock_at: dict[str, Count] = field(default_factory=dict)
    """Units on hand at other locations, by code."""
    oversell_limit: Count | UnsetType = UNSET


class Image(Row, frozen=True, kw_only=True):
    """A file beside the document."""

    file: Annotated[str, Meta(min_length=1, max_length=500)]
    alt: Text = ""
    alt_translations: dict[str, Text] = field(default_factory=dict)


class Product(Row, frozen=True, kw_only=True):
    """What a customer thinks of as one thing, by `key`."""

    key: Line
    title: Line | UnsetType = UNSET
    slug: Slug | UnsetType = UNSET
    status: Literal["draft", "active", "archived"] | UnsetType = UNSET
    visibility: Literal["public", "private"] | UnsetType = UNSET
    published_at: Instant | UnsetType | None = UNSET
    unpublish_at: Instant | UnsetType | None = UNSET
    is_featured: bool | UnsetType = UNSET
    seo: Seo | UnsetType = UNSET
    brand: Slug | UnsetType | None = UNSET
    categories: list[Slug] | UnsetType = UNSET
    tags: list[Slug] | UnsetType = UNSET
    locations: list[Code] | UnsetType = UNSET
    short_description: Text | UnsetType = UNSET
    description: LongText | UnsetType = UNSET
    translations: dict[str, ProductTexts] | UnsetType = UNSET
    tax_class: Code | UnsetType = UNSET
    weight_grams: Count | UnsetType | None = UNSET
    length_mm: Count | UnsetType | None = UNSET
    width_mm: Count | UnsetType | None = UNSET
    height_mm: Count | UnsetType | None = UNSET
    attributes: dict[str, Text] | UnsetType = UNSET
    price: Amount | UnsetType | None = UNSET
    compare_at: Amount | UnsetType | None = UNSET
    cost: Amount | UnsetType | None = UNSET
    prices: list[Window] | UnsetType = UNSET
    options: Annotated[list[Option], Meta(max_length=10)] | UnsetType = UNSET
    variants: Annotated[list[Variant], Meta(max_length=2000)] | UnsetType = UNSET
    images: Annotated[list[Image], Meta(max_length=100)] | UnsetType = UNSET


class Document(Command, frozen=True, kw_only=True):
    """Everything that one file may hold; `version` is that of the format."""

    version: Literal[1]
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}$(?!\n)")] | UnsetType = UNSET
    """If given, it must be the store's: a guard against loading another shop's amounts."""
    locations: list[Location] = field(default_factory=list)
    tax_rates: list[TaxRate] = field(default_factory=list)
    shipping: Shipping = Shipping()
    brands: list[Brand] = field(default_factory=list)
    tags: list[Tag] = field(default_factory=list)
    categories: list[Category] = field(default_factory=list)
    products: list[Product] = field(default_factory=list)
