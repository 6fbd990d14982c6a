"""The statements of the limits: as little SQL as the answer allows, written once."""

STATIC_BYTES = 4096

PRODUCT = """
SELECT json_build_object(
    'id', p.id, 'slug', p.slug, 'title', p.title, 'description', p.description,
    'category', json_build_object('id', c.id, 'slug', c.slug, 'name', c.name),
    'options', (
        SELECT json_agg(json_build_object('name', o.name, 'values', (
            SELECT json_agg(w.value ORDER BY w.position) FROM option_values w WHERE w.option_id = o.id))
            ORDER BY o.position)
        FROM product_options o WHERE o.product_id = p.id),
    'variants', (
        SELECT json_agg(json_build_object(
            'id', v.id, 'sku', v.sku, 'title', v.title, 'options', v.options,
            'price', json_build_object('amount', x.amount, 'currency', x.currency),
            'compare_at', CASE WHEN x.compare_at > x.amount
                THEN json_build_object('amount', x.compare_at, 'currency', x.currency) END,
            'in_stock', EXISTS (SELECT FROM stocks s WHERE s.variant_id = v.id AND s.stock > s.reserved),
            'available', NULL) ORDER BY v.position)
        FROM variants v JOIN prices x ON x.variant_id = v.id AND x.currency = 'BDT' WHERE v.product_id = p.id),
    'images', (
        SELECT json_agg(json_build_object('url', m.url, 'alt', m.alt) ORDER BY m.position)
        FROM media m WHERE m.product_id = p.id),
    'seo', p.seo)::text
FROM products p JOIN categories c ON c.id = p.category_id WHERE p.slug = $1
"""

LIST = """
SELECT json_build_object('items', coalesce(json_agg(json_build_object(
    'id', p.id, 'slug', p.slug, 'title', p.title,
    'price', json_build_object('amount', m.amount, 'currency', 'BDT'),
    'compare_at', CASE WHEN m.compare_at > m.amount
        THEN json_build_object('amount', m.compare_at, 'currency', 'BDT') END,
    'image', (
        SELECT json_build_object('url', i.url, 'alt', i.alt) FROM media i
        WHERE i.product_id = p.id ORDER BY i.position LIMIT 1),
    'in_stock', m.in_stock,
    'rating', '{"average": null, "count": 0}'::json) ORDER BY p.published_at DESC, p.id DESC), '[]'::json),
    'next_cursor', min(p.published_at))::text
FROM (
    SELECT id, slug, title, published_at FROM products
    WHERE category_id = (SELECT id FROM categories WHERE slug = $1)
    ORDER BY published_at DESC, id DESC LIMIT 24) p
CROSS JOIN LATERAL (
    SELECT min(x.amount) AS amount, min(x.compare_at) AS compare_at, bool_or(s.stock > s.reserved) AS in_stock
    FROM variants v JOIN prices x ON x.variant_id = v.id AND x.currency = 'BDT' JOIN stocks s ON s.variant_id = v.id
    WHERE v.product_id = p.id) m
"""

# The eight statements of the one-POST order, between BEGIN and COMMIT; the stock row last, its lock held shortest.
REPLAY = "SELECT answer FROM keys WHERE key = $1"
PRICES = """
SELECT v.id, x.amount AS price, p.title
FROM variants v JOIN prices x ON x.variant_id = v.id AND x.currency = 'BDT' JOIN products p ON p.id = v.product_id
WHERE v.id = ANY ($1::uuid[]) ORDER BY v.id
"""
CUSTOMER = """
INSERT INTO customers (phone, name) VALUES ($1, $2)
ON CONFLICT (phone) DO UPDATE SET seen_at = now() RETURNING id
"""
ORDER = """
INSERT INTO orders (customer_id, address, total, currency, status) VALUES ($1, $2::text::jsonb, $3, 'BDT', 'pending')
RETURNING id, number
"""
ITEMS = """
INSERT INTO order_items (order_id, variant_id, title, quantity, price)
SELECT $1, * FROM unnest($2::uuid[], $3::text[], $4::int[], $5::bigint[])
"""
PAYMENT = "INSERT INTO payments (order_id, method, amount, status) VALUES ($1, 'cod', $2, 'awaiting_collection')"
FACT_AND_KEY = """
WITH fact AS (INSERT INTO facts (name, body) VALUES ('order.placed', $1::text::jsonb))
INSERT INTO keys (key, answer) VALUES ($2, $3)
"""
RESERVE = """
WITH taken AS (
    UPDATE stocks SET reserved = reserved + $3 WHERE variant_id = $1 AND stock - reserved >= $3 RETURNING variant_id)
INSERT INTO reservations (variant_id, order_id, quantity) SELECT variant_id, $2, $3 FROM taken RETURNING id
"""

# The same for pgbench: nine statements with BEGIN and COMMIT, no HTTP and no Python around them.
CHECKOUT_SCRIPT = """
\\set n random(1, :variants)
\\set phone random(1, 99999999)
BEGIN;
SELECT v.id AS variant, x.amount AS price, p.title AS title
    FROM variants v JOIN prices x ON x.variant_id = v.id AND x.currency = 'BDT' JOIN products p ON p.id = v.product_id
    WHERE v.n = :n \\gset
INSERT INTO customers (phone, name) VALUES ('+88017' || lpad(:phone, 8, '0'), 'Rahima Khatun')
    ON CONFLICT (phone) DO UPDATE SET seen_at = now() RETURNING id AS customer \\gset
INSERT INTO orders (customer_id, address, total, currency, status)
    VALUES (:customer, '{"line1": "House 12, Road 5", "admin1": "Dhaka"}', :price, 'BDT', 'pending')
    RETURNING id AS order \\gset
INSERT INTO order_items (order_id, variant_id, title, quantity, price) VALUES (:order, :variant, :title, 1, :price);
INSERT INTO payments (order_id, method, amount, status) VALUES (:order, 'cod', :price, 'awaiting_collection');
INSERT INTO facts (name, body) VALUES ('order.placed', '{"total": 1}');
WITH taken AS (
    UPDATE stocks SET reserved = reserved + 1 WHERE variant_id = :variant AND stock - reserved >= 1
    RETURNING variant_id)
INSERT INTO reservations (variant_id, order_id, quantity) SELECT variant_id, :order, 1 FROM taken RETURNING id;
COMMIT;
"""
