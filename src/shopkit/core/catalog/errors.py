"""What the catalogue refuses.

Refused
├─ Invalid 422      InvalidSlug · InvalidPrice · InvalidImage
├─ NotFound 404     (the plain one: not here and not yours are the same)
└─ Conflict 409     SlugTaken · KeyTaken · SkuTaken · CategoryCycle · VariantExists · OptionMismatch
                    LastVariant · TooManyVariants · NothingToSell
"""

from shopkit.sdk.errors import Conflict, Invalid


class InvalidSlug(Invalid):
    """Empty, too long, or with signs that an address cannot bear."""

    code = "invalid_slug"
    message = "An address has letters, digits and hyphens, in lower case."


class InvalidPrice(Invalid):
    """A compare-at that is not above the price, or a window that ends before it starts."""

    code = "invalid_price"
    message = "This price contradicts itself."


class InvalidImage(Invalid):
    """Not an image that browsers show, or too large."""

    code = "invalid_image"
    message = "This is not a JPEG, PNG, WebP, GIF or AVIF image of a usable size."


class SlugTaken(Conflict):
    """Something else of this kind has the address in this store."""

    code = "slug_taken"
    message = "This address is taken."


class KeyTaken(Conflict):
    """Another product has this key."""

    code = "key_taken"
    message = "Another product has this key."


class SkuTaken(Conflict):
    """Another variant of the vendor has this SKU."""

    code = "sku_taken"
    message = "Another variant has this SKU."


class CategoryCycle(Conflict):
    """The new parent stands under the category itself."""

    code = "category_cycle"
    message = "A category cannot stand under itself."


class VariantExists(Conflict):
    """The product has a variant with these option values."""

    code = "variant_exists"
    message = "There is a variant with these options already."


class OptionMismatch(Conflict):
    """A variant needs exactly one known value for each option of its product."""

    code = "option_mismatch"
    message = "A variant has one value for each option of its product."


class LastVariant(Conflict):
    """A product keeps at least one variant."""

    code = "last_variant"
    message = "A product keeps at least one variant; delete the product instead."


class TooManyVariants(Conflict):
    """More combinations than `catalog.max_variants`."""

    code = "too_many_variants"
    message = "These options make too many variants."


class NothingToSell(Conflict):
    """Publishing needs an active variant with a price."""

    code = "nothing_to_sell"
    message = "A product is published with an active variant that has a price."
