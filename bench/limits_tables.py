"""Plain tables for the limits: the same products, normalised as any shop has them; no tenant, no row security."""

import hashlib

import asyncpg
import msgspec

from bench import dataset

SCHEMA = """
CREATE TABLE categories (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), slug text NOT NULL UNIQUE, name text NOT NULL);
CREATE TABLE products (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), category_id uuid NOT NULL REFERENCES categories,
    slug text NOT NULL UNIQUE, title text NOT NULL, description text NOT NULL, seo json NOT NULL,
    published_at timestamptz NOT NULL);
CREATE INDEX products_newest ON products (category_id, published_at DESC, id DESC);
CREATE TABLE variants (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), product_id uuid NOT NULL REFERENCES products,
    sku text NOT NULL UNIQUE, title text NOT NULL, options json NOT NULL, position int NOT NULL,
    n bigint GENERATED ALWAYS AS IDENTITY UNIQUE);
CREATE INDEX variants_of_product ON variants (product_id, position);
CREATE TABLE product_options (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), product_id uuid NOT NULL REFERENCES products,
    name text NOT NULL, position int NOT NULL, UNIQUE (product_id, position));
CREATE TABLE option_values (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), option_id uuid NOT NULL REFERENCES product_options,
    value text NOT NULL, position int NOT NULL, UNIQUE (option_id, position));
CREATE TABLE prices (
    variant_id uuid NOT NULL REFERENCES variants, currency char(3) NOT NULL, amount bigint NOT NULL, compare_at bigint,
    PRIMARY KEY (variant_id, currency) INCLUDE (amount, compare_at));
CREATE TABLE media (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), product_id uuid NOT NULL REFERENCES products, url text NOT NULL,
    alt text NOT NULL, position int NOT NULL, UNIQUE (product_id, position));
CREATE TABLE locations (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), name text NOT NULL);
INSERT INTO locations (name) VALUES ('Warehouse');
CREATE TABLE stocks (
    variant_id uuid NOT NULL REFERENCES variants, location_id uuid NOT NULL REFERENCES locations,
    stock int NOT NULL, reserved int NOT NULL DEFAULT 0, PRIMARY KEY (variant_id, location_id),
    CHECK (reserved BETWEEN 0 AND stock)) WITH (fillfactor = 80);
CREATE TABLE customers (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), phone text NOT NULL UNIQUE, name text NOT NULL,
    seen_at timestamptz NOT NULL DEFAULT now());
CREATE SEQUENCE order_numbers;
CREATE TABLE orders (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), number bigint NOT NULL UNIQUE DEFAULT nextval('order_numbers'),
    customer_id uuid NOT NULL REFERENCES customers, address jsonb NOT NULL, total bigint NOT NULL,
    currency char(3) NOT NULL, status text NOT NULL, placed_at timestamptz NOT NULL DEFAULT now());
CREATE INDEX orders_of_customer ON orders (customer_id);
CREATE TABLE order_items (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), order_id uuid NOT NULL REFERENCES orders,
    variant_id uuid NOT NULL REFERENCES variants, title text NOT NULL, quantity int NOT NULL, price bigint NOT NULL);
CREATE INDEX items_of_order ON order_items (order_id);
CREATE TABLE payments (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), order_id uuid NOT NULL REFERENCES orders, method text NOT NULL,
    amount bigint NOT NULL, status text NOT NULL);
CREATE INDEX payments_of_order ON payments (order_id);
CREATE TABLE facts (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, body jsonb NOT NULL);
CREATE TABLE keys (key text PRIMARY KEY, answer text NOT NULL, at timestamptz NOT NULL DEFAULT now());
CREATE TABLE reservations (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), variant_id uuid NOT NULL, order_id uuid NOT NULL REFERENCES orders,
    quantity int NOT NULL);
CREATE INDEX reservations_of_order ON reservations (order_id);
"""

_STAGING = """
CREATE TEMP TABLE staged (
    slug text, title text, description text, category text, seo text, image_url text, image_alt text,
    option text, published_at timestamptz,
    sku text, variant_title text, variant_options text, position int, price bigint, compare_at bigint, stock int)
"""

_SPREAD = (
    """INSERT INTO products (category_id, slug, title, description, seo, published_at)
       SELECT DISTINCT ON (s.slug) c.id, s.slug, s.title, s.description, s.seo::json, s.published_at
       FROM staged s JOIN categories c ON c.slug = s.category ORDER BY s.slug""",
    """INSERT INTO variants (product_id, sku, title, options, position)
       SELECT p.id, s.sku, s.variant_title, s.variant_options::json, s.position
       FROM staged s JOIN products p USING (slug) ORDER BY s.published_at DESC, s.position""",
    """INSERT INTO product_options (product_id, name, position)
       SELECT p.id, s.option, 0 FROM staged s JOIN products p USING (slug) WHERE s.position = 0
       ORDER BY s.published_at DESC""",
    """INSERT INTO option_values (option_id, value, position)
       SELECT o.id, s.variant_title, s.position
       FROM staged s JOIN products p USING (slug) JOIN product_options o ON o.product_id = p.id
       ORDER BY s.published_at DESC, s.position""",
    """INSERT INTO media (product_id, url, alt, position)
       SELECT p.id, s.image_url, s.image_alt, 0 FROM staged s JOIN products p USING (slug) WHERE s.position = 0
       ORDER BY s.published_at DESC""",
    """INSERT INTO prices (variant_id, currency, amount, compare_at)
       SELECT v.id, 'BDT', s.price, s.compare_at FROM staged s JOIN variants v USING (sku) ORDER BY v.n""",
    """INSERT INTO stocks (variant_id, location_id, stock)
       SELECT v.id, l.id, s.stock FROM staged s JOIN variants v USING (sku) CROSS JOIN locations l ORDER BY v.n""",
)


async def fill(dsn: str, *, count: int, hot: int) -> None:
    """Create the tables in an empty database and COPY the dataset into them."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(SCHEMA)
        await connection.copy_records_to_table(
            "categories", records=[(place.slug, place.name) for place in dataset.categories()], columns=["slug", "name"]
        )
        await connection.execute(_STAGING)
        everything = [*dataset.products(count), *dataset.hot_products(hot)]
        await connection.copy_records_to_table("staged", records=[row for item in everything for row in _rows(item)])
        for statement in _SPREAD:
            await connection.execute(statement)
    finally:
        await connection.close()


def _rows(item: dataset.Product) -> list[tuple[object, ...]]:
    seo = _json({"title": item.seo_title, "description": item.seo_description})
    return [
        (item.slug, item.title, item.description, item.category.slug, seo, _url(item.picture), item.title,
         item.option, item.published_at,
         variant.sku, variant.value, _json({item.option: variant.value}), position, variant.price, item.compare_at,
         variant.stock)
        for position, variant in enumerate(item.variants)
    ]  # fmt: skip


def _url(picture: bytes) -> str:
    """As ShopKit answers it: the file is named by its hash."""
    digest = hashlib.sha256(picture).hexdigest()
    return f"/media/{digest[:2]}/{digest}.png"


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
