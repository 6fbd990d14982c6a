"""The bench's shop: the same products on every machine and in every run, for ShopKit and for the limits alike."""

import random
import struct
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import product as combinations

from msgspec import Struct

SEED = 20_260_401
CURRENCY = "BDT"
VARIANTS_PER_PRODUCT = 3
STOCK_PER_VARIANT = 100_000
HOT_STOCK = 50
SHIPPING_FLAT_MINOR = 6_000
NEWEST = datetime(2026, 4, 1, tzinfo=UTC)

COLLECTIONS = (
    "Padma", "Meghna", "Jamuna", "Karnaphuli", "Surma", "Rupsha", "Teesta", "Madhumati", "Sundarban", "Sylhet",
    "Rangpur", "Bogura", "Cumilla", "Jashore", "Khulna", "Barishal", "Mymensingh", "Rajshahi", "Bandarban", "Tangail",
)  # fmt: skip
ADJECTIVES = (
    "Classic", "Everyday", "Handmade", "Premium", "Soft", "Festive", "Light", "Heritage", "Modern", "Natural",
    "Compact", "Royal", "Simple", "Bright", "Trusted", "Fine",
)  # fmt: skip

SIZES = ("Size", ("S", "M", "L"))
COLOURS = ("Colour", ("Red", "Green", "Indigo"))
WEIGHTS = ("Weight", ("250 g", "500 g", "1 kg"))
SHOES = ("Size", ("40", "41", "42"))
PACKS = ("Pack", ("1 piece", "2 pieces", "4 pieces"))

# name: things sold there, the option of its variants, lowest and highest price in taka
CATEGORIES: dict[str, tuple[tuple[str, ...], tuple[str, tuple[str, ...]], int, int]] = {
    "Sarees": (("Jamdani Saree", "Cotton Saree", "Silk Saree"), COLOURS, 1200, 18000),
    "Panjabi": (("Cotton Panjabi", "Silk Panjabi", "Printed Panjabi"), SIZES, 900, 4500),
    "Salwar Kameez": (("Three-piece", "Kameez Set", "Embroidered Set"), SIZES, 1100, 6500),
    "Kurti": (("Kurti", "Long Kurti", "Block Print Kurti"), SIZES, 600, 2400),
    "Lungi": (("Lungi", "Check Lungi", "Handloom Lungi"), COLOURS, 350, 1200),
    "T-Shirts": (("T-Shirt", "Polo Shirt", "Long Sleeve T-Shirt"), SIZES, 280, 1100),
    "Shirts": (("Formal Shirt", "Denim Shirt", "Linen Shirt"), SIZES, 700, 2800),
    "Trousers": (("Chino", "Jeans", "Gabardine Trousers"), SIZES, 900, 3200),
    "Winter Wear": (("Hoodie", "Sweater", "Shawl"), SIZES, 650, 3900),
    "Hijab": (("Hijab", "Georgette Hijab", "Cotton Scarf"), COLOURS, 220, 950),
    "Boys' Clothes": (("Boys' Shirt", "Boys' Shorts", "Boys' Panjabi"), SIZES, 320, 1500),
    "Girls' Clothes": (("Frock", "Girls' Top", "Lehenga"), SIZES, 380, 2600),
    "Baby Care": (("Baby Blanket", "Baby Romper", "Feeding Bottle"), COLOURS, 180, 1600),
    "Sandals": (("Leather Sandal", "Sports Sandal", "Slippers"), SHOES, 350, 2200),
    "Shoes": (("Sneakers", "Loafers", "Running Shoes"), SHOES, 1200, 6500),
    "Bags": (("Handbag", "Jute Bag", "Backpack"), COLOURS, 350, 4200),
    "Wallets": (("Leather Wallet", "Card Holder", "Long Wallet"), COLOURS, 450, 2400),
    "Belts": (("Leather Belt", "Canvas Belt", "Reversible Belt"), SIZES, 380, 1900),
    "Watches": (("Wrist Watch", "Digital Watch", "Steel Watch"), COLOURS, 900, 9500),
    "Jewellery": (("Earrings", "Bangles", "Necklace"), COLOURS, 250, 5200),
    "Mobile Phones": (("Smartphone", "Button Phone", "Rugged Phone"), COLOURS, 1800, 42000),
    "Phone Covers": (("Silicone Cover", "Glass Protector", "Flip Cover"), COLOURS, 150, 900),
    "Chargers": (("Fast Charger", "USB-C Cable", "Power Bank"), COLOURS, 250, 3500),
    "Headphones": (("Earphones", "Neckband", "Wireless Earbuds"), COLOURS, 350, 6500),
    "Smart Home": (("LED Bulb", "Smart Plug", "Night Lamp"), PACKS, 180, 2500),
    "Fans": (("Table Fan", "Ceiling Fan", "Rechargeable Fan"), COLOURS, 1200, 7500),
    "Kitchen": (("Pressure Cooker", "Frying Pan", "Rice Cooker"), COLOURS, 700, 6200),
    "Tableware": (("Dinner Plate", "Clay Mug", "Serving Bowl"), PACKS, 180, 2400),
    "Bedding": (("Bed Sheet", "Pillow Cover", "Nakshi Kantha"), COLOURS, 450, 5200),
    "Curtains": (("Curtain", "Net Curtain", "Blackout Curtain"), COLOURS, 500, 2800),
    "Furniture": (("Cane Chair", "Folding Table", "Book Rack"), COLOURS, 1500, 12500),
    "Lighting": (("Desk Lamp", "Fairy Lights", "Solar Lantern"), PACKS, 220, 2600),
    "Handicraft": (("Terracotta Vase", "Jute Wall Hanging", "Cane Basket"), PACKS, 250, 3200),
    "Stationery": (("Notebook", "Gel Pen", "Sketch Book"), PACKS, 60, 650),
    "Books": (("Novel", "Story Collection", "Travel Book"), PACKS, 150, 900),
    "Toys": (("Building Blocks", "Toy Car", "Rag Doll"), COLOURS, 200, 2400),
    "Cricket": (("Cricket Bat", "Cricket Ball", "Batting Gloves"), SIZES, 250, 6800),
    "Football": (("Football", "Football Jersey", "Shin Guard"), SIZES, 300, 3200),
    "Cycling": (("Bicycle Helmet", "Bicycle Light", "Bicycle Lock"), COLOURS, 250, 2900),
    "Rice and Dal": (("Chinigura Rice", "Miniket Rice", "Masoor Dal"), WEIGHTS, 60, 420),
    "Spices": (("Turmeric Powder", "Chilli Powder", "Garam Masala"), WEIGHTS, 70, 680),
    "Honey": (("Mustard Honey", "Litchi Honey", "Black Seed Honey"), WEIGHTS, 220, 1400),
    "Tea": (("Black Tea", "Green Tea", "Masala Tea"), WEIGHTS, 110, 950),
    "Sweets": (("Date Molasses", "Nolen Gur", "Coconut Naru"), WEIGHTS, 180, 900),
    "Snacks": (("Chanachur", "Puffed Rice", "Biscuits"), WEIGHTS, 50, 380),
    "Dry Fruit": (("Cashew", "Dates", "Raisins"), WEIGHTS, 190, 1900),
    "Soap": (("Neem Soap", "Beauty Soap", "Goat Milk Soap"), PACKS, 55, 480),
    "Hair Care": (("Hair Oil", "Shampoo", "Hair Mask"), PACKS, 120, 1300),
    "Skin Care": (("Face Wash", "Body Lotion", "Aloe Gel"), PACKS, 130, 1700),
    "Perfume": (("Attar", "Body Spray", "Eau de Parfum"), PACKS, 200, 4500),
}


class Category(Struct, frozen=True):
    """One of fifty, all at the top level."""

    slug: str
    name: str


class Variant(Struct, frozen=True, kw_only=True):
    """What is bought: one value of the product's one option. Money in minor units."""

    sku: str
    value: str
    price: int
    stock: int


class Product(Struct, frozen=True, kw_only=True):
    """A published product with three variants, or one when it is hot."""

    slug: str
    title: str
    description: str
    category: Category
    option: str
    compare_at: int | None
    published_at: datetime
    seo_title: str
    seo_description: str
    picture: bytes
    """A PNG of one pixel; no two products have the same."""
    variants: tuple[Variant, ...]


def categories() -> list[Category]:
    return [Category(_slug(name), name) for name in CATEGORIES]


def products(count: int) -> Iterator[Product]:
    """Deterministic products, spread evenly over the categories, the newest first."""
    chance = random.Random(SEED)
    places = categories()
    for number in range(count):
        yield _product(number, places[number % len(places)], chance)


def hot_products(count: int) -> Iterator[Product]:
    """Products with 50 units of one variant, one for each round of the rush; sold in no other workload."""
    for number in range(count):
        variant = Variant(sku=f"HOT-{number + 1}", value="Red", price=99_000, stock=HOT_STOCK)
        yield Product(
            slug=f"flash-sale-{number + 1}",
            title=f"Flash Sale Smartphone {number + 1}",
            description="Fifty pieces at this price, one for each buyer.",
            category=Category("mobile-phones", "Mobile Phones"),
            option="Colour",
            compare_at=159_000,
            published_at=NEWEST - timedelta(days=400),
            seo_title=f"Flash Sale Smartphone {number + 1} at the best price",
            seo_description="Fifty pieces at this price.",
            picture=_png(0xFFFFFF - number),
            variants=(variant,),
        )


def _product(number: int, category: Category, chance: random.Random) -> Product:
    nouns, (option, values), lowest, highest = CATEGORIES[category.name]
    names = list(combinations(COLLECTIONS, ADJECTIVES, nouns))
    turn = number // len(CATEGORIES)
    collection, adjective, noun = names[turn * 7 % len(names)]  # 7 divides none of the sizes: each name once
    again = turn // len(names)
    title = f"{collection} {adjective} {noun}" + (f" {again + 1}" if again else "")
    taka = round(chance.triangular(lowest, highest, lowest + (highest - lowest) / 4), -1)
    steps = [1.0, 1.9, 3.6] if option in {"Weight", "Pack"} else [1.0, 1.0, 1.05]
    variants = tuple(
        Variant(
            sku=f"{category.slug[:4].upper()}-{number:06d}-{place + 1}",
            value=value,
            price=int(taka * step) * 100,
            stock=STOCK_PER_VARIANT,
        )
        for place, (value, step) in enumerate(zip(values, steps, strict=True))
    )
    return Product(
        slug=f"{_slug(title)}-{number}",
        title=title,
        description=_description(collection, adjective, noun, category),
        category=category,
        option=option,
        compare_at=int(taka * 1.25) * 100 if chance.random() < 0.3 else None,
        published_at=NEWEST - timedelta(minutes=7 * number),
        seo_title=f"{title} at the best price",
        seo_description=f"Buy {title} online, delivered anywhere in Bangladesh.",
        picture=_png(number),
        variants=variants,
    )


def _description(collection: str, adjective: str, noun: str, category: Category) -> str:
    return (
        f"{adjective} {noun.lower()} from our {collection} collection. Checked by hand before it is packed, delivered "
        f"anywhere in Bangladesh within two to five days, and exchanged within seven days if it does not suit you. "
        f"See everything else in {category.name} for things that go with it."
    )


def _png(colour: int) -> bytes:
    """One pixel of this colour (0xRRGGBB)."""
    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    pixel = zlib.compress(b"\0" + colour.to_bytes(3, "big"))
    chunks = ((b"IHDR", header), (b"IDAT", pixel), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )


def _slug(text: str) -> str:
    return "-".join("".join(sign if sign.isalnum() else " " for sign in text.lower().replace("'", "")).split())
