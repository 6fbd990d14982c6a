"""What the catalogue's services take. A field that is `UNSET` is left alone."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType, field

from shopkit.core.kernel.decode import Command, Id, Instant, Line
from shopkit.sdk.money import MAX_ORDER_AMOUNT

Amount = Annotated[int, Meta(ge=0, le=MAX_ORDER_AMOUNT)]
"""Minor units."""
Measure = Annotated[int, Meta(ge=0, le=1_000_000_000)]
Text = Annotated[str, Meta(max_length=500)]
LongText = Annotated[str, Meta(max_length=50_000)]
Slug = Annotated[str, Meta(min_length=1, max_length=200)]


class NewCategory(Command, frozen=True, kw_only=True):
    """A category; without a slug it gets one from its name."""

    name: Line
    slug: Slug | None = None
    parent_id: Id | None = None
    position: Annotated[int, Meta(ge=0)] = 0
    description: LongText = ""
    is_active: bool = True


class CategoryChange(Command, frozen=True, kw_only=True):
    """What may change of a category, its place in the tree apart."""

    name: Line | UnsetType = UNSET
    slug: Slug | UnsetType = UNSET
    position: Annotated[int, Meta(ge=0)] | UnsetType = UNSET
    description: LongText | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET


class Texts(Command, frozen=True, kw_only=True):
    """A category or brand in another language."""

    name: Line
    description: LongText = ""


class ProductTexts(Command, frozen=True, kw_only=True):
    """A product in another language; an empty text falls back to the base text."""

    title: Line
    short_description: Text = ""
    description: LongText = ""


class NewPrice(Command, frozen=True, kw_only=True):
    """A price of a product, or of one variant, in one currency; the store's unless it says so."""

    amount: Amount
    variant_id: Id | None = None
    compare_at: Amount | None = None
    cost: Amount | None = None
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}$(?!\n)")] | None = None
    starts_at: Instant | None = None
    ends_at: Instant | None = None


class NewVariant(Command, frozen=True, kw_only=True):
    """A variant with a value for each option of its product."""

    options: dict[str, Line] = field(default_factory=dict)
    sku: Line | None = None
    fulfillment_type: Literal["physical", "digital"] | None = None
    track_inventory: bool = True
    max_per_order: Annotated[int, Meta(ge=1)] | None = None
    weight_grams: Measure | None = None
    amount: Amount | None = None
    """Its own price; null: the product's."""
    compare_at: Amount | None = None


class VariantChange(Command, frozen=True, kw_only=True):
    """What may change of a variant, its options apart."""

    sku: Line | UnsetType | None = UNSET
    position: Annotated[int, Meta(ge=0)] | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET
    fulfillment_type: Literal["physical", "digital"] | UnsetType = UNSET
    track_inventory: bool | UnsetType = UNSET
    max_per_order: Annotated[int, Meta(ge=1)] | UnsetType | None = UNSET
    weight_grams: Measure | UnsetType | None = UNSET
    length_mm: Measure | UnsetType | None = UNSET
    width_mm: Measure | UnsetType | None = UNSET
    height_mm: Measure | UnsetType | None = UNSET
    image_id: Id | UnsetType | None = UNSET


class NewProduct(Command, frozen=True, kw_only=True):
    """A product, still a draft. Without variants it gets every combination of its options, or one plain variant."""

    title: Line
    key: Line | None = None
    """Null: its slug."""
    slug: Slug | None = None
    """Null: made from the title."""
    short_description: Text = ""
    description: LongText = ""
    brand_id: Id | None = None
    category_ids: list[Id] = field(default_factory=list)
    """The first is the primary one."""
    tax_class: Line = "standard"
    weight_grams: Measure | None = None
    amount: Amount | None = None
    """The price of every variant without its own."""
    compare_at: Amount | None = None
    options: dict[str, list[Line]] = field(default_factory=dict)
    variants: list[NewVariant] = field(default_factory=list)


class ProductChange(Command, frozen=True, kw_only=True):
    """What may change of a product and its listing."""

    title: Line | UnsetType = UNSET
    slug: Slug | UnsetType = UNSET
    short_description: Text | UnsetType = UNSET
    description: LongText | UnsetType = UNSET
    brand_id: Id | UnsetType | None = UNSET
    tax_class: Line | UnsetType = UNSET
    weight_grams: Measure | UnsetType | None = UNSET
    length_mm: Measure | UnsetType | None = UNSET
    width_mm: Measure | UnsetType | None = UNSET
    height_mm: Measure | UnsetType | None = UNSET
    visibility: Literal["public", "private"] | UnsetType = UNSET
    unpublish_at: Instant | UnsetType | None = UNSET
    is_featured: bool | UnsetType = UNSET
