"""What the storefront answers and takes. Names are those of the published API: more may come, none may change."""

from typing import Annotated, Any, Final, Literal
from uuid import UUID

from msgspec import Meta, Struct

from shopkit.core.kernel.inputs import View
from shopkit.core.kernel.pages import PageQuery
from shopkit.core.kernel.views import MoneyView
from shopkit.core.storefront.errors import NotAvailable
from shopkit.sdk.money import MAX_ORDER_AMOUNT

Amount = Annotated[int, Meta(ge=0, le=MAX_ORDER_AMOUNT)]
Sort = Literal["newest", "price_asc", "price_desc", "relevance", "rating"]


class ProductQuery(PageQuery, frozen=True, kw_only=True):
    """What a list of products can be asked."""

    category: Annotated[str, Meta(max_length=200, description="Slug; products of its descendants are included.")] = ""
    q: Annotated[str, Meta(max_length=200, description="Search is not available yet: only empty.")] = ""
    sort: Annotated[Sort, Meta(description="`relevance` and `rating` are not available yet.")] = "newest"
    min_price: Annotated[Amount, Meta(description="Minor units of the store's currency.")] | None = None
    max_price: Annotated[Amount, Meta(description="Minor units of the store's currency.")] | None = None
    in_stock: Annotated[bool, Meta(description="true: what can be bought now; false: what is sold out.")] | None = None

    def check_available(self) -> None:
        """Raise `NotAvailable` for what a later version brings."""
        later = [name for name, wanted in (("q", self.q), ("sort", self.sort in ("relevance", "rating"))) if wanted]
        if later:
            raise NotAvailable.of(later)


class Rating(View, frozen=True, kw_only=True):
    """What buyers think of it, once there are reviews."""

    average: float | None = None
    count: int = 0


NO_RATING: Final = Rating()


class ImageView(View, frozen=True, kw_only=True):
    """A picture."""

    url: str
    alt: str


class PictureView(ImageView, frozen=True, kw_only=True):
    """A picture and its size in pixels, where it is known."""

    width: int | None = None
    height: int | None = None


class ProductCard(View, frozen=True, kw_only=True):
    """A product in a list."""

    id: str
    slug: str
    title: str
    price: MoneyView | None
    """The least price that holds now; null for a moment when its last price has just ended."""
    compare_at: MoneyView | None
    """What that variant cost before, if more."""
    image: ImageView | None
    in_stock: bool
    rating: Rating = NO_RATING


class CategoryRef(View, frozen=True, kw_only=True):
    """The category that a product belongs to first of all."""

    id: str
    slug: str
    name: str


class BrandRef(View, frozen=True, kw_only=True):
    """Who makes it."""

    slug: str
    name: str


class TagRef(View, frozen=True, kw_only=True):
    """A word that the product bears."""

    slug: str
    name: str


class OptionView(View, frozen=True, kw_only=True):
    """A choice that the product offers, and its values in their order."""

    name: str
    values: list[str]


class VariantView(View, frozen=True, kw_only=True):
    """What can be put into a cart."""

    id: str
    sku: str | None
    title: str
    options: dict[str, str]
    """Option name to value, both as they stand in the product's `options`."""
    price: MoneyView | None
    """Null: not for sale at the moment."""
    compare_at: MoneyView | None
    in_stock: bool
    available: int | None
    """How many can be bought now; null if the shop does not tell, or does not count them."""
    max_per_order: int | None
    image: ImageView | None


class SeoView(View, frozen=True, kw_only=True):
    """What search engines show."""

    title: str
    description: str


class ProductView(View, frozen=True, kw_only=True):
    """Everything that a product page shows, in one language."""

    id: str
    slug: str
    title: str
    short_description: str
    description: str
    price: MoneyView | None
    """The least price of its variants; null while none is for sale."""
    compare_at: MoneyView | None
    in_stock: bool
    rating: Rating = NO_RATING
    image: ImageView | None
    images: list[PictureView]
    category: CategoryRef | None
    brand: BrandRef | None
    tags: list[TagRef]
    options: list[OptionView]
    variants: list[VariantView]
    seo: SeoView


class CategoryNode(View, frozen=True, kw_only=True):
    """A category, what stands under it, and how many products are listed in it or below."""

    id: str
    slug: str
    name: str
    product_count: int
    children: list["CategoryNode"]


class CategoryTree(View, frozen=True, kw_only=True):
    """The top level of a store's categories."""

    items: list[CategoryNode]


# What the statements answer


class CategoryData(Struct, frozen=True):
    """A category as a row."""

    id: UUID
    parent_id: UUID | None
    slug: str
    name: str
    count: int


class Labelled(Struct, frozen=True):
    """A name of the base language, and what it is called in the language asked for."""

    name: str
    label: str | None = None

    @property
    def shown(self) -> str:
        """The label, or else the name."""
        return self.label or self.name


class OptionData(Labelled, frozen=True):
    """An option with its values."""

    values: list[Labelled] | None = None

    def called(self, value: str) -> str:
        """What a value is called in the language asked for."""
        return next((each.shown for each in self.values or () if each.name == value), value)


class PictureData(Struct, frozen=True):
    """A picture as it is stored."""

    path: str
    alt: str
    width: int | None
    height: int | None


class VariantData(Struct, frozen=True):
    """A variant with its price of now; `free` is how many can be bought, None when they are not counted."""

    id: str
    sku: str | None
    title: str
    options: dict[str, str]
    max_per_order: int | None
    amount: int | None
    compare_at: int | None
    free: int | None
    path: str | None
    alt: str | None


class ProductData(Struct, frozen=True):
    """A product page before amounts are written and options are named."""

    id: str
    slug: str
    title: str
    short_description: str
    description: str
    seo: dict[str, Any]
    category: CategoryRef | None
    brand: BrandRef | None
    tags: list[TagRef] | None
    options: list[OptionData] | None
    variants: list[VariantData] | None
    images: list[PictureData] | None
