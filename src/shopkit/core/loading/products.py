"""Products with their listing, texts, categories, tags, locations and images; in parts, each written in sets."""

from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import UNSET

from shopkit.core.catalog import projections, slugs
from shopkit.core.catalog.settings import CatalogSettings
from shopkit.core.loading.document import Product
from shopkit.core.loading.images import Images
from shopkit.core.loading.labels import check_slug
from shopkit.core.loading.prices import Prices
from shopkit.core.loading.rows import Sheet, Table
from shopkit.core.loading.run import Run
from shopkit.core.loading.stock import Stock
from shopkit.core.loading.variants import Variants
from shopkit.core.settings import service as settings

PART: Final = 1000
"""Products that are in memory as rows at a time."""

PRODUCTS: Final = Table(
    "products",
    ("key",),
    {"vendor_id": "uuid", "brand_id": "uuid", "key": "text", "type": "text", "title": "text",
     "short_description": "text", "description": "text", "tax_class": "text", "weight_grams": "int",
     "length_mm": "int", "width_mm": "int", "height_mm": "int", "metadata": "jsonb"},
    {"brand_id": None, "type": "simple", "short_description": "", "description": "", "tax_class": "standard",
     "weight_grams": None, "length_mm": None, "width_mm": None, "height_mm": None, "metadata": {}},
)  # fmt: skip
TEXTS: Final = Table(
    "product_translations",
    ("product_id", "locale"),
    {"product_id": "uuid", "locale": "text", "title": "text", "short_description": "text", "description": "text"},
)
LISTINGS: Final = Table(
    "product_listings",
    ("product_id",),
    {"product_id": "uuid", "store_id": "uuid", "slug": "text", "status": "text", "visibility": "text",
     "published_at": "timestamptz", "unpublish_at": "timestamptz", "is_featured": "boolean", "seo": "jsonb",
     "deleted_at": "timestamptz"},
    {"status": "draft", "visibility": "public", "published_at": None, "unpublish_at": None, "is_featured": False,
     "seo": {}, "deleted_at": None},
)  # fmt: skip
IN_CATEGORIES: Final = Table(
    "product_categories",
    ("product_id", "category_id"),
    {"product_id": "uuid", "category_id": "uuid", "is_primary": "boolean"},
)
WITH_TAGS: Final = Table("product_tags", ("product_id", "tag_id"), {"product_id": "uuid", "tag_id": "uuid"})
AT_LOCATIONS: Final = Table(
    "product_locations", ("product_id", "location_id"), {"product_id": "uuid", "location_id": "uuid"}
)

OWN: Final = (
    "title", "short_description", "description", "tax_class", "weight_grams", "length_mm", "width_mm", "height_mm",
)  # fmt: skip
LISTED: Final = ("status", "visibility", "published_at", "unpublish_at", "is_featured")


class Slugs:
    """The live addresses of the store's products, those that the document asks for, and what moved."""

    def __init__(self, live: dict[str, UUID], asked: set[str]) -> None:
        self.live = live
        self.asked = asked
        self.moves: list[tuple[str, UUID]] = []

    def __contains__(self, slug: object) -> bool:
        return slug in self.live or slug in self.asked

    def take(self, slug: str, product_id: UUID, before: str | None) -> None:
        """The product has this address from now on."""
        if before is not None:
            del self.live[before]
            self.moves.append((before, product_id))
        self.live[slug] = product_id


class Part:
    """The rows of some products: what is there, and what the document makes of it."""

    def __init__(self, run: Run, addresses: Slugs, stock: Stock, max_variants: int, fulfillment_type: str) -> None:
        self.run = run
        self.slugs = addresses
        self.products, self.texts, self.listings = Sheet(PRODUCTS), Sheet(TEXTS), Sheet(LISTINGS)
        self.categories, self.tags, self.locations = Sheet(IN_CATEGORIES), Sheet(WITH_TAGS), Sheet(AT_LOCATIONS)
        self.prices = Prices(run)
        self.variants = Variants(run, self.prices, stock, max_variants, fulfillment_type)
        self.images = Images(run)

    async def read(self, given: list[Product]) -> None:
        """Take the present rows of these products."""
        sql = self.run.sql
        await self.products.read(sql, "key = ANY($1) AND deleted_at IS NULL", [product.key for product in given])
        known = [row["id"] for row in self.products.rows.values()]
        for sheet in (self.texts, self.categories, self.tags, self.locations):
            await sheet.read(sql, "product_id = ANY($1)", known)
        await self.listings.read(sql, "product_id = ANY($1) AND store_id = $2", known, self.run.store.id)
        await self.prices.read(known)
        await self.variants.read(known)
        await self.images.read(known, given)

    def put(self, at: str, given: Product) -> None:
        """Compare one product with the store."""
        run, present = self.run, self.products.find(given.key)
        run.need(f"{at}/title", present is None, given.title)
        run.check_locales(f"{at}/translations", given.translations)
        fields = {name: getattr(given, name) for name in OWN}
        product_id = self.products.put(
            (given.key,),
            {"vendor_id": run.vendor_id, **fields, "metadata": given.attributes, "brand_id": self._brand(at, given)},
        )
        product = self.products.rows[given.key,]
        self._put_listing(at, given, product)
        for locale, text in (given.translations or {}).items():
            self.texts.put((product_id, locale), msgspec.structs.asdict(text))
        self._put_links(at, given, product_id)
        self.prices.put(at, product_id, None, given)
        self.products.change(product, self.variants.put(at, product_id, given))
        self.images.put(at, product_id, given)

    def _brand(self, at: str, given: Product) -> Any:
        if given.brand is UNSET or given.brand is None:
            return given.brand
        if given.brand not in self.run.brands:
            self.run.faults.add(f"{at}/brand", "unknown", "There is no such brand.")
        return self.run.brands.get(given.brand)

    def _put_listing(self, at: str, given: Product, product: dict[str, Any]) -> None:
        present = self.listings.find(product["id"])
        before = present["slug"] if present and present["deleted_at"] is None else None
        fields = {name: getattr(given, name) for name in LISTED}
        seo = given.seo if given.seo is UNSET else msgspec.to_builtins(given.seo)
        slug = self._slug(at, given, product, before)
        values = {"store_id": self.run.store.id, **fields, "seo": seo, "slug": slug, "deleted_at": None}
        self.listings.put((product["id"],), values)
        listing = self.listings.rows[product["id"],]
        if listing["status"] == "active" and listing["published_at"] is None:
            self.listings.change(listing, {"published_at": self.run.now})
        ends, starts = listing["unpublish_at"], listing["published_at"]
        if ends is not None and starts is not None and ends <= starts:
            self.run.faults.add(f"{at}/unpublish_at", "range_backward", "It ends before it is published.")

    def _slug(self, at: str, given: Product, product: dict[str, Any], before: str | None) -> str:
        wanted = given.slug or before
        if not wanted:
            base = slugs.slug_of(product.get("title") or "", slugs.slug_of(given.key, "product"))
            wanted = slugs.free(base, self.slugs)
        elif given.slug and not check_slug(self.run, f"{at}/slug", given.slug):
            return given.slug
        if self.slugs.live.get(wanted, product["id"]) != product["id"]:
            self.run.faults.add(f"{at}/slug", "slug_taken", "Another product has this address.")
        elif wanted != before:
            self.slugs.take(wanted, product["id"], before)
        return wanted

    def _put_links(self, at: str, given: Product, product_id: UUID) -> None:
        run = self.run
        categories = self._known(f"{at}/categories", given.categories, run.categories, "category")
        tags = self._known(f"{at}/tags", given.tags, run.tags, "tag")
        locations = self._known(f"{at}/locations", given.locations, run.locations, "location")
        if categories is not None:
            _demote(self.categories, product_id, categories)
            _replace(self.categories, product_id, categories, lambda number: {"is_primary": number == 0})
        for sheet, wanted in ((self.tags, tags), (self.locations, locations)):
            if wanted is not None:
                _replace(sheet, product_id, wanted, lambda _: {})

    def _known(self, at: str, given: Any, known: dict[str, UUID], what: str) -> list[UUID] | None:
        """The ids of named things; None if the document does not mention them."""
        if given is UNSET:
            return None
        for number, name in enumerate(given):
            if name not in known:
                self.run.faults.add(f"{at}/{number}", "unknown", f"There is no such {what}.")
            elif name in given[:number]:
                self.run.faults.add(f"{at}/{number}", "duplicate", "This was given before.")
        return [known[name] for name in dict.fromkeys(given) if name in known]

    async def write(self) -> None:
        """Write the difference, in the order of the references."""
        sheets = [
            ("products", self.products),
            ("product texts", self.texts),
            ("listings", self.listings),
            ("product categories", self.categories),
            ("product tags", self.tags),
            ("product locations", self.locations),
            *self.variants.sheets,
            ("prices", self.prices.sheet),
            *self.images.sheets,
        ]
        await self.run.write(sheets)
        owners = [sheet for name, sheet in sheets if "product_id" in sheet.table.types]
        self.run.touched.update(row["product_id"] for sheet in owners for row in sheet.touched)


def _demote(sheet: Sheet, product_id: UUID, wanted: list[UUID]) -> None:
    """When another category becomes the primary one, the old link goes first: an index allows only one."""
    for key in sheet.of(product_id):
        if sheet.rows[key]["is_primary"] and (not wanted or key[1] != wanted[0]):
            sheet.drop(key)
    first = sheet.find(product_id, wanted[0]) if wanted else None
    if first is not None and not first["is_primary"]:
        sheet.drop((product_id, wanted[0]))


def _replace(sheet: Sheet, product_id: UUID, wanted: list[UUID], fields: Any) -> None:
    for number, target in enumerate(wanted):
        sheet.put((product_id, target), fields(number))
    sheet.keep_only(sheet.of(product_id), [(product_id, target) for target in wanted])


async def load_products(run: Run) -> None:
    """Write all products of the document, then bring the lists up to date."""
    given, stock = run.document.products, Stock(run)
    keys: dict[str, str] = {}
    for number, product in enumerate(given):
        run.is_new(f"/products/{number}/key", keys, product.key)
    addresses = await _slugs(run)
    run.sku_owners = await _sku_owners(run)
    catalog = await settings.get(run.uow, CatalogSettings)
    for start in range(0, len(given), PART):
        chosen = given[start : start + PART]
        part = Part(run, addresses, stock, catalog.max_variants, catalog.default_fulfillment_type)
        await part.read(chosen)
        for number, product in enumerate(chosen, start):
            part.put(f"/products/{number}", product)
        await part.write()
        run.progress("products", start + len(chosen), len(given))
    if not run.faults and addresses.moves:
        await slugs.note_moves(run.sql, "product", run.store.id, addresses.moves)
    if not run.faults:
        await slugs.unshadow(run.sql, "product", run.store.id, addresses.live)
    await stock.write()


async def refresh_lists(run: Run) -> None:
    """Bring the projections of all touched products up to date."""
    touched = sorted(run.touched)
    for start in range(0, len(touched), PART):
        await projections.refresh(run.sql, touched[start : start + PART])
        run.progress("lists", min(start + PART, len(touched)), len(touched))


async def _slugs(run: Run) -> Slugs:
    rows = await run.sql.fetch(
        "SELECT slug, product_id FROM product_listings WHERE store_id = $1 AND deleted_at IS NULL", run.store.id
    )
    asked: dict[str, str] = {}
    for number, product in enumerate(run.document.products):
        if product.slug is not UNSET:
            run.is_new(f"/products/{number}/slug", asked, product.slug)
    return Slugs({row["slug"]: row["product_id"] for row in rows}, set(asked))


async def _sku_owners(run: Run) -> dict[str, UUID]:
    """All at once: a look-up by thousands of SKUs is planned badly while the table's statistics are young."""
    rows = await run.sql.fetch(
        "SELECT sku, product_id FROM product_variants WHERE vendor_id = $1 AND sku IS NOT NULL AND deleted_at IS NULL",
        run.vendor_id,
    )
    return {row["sku"]: row["product_id"] for row in rows}
