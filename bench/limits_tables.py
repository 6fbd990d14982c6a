"""Plain tables for the limits: the same products, no tenant, no row security, and only what the queries read."""

import asyncpg
import msgspec

from bench import dataset

SCHEMA = """
CREATE TABLE categories (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), slug text NOT NULL UNIQUE, name text NOT NULL);
CREATE TABLE products (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), category_id uuid NOT NULL REFERENCES categories,
    slug text NOT NULL UNIQUE, title text NOT NULL, description text NOT NULL, options json NOT NULL,
    published_at timestamptz NOT NULL);
CREATE INDEX products_newest ON products (category_id, published_at DESC, id DESC);
CREATE TABLE variants (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), product_id uuid NOT NULL REFERENCES products,
    sku text NOT NULL UNIQUE, title text NOT NULL, options json NOT NULL, position int NOT NULL,
    price bigint NOT NULL, compare_at bigint, currency char(3) NOT NULL,
    n bigint GENERATED ALWAYS AS IDENTITY UNIQUE);
CREATE INDEX variants_of_product ON variants (product_id, position);
CREATE TABLE stocks (
    variant_id uuid PRIMARY KEY REFERENCES variants, stock int NOT NULL, reserved int NOT NULL DEFAULT 0,
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
    slug text, title text, description text, category text, options text, published_at timestamptz,
    sku text, variant_title text, variant_options text, position int, price bigint, compare_at bigint, stock int)
"""

_SPREAD = (
    """INSERT INTO products (category_id, slug, title, description, options, published_at)
       SELECT DISTINCT ON (s.slug) c.id, s.slug, s.title, s.description, s.options::json, s.published_at
       FROM staged s JOIN categories c ON c.slug = s.category ORDER BY s.slug""",
    """INSERT INTO variants (product_id, sku, title, options, position, price, compare_at, currency)
       SELECT p.id, s.sku, s.variant_title, s.variant_options::json, s.position, s.price, s.compare_at, 'BDT'
       FROM staged s JOIN products p USING (slug) ORDER BY s.published_at DESC, s.position""",
    """INSERT INTO stocks (variant_id, stock) SELECT v.id, s.stock FROM staged s JOIN variants v USING (sku)
       ORDER BY v.n""",
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
    options = _json([{"name": item.option, "values": [variant.value for variant in item.variants]}])
    return [
        (item.slug, item.title, item.description, item.category.slug, options, item.published_at,
         variant.sku, variant.value, _json({item.option: variant.value}), position, variant.price, item.compare_at,
         variant.stock)
        for position, variant in enumerate(item.variants)
    ]  # fmt: skip


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
