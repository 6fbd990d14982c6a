-- The foundation's tables. Frozen: later changes are later revisions.

CREATE TABLE cache_changes (
    transaction BIGINT DEFAULT pg_current_xact_id()::text::bigint NOT NULL,
    scope UUID NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_cache_changes PRIMARY KEY (transaction, scope)
);

CREATE TABLE cache_epochs (
    name TEXT NOT NULL,
    version BIGINT DEFAULT '0' NOT NULL,
    CONSTRAINT pk_cache_epochs PRIMARY KEY (name)
);

CREATE TABLE customers (
    name TEXT NOT NULL,
    status TEXT DEFAULT 'active' NOT NULL,
    locale TEXT,
    metadata JSONB DEFAULT '{}' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    tenant_id UUID DEFAULT NULLIF(current_setting('app.tenant_id', true), '')::uuid NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    CONSTRAINT pk_customers PRIMARY KEY (tenant_id, id),
    CONSTRAINT ck_customers_status_known CHECK (status IN ('active', 'blocked', 'merged'))
);

CREATE TABLE idempotency_keys (
    caller TEXT NOT NULL,
    route TEXT NOT NULL,
    key TEXT NOT NULL,
    request_hash BYTEA NOT NULL,
    subject_id UUID,
    status INTEGER,
    body TEXT,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    tenant_id UUID DEFAULT NULLIF(current_setting('app.tenant_id', true), '')::uuid NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    CONSTRAINT pk_idempotency_keys PRIMARY KEY (tenant_id, id),
    CONSTRAINT uq_idempotency_keys_tenant_id_caller_route_key UNIQUE NULLS DISTINCT (tenant_id, caller, route, key)
);

CREATE INDEX ix_idempotency_keys_created_at ON idempotency_keys (created_at);

CREATE TABLE jobs (
    kind TEXT NOT NULL,
    key TEXT,
    payload JSONB DEFAULT '{}' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    attempts INTEGER DEFAULT '0' NOT NULL,
    lease_token UUID,
    last_error TEXT,
    dead_at TIMESTAMP WITH TIME ZONE,
    tenant_id UUID DEFAULT NULLIF(current_setting('app.tenant_id', true), '')::uuid NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    CONSTRAINT pk_jobs PRIMARY KEY (tenant_id, id)
);

CREATE INDEX ix_jobs_due ON jobs (due_at) WHERE dead_at IS NULL;

CREATE UNIQUE INDEX uq_jobs_kind_key ON jobs (tenant_id, kind, key) WHERE key IS NOT NULL;

CREATE TABLE media_assets (
    path TEXT NOT NULL,
    content_type TEXT NOT NULL,
    content_hash TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    width INTEGER,
    height INTEGER,
    alt TEXT DEFAULT '' NOT NULL,
    alt_translations JSONB DEFAULT '{}' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    tenant_id UUID DEFAULT NULLIF(current_setting('app.tenant_id', true), '')::uuid NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    CONSTRAINT pk_media_assets PRIMARY KEY (tenant_id, id),
    CONSTRAINT uq_media_assets_tenant_id_path UNIQUE NULLS DISTINCT (tenant_id, path),
    CONSTRAINT ck_media_assets_bytes_positive CHECK (size_bytes > 0)
);

CREATE TABLE outbox_events (
    position BIGINT GENERATED ALWAYS AS IDENTITY,
    topic TEXT NOT NULL,
    aggregate_id UUID NOT NULL,
    payload JSONB NOT NULL,
    request_id TEXT DEFAULT '' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    tenant_id UUID DEFAULT NULLIF(current_setting('app.tenant_id', true), '')::uuid NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    CONSTRAINT pk_outbox_events PRIMARY KEY (tenant_id, id)
);

CREATE INDEX ix_outbox_events_created_at ON outbox_events (created_at);

CREATE TABLE processed_events (
    consumer TEXT NOT NULL,
    event_id UUID NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    tenant_id UUID DEFAULT NULLIF(current_setting('app.tenant_id', true), '')::uuid NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    CONSTRAINT pk_processed_events PRIMARY KEY (tenant_id, id),
    CONSTRAINT uq_processed_events_tenant_id_consumer_event_id UNIQUE NULLS DISTINCT (tenant_id, consumer, event_id)
);

CREATE INDEX ix_processed_events_created_at ON processed_events (created_at);

CREATE TABLE schedules (
    name TEXT NOT NULL,
    every_seconds INTEGER NOT NULL,
    last_run_at TIMESTAMP WITH TIME ZONE,
    due_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    attempts INTEGER DEFAULT '0' NOT NULL,
    lease_token UUID,
    last_error TEXT,
    dead_at TIMESTAMP WITH TIME ZONE,
    tenant_id UUID DEFAULT NULLIF(current_setting('app.tenant_id', true), '')::uuid NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    CONSTRAINT pk_schedules PRIMARY KEY (tenant_id, id),
    CONSTRAINT uq_schedules_tenant_id_name UNIQUE NULLS DISTINCT (tenant_id, name),
    CONSTRAINT ck_schedules_every_seconds_positive CHECK (every_seconds > 0)
);

CREATE INDEX ix_schedules_due ON schedules (due_at) WHERE dead_at IS NULL;

CREATE TABLE tags (
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    translations JSONB DEFAULT '{}' NOT NULL,
    tenant_id UUID DEFAULT NULLIF(current_setting('app.tenant_id', true), '')::uuid NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    CONSTRAINT pk_tags PRIMARY KEY (tenant_id, id),
    CONSTRAINT uq_tags_tenant_id_slug UNIQUE NULLS DISTINCT (tenant_id, slug),
    CONSTRAINT ck_tags_slug_form CHECK (slug ~ '^[^/?#%%[:space:]]{1,200}$' AND slug = lower(slug))
);

CREATE TABLE tenants (
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    plan TEXT DEFAULT 'standard' NOT NULL,
    status TEXT DEFAULT 'active' NOT NULL,
    type TEXT DEFAULT 'single_brand' NOT NULL,
    default_currency TEXT DEFAULT 'BDT' NOT NULL,
    timezone TEXT DEFAULT 'Asia/Dhaka' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_tenants PRIMARY KEY (id),
    CONSTRAINT ck_tenants_slug_form CHECK (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$' AND length(slug) <= 200),
    CONSTRAINT ck_tenants_status_known CHECK (status IN ('active', 'suspended', 'closing')),
    CONSTRAINT ck_tenants_type_known CHECK (type IN ('single_brand', 'mall')),
    CONSTRAINT ck_tenants_default_currency_iso4217 CHECK (default_currency ~ '^[A-Z]{3}$'),
    CONSTRAINT uq_tenants_slug UNIQUE (slug)
);

CREATE TABLE brands (
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT DEFAULT '' NOT NULL,
    logo_id UUID,
    translations JSONB DEFAULT '{}' NOT NULL,
    deleted_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    tenant_id UUID DEFAULT NULLIF(current_setting('app.tenant_id', true), '')::uuid NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    CONSTRAINT pk_brands PRIMARY KEY (tenant_id, id),
    CONSTRAINT ck_brands_slug_form CHECK (slug ~ '^[^/?#%%[:space:]]{1,200}$' AND slug = lower(slug)),
    CONSTRAINT fk_brands_tenant_id_logo_id FOREIGN KEY(tenant_id, logo_id) REFERENCES media_assets (tenant_id, id)
);

CREATE INDEX ix_brands_logo_id ON brands (tenant_id, logo_id) WHERE logo_id IS NOT NULL;

CREATE UNIQUE INDEX ix_brands_tenant_id_slug ON brands (tenant_id, slug) WHERE deleted_at IS NULL;

CREATE TABLE customer_addresses (
    customer_id UUID NOT NULL,
    type TEXT NOT NULL,
    is_default BOOLEAN DEFAULT 'false' NOT NULL,
    fingerprint TEXT NOT NULL,
    deleted_at TIMESTAMP WITH TIME ZONE,
    name TEXT NOT NULL,
    phone TEXT NOT NULL,
    country_code TEXT NOT NULL,
    admin1 TEXT,
    admin2 TEXT,
    admin3 TEXT,
    area TEXT,
    postal_code TEXT,
    line1 TEXT NOT NULL,
    line2 TEXT,
    landmark TEXT,
    courier_location_refs JSONB DEFAULT '{}' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    tenant_id UUID DEFAULT NULLIF(current_setting('app.tenant_id', true), '')::uuid NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    CONSTRAINT pk_customer_addresses PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_customer_addresses_tenant_id_customer_id FOREIGN KEY(tenant_id, customer_id) REFERENCES customers (tenant_id, id),
    CONSTRAINT ck_customer_addresses_type_known CHECK (type IN ('shipping', 'billing')),
    CONSTRAINT ck_customer_addresses_country_code_form CHECK (country_code ~ '^[A-Z]{2}$'),
    CONSTRAINT ck_customer_addresses_phone_e164 CHECK (phone ~ '^\+[1-9][0-9]{1,14}$')
);

CREATE INDEX ix_customer_addresses_customer_id ON customer_addresses (tenant_id, customer_id);

CREATE UNIQUE INDEX ix_customer_addresses_tenant_id_customer_id_type ON customer_addresses (tenant_id, customer_id, type) WHERE is_default AND deleted_at IS NULL;

CREATE UNIQUE INDEX ix_customer_addresses_tenant_id_customer_id_type_fingerprint ON customer_addresses (tenant_id, customer_id, type, fingerprint) WHERE deleted_at IS NULL;

CREATE TABLE customer_identities (
    customer_id UUID NOT NULL,
    identity_type TEXT NOT NULL,
    identity_value TEXT NOT NULL,
    source TEXT NOT NULL,
    is_primary BOOLEAN DEFAULT 'false' NOT NULL,
    verified_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    tenant_id UUID DEFAULT NULLIF(current_setting('app.tenant_id', true), '')::uuid NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    CONSTRAINT pk_customer_identities PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_customer_identities_tenant_id_customer_id FOREIGN KEY(tenant_id, customer_id) REFERENCES customers (tenant_id, id),
    CONSTRAINT uq_customer_identities_tenant_id_customer_id_identity_t_e41b UNIQUE NULLS DISTINCT (tenant_id, customer_id, identity_type, identity_value),
    CONSTRAINT ck_customer_identities_identity_type_known CHECK (identity_type IN ('phone', 'email', 'external')),
    CONSTRAINT ck_customer_identities_source_known CHECK (source IN ('signup', 'checkout', 'import', 'merge', 'staff')),
    CONSTRAINT ck_customer_identities_value_form CHECK (CASE identity_type WHEN 'phone' THEN identity_value ~ '^\+[1-9][0-9]{1,14}$' WHEN 'email' THEN identity_value ~ '^[^@[:space:]]+@[^@[:space:]]+$' AND length(identity_value) <= 254 ELSE length(identity_value) BETWEEN 1 AND 254 END)
);

CREATE UNIQUE INDEX uq_customer_identities_primary ON customer_identities (tenant_id, identity_type, identity_value) WHERE is_primary;

CREATE UNIQUE INDEX uq_customer_identities_verified ON customer_identities (tenant_id, identity_type, identity_value) WHERE verified_at IS NOT NULL;

CREATE TABLE outbox_deliveries (
    event_id UUID NOT NULL,
    consumer TEXT NOT NULL,
    aggregate_id UUID NOT NULL,
    position BIGINT NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    attempts INTEGER DEFAULT '0' NOT NULL,
    lease_token UUID,
    last_error TEXT,
    dead_at TIMESTAMP WITH TIME ZONE,
    tenant_id UUID DEFAULT NULLIF(current_setting('app.tenant_id', true), '')::uuid NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    CONSTRAINT pk_outbox_deliveries PRIMARY KEY (tenant_id, id),
    CONSTRAINT uq_outbox_deliveries_tenant_id_consumer_aggregate_id_position UNIQUE NULLS DISTINCT (tenant_id, consumer, aggregate_id, position),
    CONSTRAINT fk_outbox_deliveries_tenant_id_event_id FOREIGN KEY(tenant_id, event_id) REFERENCES outbox_events (tenant_id, id)
);

CREATE INDEX ix_outbox_deliveries_due ON outbox_deliveries (due_at) WHERE dead_at IS NULL;

CREATE INDEX ix_outbox_deliveries_event_id ON outbox_deliveries (tenant_id, event_id);

CREATE TABLE stores (
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    status TEXT DEFAULT 'active' NOT NULL,
    is_default BOOLEAN DEFAULT 'false' NOT NULL,
    currency TEXT NOT NULL,
    default_locale TEXT DEFAULT 'en' NOT NULL,
    locales TEXT[] DEFAULT '{en}' NOT NULL,
    country_code TEXT NOT NULL,
    timezone TEXT NOT NULL,
    contact_email TEXT,
    contact_phone TEXT,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    tenant_id UUID DEFAULT NULLIF(current_setting('app.tenant_id', true), '')::uuid NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    CONSTRAINT pk_stores PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_stores_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenants (id),
    CONSTRAINT uq_stores_tenant_id_slug UNIQUE NULLS DISTINCT (tenant_id, slug),
    CONSTRAINT ck_stores_slug_form CHECK (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$' AND length(slug) <= 200),
    CONSTRAINT ck_stores_status_known CHECK (status IN ('active', 'maintenance', 'closed')),
    CONSTRAINT ck_stores_currency_iso4217 CHECK (currency ~ '^[A-Z]{3}$'),
    CONSTRAINT ck_stores_country_code_form CHECK (country_code ~ '^[A-Z]{2}$'),
    CONSTRAINT ck_stores_default_locale_spoken CHECK (default_locale = ANY (locales))
);

CREATE UNIQUE INDEX ix_stores_tenant_id_is_default ON stores (tenant_id, is_default) WHERE is_default;

CREATE TABLE vendors (
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    status TEXT DEFAULT 'approved' NOT NULL,
    commission_rate NUMERIC(9, 6),
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    tenant_id UUID DEFAULT NULLIF(current_setting('app.tenant_id', true), '')::uuid NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    CONSTRAINT pk_vendors PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_vendors_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenants (id),
    CONSTRAINT uq_vendors_tenant_id_slug UNIQUE NULLS DISTINCT (tenant_id, slug),
    CONSTRAINT ck_vendors_status_known CHECK (status IN ('pending', 'under_review', 'approved', 'rejected', 'suspended')),
    CONSTRAINT ck_vendors_commission_rate_range CHECK (commission_rate >= 0 AND commission_rate <= 1)
);

CREATE TABLE carts (
    store_id UUID NOT NULL,
    customer_id UUID,
    status TEXT DEFAULT 'active' NOT NULL,
    currency TEXT NOT NULL,
    locale TEXT NOT NULL,
    token_epoch INTEGER DEFAULT '0' NOT NULL,
    contact JSONB DEFAULT '{}' NOT NULL,
    shipping_address JSONB,
    billing_address JSONB,
    shipping_option TEXT,
    payment_method TEXT,
    note TEXT DEFAULT '' NOT NULL,
    merged_into_id UUID,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    completing_at TIMESTAMP WITH TIME ZONE,
    lock_version INTEGER DEFAULT '0' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    tenant_id UUID DEFAULT NULLIF(current_setting('app.tenant_id', true), '')::uuid NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    CONSTRAINT pk_carts PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_carts_tenant_id_store_id FOREIGN KEY(tenant_id, store_id) REFERENCES stores (tenant_id, id),
    CONSTRAINT fk_carts_tenant_id_customer_id FOREIGN KEY(tenant_id, customer_id) REFERENCES customers (tenant_id, id),
    CONSTRAINT ck_carts_status_known CHECK (status IN ('active', 'abandoned', 'merged', 'converted')),
    CONSTRAINT ck_carts_currency_iso4217 CHECK (currency ~ '^[A-Z]{3}$')
);

CREATE INDEX ix_carts_customer_id ON carts (tenant_id, customer_id) WHERE customer_id IS NOT NULL;

CREATE INDEX ix_carts_expiry ON carts (tenant_id, status, expires_at) WHERE status IN ('active', 'abandoned');

CREATE INDEX ix_carts_store_id ON carts (tenant_id, store_id);

CREATE TABLE categories (
    store_id UUID NOT NULL,
    parent_id UUID,
    path JSONB DEFAULT '[]' NOT NULL,
    depth INTEGER DEFAULT '0' NOT NULL,
    position INTEGER DEFAULT '0' NOT NULL,
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT DEFAULT '' NOT NULL,
    image_id UUID,
    is_active BOOLEAN DEFAULT 'true' NOT NULL,
    seo JSONB DEFAULT '{}' NOT NULL,
    deleted_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    tenant_id UUID DEFAULT NULLIF(current_setting('app.tenant_id', true), '')::uuid NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    CONSTRAINT pk_categories PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_categories_tenant_id_store_id FOREIGN KEY(tenant_id, store_id) REFERENCES stores (tenant_id, id),
    CONSTRAINT fk_categories_tenant_id_parent_id FOREIGN KEY(tenant_id, parent_id) REFERENCES categories (tenant_id, id),
    CONSTRAINT fk_categories_tenant_id_image_id FOREIGN KEY(tenant_id, image_id) REFERENCES media_assets (tenant_id, id),
    CONSTRAINT ck_categories_slug_form CHECK (slug ~ '^[^/?#%%[:space:]]{1,200}$' AND slug = lower(slug)),
    CONSTRAINT ck_categories_not_its_own_parent CHECK (parent_id <> id)
);

CREATE INDEX ix_categories_image_id ON categories (tenant_id, image_id) WHERE image_id IS NOT NULL;

CREATE INDEX ix_categories_parent_id ON categories (tenant_id, parent_id) WHERE parent_id IS NOT NULL;

CREATE INDEX ix_categories_store_id ON categories (tenant_id, store_id);

CREATE UNIQUE INDEX ix_categories_tenant_id_store_id_slug ON categories (tenant_id, store_id, slug) WHERE deleted_at IS NULL;

CREATE TABLE order_number_counters (
    store_id UUID NOT NULL,
    next_number BIGINT DEFAULT '1001' NOT NULL,
    tenant_id UUID DEFAULT NULLIF(current_setting('app.tenant_id', true), '')::uuid NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    CONSTRAINT pk_order_number_counters PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_order_number_counters_tenant_id_store_id FOREIGN KEY(tenant_id, store_id) REFERENCES stores (tenant_id, id),
    CONSTRAINT uq_order_number_counters_tenant_id_store_id UNIQUE NULLS DISTINCT (tenant_id, store_id)
);

CREATE TABLE products (
    vendor_id UUID NOT NULL,
    brand_id UUID,
    key TEXT NOT NULL,
    type TEXT DEFAULT 'simple' NOT NULL,
    title TEXT NOT NULL,
    short_description TEXT DEFAULT '' NOT NULL,
    description TEXT DEFAULT '' NOT NULL,
    tax_class TEXT DEFAULT 'standard' NOT NULL,
    weight_grams INTEGER,
    length_mm INTEGER,
    width_mm INTEGER,
    height_mm INTEGER,
    metadata JSONB DEFAULT '{}' NOT NULL,
    deleted_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    tenant_id UUID DEFAULT NULLIF(current_setting('app.tenant_id', true), '')::uuid NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    CONSTRAINT pk_products PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_products_tenant_id_vendor_id FOREIGN KEY(tenant_id, vendor_id) REFERENCES vendors (tenant_id, id),
    CONSTRAINT fk_products_tenant_id_brand_id FOREIGN KEY(tenant_id, brand_id) REFERENCES brands (tenant_id, id),
    CONSTRAINT ck_products_weight_and_dimensions_not_negative CHECK (coalesce(least(weight_grams, length_mm, width_mm, height_mm), 0) >= 0),
    CONSTRAINT ck_products_type_known CHECK (type IN ('simple', 'variable', 'bundle'))
);

CREATE INDEX ix_products_brand_id ON products (tenant_id, brand_id) WHERE brand_id IS NOT NULL;

CREATE UNIQUE INDEX ix_products_tenant_id_key ON products (tenant_id, key) WHERE deleted_at IS NULL;

CREATE INDEX ix_products_vendor_id ON products (tenant_id, vendor_id);

CREATE TABLE settings (
    store_id UUID,
    key TEXT NOT NULL,
    value JSONB NOT NULL,
    is_public BOOLEAN DEFAULT 'false' NOT NULL,
    is_encrypted BOOLEAN DEFAULT 'false' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    tenant_id UUID DEFAULT NULLIF(current_setting('app.tenant_id', true), '')::uuid NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    CONSTRAINT pk_settings PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_settings_tenant_id_store_id FOREIGN KEY(tenant_id, store_id) REFERENCES stores (tenant_id, id),
    CONSTRAINT uq_settings_tenant_id_store_id_key UNIQUE NULLS NOT DISTINCT (tenant_id, store_id, key),
    CONSTRAINT ck_settings_key_form CHECK (key ~ '^[a-z_]+\.[a-z0-9_]+$'),
    CONSTRAINT ck_settings_secret_is_private CHECK (NOT (is_public AND is_encrypted))
);

CREATE TABLE shipping_methods (
    store_id UUID NOT NULL,
    code TEXT NOT NULL,
    name TEXT NOT NULL,
    translations JSONB DEFAULT '{}' NOT NULL,
    position INTEGER DEFAULT '0' NOT NULL,
    is_active BOOLEAN DEFAULT 'true' NOT NULL,
    eta_min_days INTEGER,
    eta_max_days INTEGER,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    tenant_id UUID DEFAULT NULLIF(current_setting('app.tenant_id', true), '')::uuid NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    CONSTRAINT pk_shipping_methods PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_shipping_methods_tenant_id_store_id FOREIGN KEY(tenant_id, store_id) REFERENCES stores (tenant_id, id),
    CONSTRAINT uq_shipping_methods_tenant_id_store_id_code UNIQUE NULLS DISTINCT (tenant_id, store_id, code),
    CONSTRAINT ck_shipping_methods_code_form CHECK (code ~ '^[a-z0-9_-]{1,64}$'),
    CONSTRAINT ck_shipping_methods_eta_range CHECK (eta_min_days >= 0 AND eta_max_days >= eta_min_days)
);

CREATE TABLE shipping_zones (
    store_id UUID NOT NULL,
    code TEXT NOT NULL,
    name TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    tenant_id UUID DEFAULT NULLIF(current_setting('app.tenant_id', true), '')::uuid NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    CONSTRAINT pk_shipping_zones PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_shipping_zones_tenant_id_store_id FOREIGN KEY(tenant_id, store_id) REFERENCES stores (tenant_id, id),
    CONSTRAINT uq_shipping_zones_tenant_id_store_id_code UNIQUE NULLS DISTINCT (tenant_id, store_id, code)
);

CREATE TABLE slug_redirects (
    store_id UUID NOT NULL,
    kind TEXT NOT NULL,
    slug TEXT NOT NULL,
    target_id UUID NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    tenant_id UUID DEFAULT NULLIF(current_setting('app.tenant_id', true), '')::uuid NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    CONSTRAINT pk_slug_redirects PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_slug_redirects_tenant_id_store_id FOREIGN KEY(tenant_id, store_id) REFERENCES stores (tenant_id, id),
    CONSTRAINT uq_slug_redirects_tenant_id_store_id_kind_slug UNIQUE NULLS DISTINCT (tenant_id, store_id, kind, slug),
    CONSTRAINT ck_slug_redirects_kind_known CHECK (kind IN ('product', 'category'))
);

CREATE TABLE store_locations (
    store_id UUID NOT NULL,
    code TEXT NOT NULL,
    name TEXT NOT NULL,
    status TEXT DEFAULT 'active' NOT NULL,
    is_default BOOLEAN DEFAULT 'false' NOT NULL,
    priority INTEGER DEFAULT '100' NOT NULL,
    address JSONB DEFAULT '{}' NOT NULL,
    courier_pickup_refs JSONB DEFAULT '{}' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    tenant_id UUID DEFAULT NULLIF(current_setting('app.tenant_id', true), '')::uuid NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    CONSTRAINT pk_store_locations PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_store_locations_tenant_id_store_id FOREIGN KEY(tenant_id, store_id) REFERENCES stores (tenant_id, id),
    CONSTRAINT uq_store_locations_tenant_id_store_id_code UNIQUE NULLS DISTINCT (tenant_id, store_id, code),
    CONSTRAINT ck_store_locations_status_known CHECK (status IN ('active', 'paused'))
);

CREATE UNIQUE INDEX ix_store_locations_tenant_id_store_id ON store_locations (tenant_id, store_id) WHERE is_default;

CREATE TABLE tax_rates (
    store_id UUID NOT NULL,
    country_code TEXT,
    admin1 TEXT,
    tax_class TEXT DEFAULT 'standard' NOT NULL,
    name TEXT NOT NULL,
    rate NUMERIC(9, 6) NOT NULL,
    is_inclusive BOOLEAN DEFAULT 'true' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    tenant_id UUID DEFAULT NULLIF(current_setting('app.tenant_id', true), '')::uuid NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    CONSTRAINT pk_tax_rates PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_tax_rates_tenant_id_store_id FOREIGN KEY(tenant_id, store_id) REFERENCES stores (tenant_id, id),
    CONSTRAINT uq_tax_rates_tenant_id_store_id_country_code_admin1_tax_class UNIQUE NULLS NOT DISTINCT (tenant_id, store_id, country_code, admin1, tax_class),
    CONSTRAINT ck_tax_rates_rate_range CHECK (rate >= 0 AND rate <= 1),
    CONSTRAINT ck_tax_rates_country_code_form CHECK (country_code ~ '^[A-Z]{2}$')
);

CREATE TABLE tenant_hosts (
    host TEXT NOT NULL,
    store_id UUID NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    tenant_id UUID DEFAULT NULLIF(current_setting('app.tenant_id', true), '')::uuid NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    CONSTRAINT pk_tenant_hosts PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_tenant_hosts_tenant_id_store_id FOREIGN KEY(tenant_id, store_id) REFERENCES stores (tenant_id, id),
    CONSTRAINT ck_tenant_hosts_host_form CHECK (host = lower(host) AND host !~ '[/:[:space:]]' AND length(host) <= 253),
    CONSTRAINT uq_tenant_hosts_host UNIQUE (host)
);

CREATE INDEX ix_tenant_hosts_store_id ON tenant_hosts (tenant_id, store_id);

CREATE TABLE category_listings (
    category_id UUID NOT NULL,
    product_id UUID NOT NULL,
    published_at TIMESTAMP WITH TIME ZONE,
    sort_price BIGINT,
    tenant_id UUID DEFAULT NULLIF(current_setting('app.tenant_id', true), '')::uuid NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    CONSTRAINT pk_category_listings PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_category_listings_tenant_id_category_id FOREIGN KEY(tenant_id, category_id) REFERENCES categories (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT fk_category_listings_tenant_id_product_id FOREIGN KEY(tenant_id, product_id) REFERENCES products (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT uq_category_listings_tenant_id_category_id_product_id UNIQUE NULLS DISTINCT (tenant_id, category_id, product_id)
);

CREATE INDEX ix_category_listings_newest ON category_listings (tenant_id, category_id, published_at DESC, product_id DESC);

CREATE INDEX ix_category_listings_price ON category_listings (tenant_id, category_id, sort_price, product_id);

CREATE INDEX ix_category_listings_product_id ON category_listings (tenant_id, product_id);

CREATE TABLE category_translations (
    category_id UUID NOT NULL,
    locale TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT DEFAULT '' NOT NULL,
    seo JSONB DEFAULT '{}' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    tenant_id UUID DEFAULT NULLIF(current_setting('app.tenant_id', true), '')::uuid NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    CONSTRAINT pk_category_translations PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_category_translations_tenant_id_category_id FOREIGN KEY(tenant_id, category_id) REFERENCES categories (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT uq_category_translations_tenant_id_category_id_locale UNIQUE NULLS DISTINCT (tenant_id, category_id, locale)
);

CREATE TABLE orders (
    store_id UUID NOT NULL,
    customer_id UUID,
    cart_id UUID,
    number TEXT NOT NULL,
    token_epoch INTEGER DEFAULT '0' NOT NULL,
    status TEXT DEFAULT 'draft' NOT NULL,
    payment_status TEXT DEFAULT 'unpaid' NOT NULL,
    fulfillment_status TEXT DEFAULT 'unfulfilled' NOT NULL,
    on_hold BOOLEAN DEFAULT 'false' NOT NULL,
    hold_reason TEXT,
    archived_at TIMESTAMP WITH TIME ZONE,
    last_payment_outcome TEXT,
    currency TEXT NOT NULL,
    subtotal BIGINT NOT NULL,
    discount_total BIGINT DEFAULT '0' NOT NULL,
    shipping_total BIGINT DEFAULT '0' NOT NULL,
    tax_total BIGINT DEFAULT '0' NOT NULL,
    tax_included BIGINT DEFAULT '0' NOT NULL,
    fee_total BIGINT DEFAULT '0' NOT NULL,
    total BIGINT NOT NULL,
    tax_lines JSONB DEFAULT '[]' NOT NULL,
    locale TEXT NOT NULL,
    contact_name TEXT NOT NULL,
    contact_email TEXT,
    contact_phone TEXT,
    shipping_address_id UUID,
    billing_address_id UUID,
    shipping_method JSONB,
    payment_method TEXT NOT NULL,
    customer_note TEXT DEFAULT '' NOT NULL,
    traffic_source TEXT,
    estimated_delivery_at TIMESTAMP WITH TIME ZONE,
    placed_at TIMESTAMP WITH TIME ZONE,
    confirmed_at TIMESTAMP WITH TIME ZONE,
    processing_at TIMESTAMP WITH TIME ZONE,
    completed_at TIMESTAMP WITH TIME ZONE,
    cancelled_at TIMESTAMP WITH TIME ZONE,
    cancelled_by TEXT,
    cancel_reason TEXT,
    metadata JSONB DEFAULT '{}' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    tenant_id UUID DEFAULT NULLIF(current_setting('app.tenant_id', true), '')::uuid NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    CONSTRAINT pk_orders PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_orders_tenant_id_store_id FOREIGN KEY(tenant_id, store_id) REFERENCES stores (tenant_id, id),
    CONSTRAINT fk_orders_tenant_id_customer_id FOREIGN KEY(tenant_id, customer_id) REFERENCES customers (tenant_id, id),
    CONSTRAINT fk_orders_tenant_id_cart_id FOREIGN KEY(tenant_id, cart_id) REFERENCES carts (tenant_id, id),
    CONSTRAINT uq_orders_tenant_id_store_id_number UNIQUE NULLS DISTINCT (tenant_id, store_id, number),
    CONSTRAINT ck_orders_status_known CHECK (status IN ('draft', 'pending', 'confirmed', 'processing', 'completed', 'cancelled')),
    CONSTRAINT ck_orders_payment_status_known CHECK (payment_status IN ('unpaid', 'pending', 'authorized', 'partially_paid', 'paid', 'overpaid', 'partially_refunded', 'refunded', 'voided')),
    CONSTRAINT ck_orders_fulfillment_status_known CHECK (fulfillment_status IN ('unfulfilled', 'partially_shipped', 'shipped', 'partially_delivered', 'delivered', 'partially_returned', 'returned', 'not_required')),
    CONSTRAINT ck_orders_currency_iso4217 CHECK (currency ~ '^[A-Z]{3}$'),
    CONSTRAINT ck_orders_amounts_not_negative CHECK (least(subtotal, discount_total, shipping_total, tax_total, tax_included, fee_total, total) >= 0),
    CONSTRAINT ck_orders_total_adds_up_i10 CHECK (total = subtotal - discount_total + shipping_total + tax_total + fee_total AND total <= 1000000000000000),
    CONSTRAINT ck_orders_placed_when_not_draft CHECK (status IN ('draft', 'cancelled') OR placed_at IS NOT NULL),
    CONSTRAINT ck_orders_contact_phone_e164 CHECK (contact_phone ~ '^\+[1-9][0-9]{1,14}$')
);

CREATE INDEX ix_orders_billing_address_id ON orders (tenant_id, billing_address_id) WHERE billing_address_id IS NOT NULL;

CREATE INDEX ix_orders_cart_id ON orders (tenant_id, cart_id) WHERE cart_id IS NOT NULL;

CREATE INDEX ix_orders_customer_id ON orders (tenant_id, customer_id) WHERE customer_id IS NOT NULL;

CREATE INDEX ix_orders_metadata ON orders USING gin (metadata) WHERE metadata <> '{}';

CREATE INDEX ix_orders_newest ON orders (tenant_id, store_id, created_at DESC, id DESC);

CREATE INDEX ix_orders_shipping_address_id ON orders (tenant_id, shipping_address_id) WHERE shipping_address_id IS NOT NULL;

CREATE UNIQUE INDEX ix_orders_tenant_id_cart_id ON orders (tenant_id, cart_id) WHERE status <> 'cancelled' OR placed_at IS NOT NULL;

CREATE TABLE product_categories (
    product_id UUID NOT NULL,
    category_id UUID NOT NULL,
    is_primary BOOLEAN DEFAULT 'false' NOT NULL,
    tenant_id UUID DEFAULT NULLIF(current_setting('app.tenant_id', true), '')::uuid NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    CONSTRAINT pk_product_categories PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_product_categories_tenant_id_product_id FOREIGN KEY(tenant_id, product_id) REFERENCES products (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT fk_product_categories_tenant_id_category_id FOREIGN KEY(tenant_id, category_id) REFERENCES categories (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT uq_product_categories_tenant_id_product_id_category_id UNIQUE NULLS DISTINCT (tenant_id, product_id, category_id)
);

CREATE INDEX ix_product_categories_category_id ON product_categories (tenant_id, category_id);

CREATE UNIQUE INDEX ix_product_categories_tenant_id_product_id ON product_categories (tenant_id, product_id) WHERE is_primary;

CREATE TABLE product_listings (
    product_id UUID NOT NULL,
    store_id UUID NOT NULL,
    slug TEXT NOT NULL,
    status TEXT DEFAULT 'draft' NOT NULL,
    visibility TEXT DEFAULT 'public' NOT NULL,
    published_at TIMESTAMP WITH TIME ZONE,
    unpublish_at TIMESTAMP WITH TIME ZONE,
    is_featured BOOLEAN DEFAULT 'false' NOT NULL,
    seo JSONB DEFAULT '{}' NOT NULL,
    sort_price BIGINT,
    deleted_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    tenant_id UUID DEFAULT NULLIF(current_setting('app.tenant_id', true), '')::uuid NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    CONSTRAINT pk_product_listings PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_product_listings_tenant_id_product_id FOREIGN KEY(tenant_id, product_id) REFERENCES products (tenant_id, id),
    CONSTRAINT fk_product_listings_tenant_id_store_id FOREIGN KEY(tenant_id, store_id) REFERENCES stores (tenant_id, id),
    CONSTRAINT uq_product_listings_tenant_id_store_id_product_id UNIQUE NULLS DISTINCT (tenant_id, store_id, product_id),
    CONSTRAINT ck_product_listings_slug_form CHECK (slug ~ '^[^/?#%%[:space:]]{1,200}$' AND slug = lower(slug)),
    CONSTRAINT ck_product_listings_status_known CHECK (status IN ('draft', 'active', 'archived')),
    CONSTRAINT ck_product_listings_visibility_known CHECK (visibility IN ('public', 'private', 'password'))
);

CREATE INDEX ix_product_listings_newest ON product_listings (tenant_id, store_id, published_at DESC, product_id DESC) WHERE status = 'active' AND visibility = 'public' AND deleted_at IS NULL;

CREATE INDEX ix_product_listings_price ON product_listings (tenant_id, store_id, sort_price, product_id) WHERE status = 'active' AND visibility = 'public' AND deleted_at IS NULL;

CREATE INDEX ix_product_listings_product_id ON product_listings (tenant_id, product_id);

CREATE UNIQUE INDEX ix_product_listings_tenant_id_store_id_slug ON product_listings (tenant_id, store_id, slug) WHERE deleted_at IS NULL;

CREATE INDEX ix_product_listings_unpublish_at ON product_listings (tenant_id, unpublish_at) WHERE unpublish_at IS NOT NULL;

CREATE TABLE product_locations (
    product_id UUID NOT NULL,
    location_id UUID NOT NULL,
    tenant_id UUID DEFAULT NULLIF(current_setting('app.tenant_id', true), '')::uuid NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    CONSTRAINT pk_product_locations PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_product_locations_tenant_id_product_id FOREIGN KEY(tenant_id, product_id) REFERENCES products (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT fk_product_locations_tenant_id_location_id FOREIGN KEY(tenant_id, location_id) REFERENCES store_locations (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT uq_product_locations_tenant_id_product_id_location_id UNIQUE NULLS DISTINCT (tenant_id, product_id, location_id)
);

CREATE INDEX ix_product_locations_location_id ON product_locations (tenant_id, location_id);

CREATE TABLE product_media (
    product_id UUID NOT NULL,
    media_id UUID NOT NULL,
    position INTEGER DEFAULT '0' NOT NULL,
    tenant_id UUID DEFAULT NULLIF(current_setting('app.tenant_id', true), '')::uuid NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    CONSTRAINT pk_product_media PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_product_media_tenant_id_product_id FOREIGN KEY(tenant_id, product_id) REFERENCES products (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT fk_product_media_tenant_id_media_id FOREIGN KEY(tenant_id, media_id) REFERENCES media_assets (tenant_id, id),
    CONSTRAINT uq_product_media_tenant_id_product_id_media_id UNIQUE NULLS DISTINCT (tenant_id, product_id, media_id)
);

CREATE INDEX ix_product_media_media_id ON product_media (tenant_id, media_id);

CREATE TABLE product_options (
    product_id UUID NOT NULL,
    name TEXT NOT NULL,
    position INTEGER DEFAULT '0' NOT NULL,
    translations JSONB DEFAULT '{}' NOT NULL,
    tenant_id UUID DEFAULT NULLIF(current_setting('app.tenant_id', true), '')::uuid NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    CONSTRAINT pk_product_options PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_product_options_tenant_id_product_id FOREIGN KEY(tenant_id, product_id) REFERENCES products (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT uq_product_options_tenant_id_product_id_name UNIQUE NULLS DISTINCT (tenant_id, product_id, name)
);

CREATE TABLE product_tags (
    product_id UUID NOT NULL,
    tag_id UUID NOT NULL,
    tenant_id UUID DEFAULT NULLIF(current_setting('app.tenant_id', true), '')::uuid NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    CONSTRAINT pk_product_tags PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_product_tags_tenant_id_product_id FOREIGN KEY(tenant_id, product_id) REFERENCES products (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT fk_product_tags_tenant_id_tag_id FOREIGN KEY(tenant_id, tag_id) REFERENCES tags (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT uq_product_tags_tenant_id_product_id_tag_id UNIQUE NULLS DISTINCT (tenant_id, product_id, tag_id)
);

CREATE INDEX ix_product_tags_tag_id ON product_tags (tenant_id, tag_id);

CREATE TABLE product_translations (
    product_id UUID NOT NULL,
    locale TEXT NOT NULL,
    title TEXT NOT NULL,
    short_description TEXT DEFAULT '' NOT NULL,
    description TEXT DEFAULT '' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    tenant_id UUID DEFAULT NULLIF(current_setting('app.tenant_id', true), '')::uuid NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    CONSTRAINT pk_product_translations PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_product_translations_tenant_id_product_id FOREIGN KEY(tenant_id, product_id) REFERENCES products (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT uq_product_translations_tenant_id_product_id_locale UNIQUE NULLS DISTINCT (tenant_id, product_id, locale)
);

CREATE TABLE product_variants (
    product_id UUID NOT NULL,
    vendor_id UUID NOT NULL,
    sku TEXT,
    title TEXT DEFAULT '' NOT NULL,
    options JSONB DEFAULT '{}' NOT NULL,
    option_signature TEXT DEFAULT '' NOT NULL,
    position INTEGER DEFAULT '0' NOT NULL,
    is_active BOOLEAN DEFAULT 'true' NOT NULL,
    fulfillment_type TEXT DEFAULT 'physical' NOT NULL,
    track_inventory BOOLEAN DEFAULT 'true' NOT NULL,
    max_per_order INTEGER,
    weight_grams INTEGER,
    length_mm INTEGER,
    width_mm INTEGER,
    height_mm INTEGER,
    image_id UUID,
    deleted_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    tenant_id UUID DEFAULT NULLIF(current_setting('app.tenant_id', true), '')::uuid NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    CONSTRAINT pk_product_variants PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_product_variants_tenant_id_product_id FOREIGN KEY(tenant_id, product_id) REFERENCES products (tenant_id, id),
    CONSTRAINT fk_product_variants_tenant_id_vendor_id FOREIGN KEY(tenant_id, vendor_id) REFERENCES vendors (tenant_id, id),
    CONSTRAINT fk_product_variants_tenant_id_image_id FOREIGN KEY(tenant_id, image_id) REFERENCES media_assets (tenant_id, id),
    CONSTRAINT ck_product_variants_fulfillment_type_known CHECK (fulfillment_type IN ('physical', 'digital')),
    CONSTRAINT ck_product_variants_weight_and_dimensions_not_negative CHECK (coalesce(least(weight_grams, length_mm, width_mm, height_mm), 0) >= 0),
    CONSTRAINT ck_product_variants_max_per_order_positive CHECK (max_per_order > 0)
);

CREATE INDEX ix_product_variants_image_id ON product_variants (tenant_id, image_id) WHERE image_id IS NOT NULL;

CREATE INDEX ix_product_variants_product_id ON product_variants (tenant_id, product_id);

CREATE UNIQUE INDEX ix_product_variants_tenant_id_product_id_option_signature ON product_variants (tenant_id, product_id, option_signature) WHERE deleted_at IS NULL;

CREATE UNIQUE INDEX ix_product_variants_tenant_id_vendor_id_sku ON product_variants (tenant_id, vendor_id, sku) WHERE sku IS NOT NULL AND deleted_at IS NULL;

CREATE INDEX ix_product_variants_vendor_id ON product_variants (tenant_id, vendor_id);

CREATE TABLE shipping_rates (
    method_id UUID NOT NULL,
    zone_id UUID NOT NULL,
    currency TEXT NOT NULL,
    amount BIGINT NOT NULL,
    min_subtotal BIGINT,
    max_subtotal BIGINT,
    min_weight_grams INTEGER,
    max_weight_grams INTEGER,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    tenant_id UUID DEFAULT NULLIF(current_setting('app.tenant_id', true), '')::uuid NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    CONSTRAINT pk_shipping_rates PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_shipping_rates_tenant_id_method_id FOREIGN KEY(tenant_id, method_id) REFERENCES shipping_methods (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT fk_shipping_rates_tenant_id_zone_id FOREIGN KEY(tenant_id, zone_id) REFERENCES shipping_zones (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT ck_shipping_rates_currency_iso4217 CHECK (currency ~ '^[A-Z]{3}$'),
    CONSTRAINT ck_shipping_rates_amount_not_negative CHECK (amount >= 0),
    CONSTRAINT uq_shipping_rates_tenant_id_method_id_zone_id_currency__aec9 UNIQUE NULLS NOT DISTINCT (tenant_id, method_id, zone_id, currency, min_subtotal, min_weight_grams)
);

CREATE INDEX ix_shipping_rates_zone_id ON shipping_rates (tenant_id, zone_id);

CREATE TABLE shipping_zone_regions (
    zone_id UUID NOT NULL,
    country_code TEXT NOT NULL,
    admin1 TEXT,
    admin2 TEXT,
    tenant_id UUID DEFAULT NULLIF(current_setting('app.tenant_id', true), '')::uuid NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    CONSTRAINT pk_shipping_zone_regions PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_shipping_zone_regions_tenant_id_zone_id FOREIGN KEY(tenant_id, zone_id) REFERENCES shipping_zones (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT uq_shipping_zone_regions_tenant_id_zone_id_country_code_7ef5 UNIQUE NULLS NOT DISTINCT (tenant_id, zone_id, country_code, admin1, admin2),
    CONSTRAINT ck_shipping_zone_regions_country_code_form CHECK (country_code ~ '^[A-Z]{2}$')
);

CREATE TABLE cart_items (
    cart_id UUID NOT NULL,
    variant_id UUID NOT NULL,
    vendor_id UUID NOT NULL,
    quantity INTEGER NOT NULL,
    customisation JSONB,
    customisation_hash TEXT,
    unit_price BIGINT NOT NULL,
    snapshot JSONB DEFAULT '{}' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    tenant_id UUID DEFAULT NULLIF(current_setting('app.tenant_id', true), '')::uuid NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    CONSTRAINT pk_cart_items PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_cart_items_tenant_id_cart_id FOREIGN KEY(tenant_id, cart_id) REFERENCES carts (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT fk_cart_items_tenant_id_variant_id FOREIGN KEY(tenant_id, variant_id) REFERENCES product_variants (tenant_id, id),
    CONSTRAINT fk_cart_items_tenant_id_vendor_id FOREIGN KEY(tenant_id, vendor_id) REFERENCES vendors (tenant_id, id),
    CONSTRAINT uq_cart_items_tenant_id_cart_id_variant_id_customisation_hash UNIQUE NULLS NOT DISTINCT (tenant_id, cart_id, variant_id, customisation_hash),
    CONSTRAINT ck_cart_items_quantity_range CHECK (quantity > 0 AND quantity <= 100000)
);

CREATE INDEX ix_cart_items_variant_id ON cart_items (tenant_id, variant_id);

CREATE INDEX ix_cart_items_vendor_id ON cart_items (tenant_id, vendor_id);

CREATE TABLE inventory_stocks (
    variant_id UUID NOT NULL,
    location_id UUID NOT NULL,
    stock INTEGER DEFAULT '0' NOT NULL,
    reserved INTEGER DEFAULT '0' NOT NULL,
    oversell_limit INTEGER DEFAULT '0' NOT NULL,
    available INTEGER GENERATED ALWAYS AS (stock - reserved) STORED NOT NULL,
    reorder_level INTEGER DEFAULT '10' NOT NULL,
    reorder_quantity INTEGER,
    restocked_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    tenant_id UUID DEFAULT NULLIF(current_setting('app.tenant_id', true), '')::uuid NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    CONSTRAINT pk_inventory_stocks PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_inventory_stocks_tenant_id_variant_id FOREIGN KEY(tenant_id, variant_id) REFERENCES product_variants (tenant_id, id),
    CONSTRAINT fk_inventory_stocks_tenant_id_location_id FOREIGN KEY(tenant_id, location_id) REFERENCES store_locations (tenant_id, id),
    CONSTRAINT uq_inventory_stocks_tenant_id_variant_id_location_id UNIQUE NULLS DISTINCT (tenant_id, variant_id, location_id),
    CONSTRAINT ck_inventory_stocks_bounds_i1 CHECK (stock >= 0 AND reserved >= 0 AND reserved <= stock + oversell_limit AND oversell_limit >= 0)
)
 WITH (fillfactor = 70);

CREATE INDEX ix_inventory_stocks_location_id ON inventory_stocks (tenant_id, location_id);

CREATE TABLE order_addresses (
    order_id UUID NOT NULL,
    type TEXT NOT NULL,
    name TEXT NOT NULL,
    phone TEXT NOT NULL,
    country_code TEXT NOT NULL,
    admin1 TEXT,
    admin2 TEXT,
    admin3 TEXT,
    area TEXT,
    postal_code TEXT,
    line1 TEXT NOT NULL,
    line2 TEXT,
    landmark TEXT,
    courier_location_refs JSONB DEFAULT '{}' NOT NULL,
    tenant_id UUID DEFAULT NULLIF(current_setting('app.tenant_id', true), '')::uuid NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    CONSTRAINT pk_order_addresses PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_order_addresses_tenant_id_order_id FOREIGN KEY(tenant_id, order_id) REFERENCES orders (tenant_id, id),
    CONSTRAINT uq_order_addresses_tenant_id_order_id_type UNIQUE NULLS DISTINCT (tenant_id, order_id, type),
    CONSTRAINT ck_order_addresses_type_known CHECK (type IN ('shipping', 'billing'))
);

CREATE TABLE order_items (
    order_id UUID NOT NULL,
    position INTEGER NOT NULL,
    product_id UUID,
    variant_id UUID,
    vendor_id UUID NOT NULL,
    title TEXT NOT NULL,
    variant_title TEXT DEFAULT '' NOT NULL,
    sku TEXT,
    options JSONB DEFAULT '{}' NOT NULL,
    image_url TEXT,
    is_tracked BOOLEAN NOT NULL,
    quantity INTEGER NOT NULL,
    quantity_cancelled INTEGER DEFAULT '0' NOT NULL,
    unit_price BIGINT NOT NULL,
    compare_at BIGINT,
    subtotal BIGINT NOT NULL,
    discount BIGINT DEFAULT '0' NOT NULL,
    tax BIGINT DEFAULT '0' NOT NULL,
    tax_included BIGINT DEFAULT '0' NOT NULL,
    tax_rate NUMERIC(9, 6) DEFAULT '0' NOT NULL,
    tax_name TEXT DEFAULT '' NOT NULL,
    total BIGINT NOT NULL,
    customisation JSONB,
    product_snapshot JSONB DEFAULT '{}' NOT NULL,
    metadata JSONB DEFAULT '{}' NOT NULL,
    tenant_id UUID DEFAULT NULLIF(current_setting('app.tenant_id', true), '')::uuid NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    CONSTRAINT pk_order_items PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_order_items_tenant_id_order_id FOREIGN KEY(tenant_id, order_id) REFERENCES orders (tenant_id, id),
    CONSTRAINT fk_order_items_tenant_id_product_id FOREIGN KEY(tenant_id, product_id) REFERENCES products (tenant_id, id) ON DELETE SET NULL (product_id),
    CONSTRAINT fk_order_items_tenant_id_variant_id FOREIGN KEY(tenant_id, variant_id) REFERENCES product_variants (tenant_id, id) ON DELETE SET NULL (variant_id),
    CONSTRAINT fk_order_items_tenant_id_vendor_id FOREIGN KEY(tenant_id, vendor_id) REFERENCES vendors (tenant_id, id),
    CONSTRAINT uq_order_items_tenant_id_order_id_position UNIQUE NULLS DISTINCT (tenant_id, order_id, position),
    CONSTRAINT ck_order_items_quantity_positive CHECK (quantity > 0),
    CONSTRAINT ck_order_items_cancelled_within CHECK (quantity_cancelled >= 0 AND quantity_cancelled <= quantity),
    CONSTRAINT ck_order_items_amounts_not_negative CHECK (least(unit_price, subtotal, discount, tax, tax_included, total) >= 0),
    CONSTRAINT ck_order_items_line_adds_up CHECK (subtotal = unit_price * quantity AND total = subtotal - discount + tax)
);

CREATE INDEX ix_order_items_product_id ON order_items (tenant_id, product_id) WHERE product_id IS NOT NULL;

CREATE INDEX ix_order_items_variant_id ON order_items (tenant_id, variant_id) WHERE variant_id IS NOT NULL;

CREATE INDEX ix_order_items_vendor_id ON order_items (tenant_id, vendor_id);

CREATE TABLE order_notes (
    order_id UUID NOT NULL,
    body TEXT NOT NULL,
    is_for_customer BOOLEAN DEFAULT 'false' NOT NULL,
    actor_type TEXT NOT NULL,
    actor_id TEXT,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    tenant_id UUID DEFAULT NULLIF(current_setting('app.tenant_id', true), '')::uuid NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    CONSTRAINT pk_order_notes PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_order_notes_tenant_id_order_id FOREIGN KEY(tenant_id, order_id) REFERENCES orders (tenant_id, id),
    CONSTRAINT ck_order_notes_body_not_empty CHECK (length(body) BETWEEN 1 AND 4000)
);

CREATE INDEX ix_order_notes_order_id ON order_notes (tenant_id, order_id);

CREATE TABLE order_status_history (
    position BIGINT GENERATED ALWAYS AS IDENTITY,
    order_id UUID NOT NULL,
    axis TEXT NOT NULL,
    subject_id UUID,
    from_status TEXT,
    to_status TEXT NOT NULL,
    actor_type TEXT NOT NULL,
    actor_id TEXT,
    reason TEXT DEFAULT '' NOT NULL,
    request_id TEXT DEFAULT '' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    tenant_id UUID DEFAULT NULLIF(current_setting('app.tenant_id', true), '')::uuid NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    CONSTRAINT pk_order_status_history PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_order_status_history_tenant_id_order_id FOREIGN KEY(tenant_id, order_id) REFERENCES orders (tenant_id, id),
    CONSTRAINT ck_order_status_history_axis_known CHECK (axis IN ('order', 'payment_status', 'fulfillment_status', 'payment', 'shipment'))
);

CREATE INDEX ix_order_status_history_order_id ON order_status_history (tenant_id, order_id);

CREATE TABLE payments (
    order_id UUID NOT NULL,
    number TEXT NOT NULL,
    provider TEXT NOT NULL,
    environment TEXT DEFAULT 'live' NOT NULL,
    amount BIGINT NOT NULL,
    currency TEXT NOT NULL,
    status TEXT DEFAULT 'pending' NOT NULL,
    provider_ref TEXT,
    refs JSONB DEFAULT '{}' NOT NULL,
    method_type TEXT,
    method_display TEXT,
    failure_reason TEXT,
    expires_at TIMESTAMP WITH TIME ZONE,
    succeeded_at TIMESTAMP WITH TIME ZONE,
    metadata JSONB DEFAULT '{}' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    tenant_id UUID DEFAULT NULLIF(current_setting('app.tenant_id', true), '')::uuid NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    CONSTRAINT pk_payments PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_payments_tenant_id_order_id FOREIGN KEY(tenant_id, order_id) REFERENCES orders (tenant_id, id),
    CONSTRAINT uq_payments_tenant_id_order_id_number UNIQUE NULLS DISTINCT (tenant_id, order_id, number),
    CONSTRAINT ck_payments_status_known CHECK (status IN ('pending', 'requires_action', 'processing', 'awaiting_verification', 'awaiting_collection', 'authorized', 'succeeded', 'failed', 'cancelled', 'expired')),
    CONSTRAINT ck_payments_environment_known CHECK (environment IN ('live', 'sandbox')),
    CONSTRAINT ck_payments_amount_positive CHECK (amount > 0),
    CONSTRAINT ck_payments_currency_iso4217 CHECK (currency ~ '^[A-Z]{3}$')
);

CREATE UNIQUE INDEX ix_payments_tenant_id_provider_provider_ref ON payments (tenant_id, provider, provider_ref) WHERE provider_ref IS NOT NULL;

CREATE TABLE product_option_values (
    option_id UUID NOT NULL,
    value TEXT NOT NULL,
    position INTEGER DEFAULT '0' NOT NULL,
    translations JSONB DEFAULT '{}' NOT NULL,
    tenant_id UUID DEFAULT NULLIF(current_setting('app.tenant_id', true), '')::uuid NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    CONSTRAINT pk_product_option_values PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_product_option_values_tenant_id_option_id FOREIGN KEY(tenant_id, option_id) REFERENCES product_options (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT uq_product_option_values_tenant_id_option_id_value UNIQUE NULLS DISTINCT (tenant_id, option_id, value)
);

CREATE TABLE shipments (
    order_id UUID NOT NULL,
    vendor_id UUID,
    number TEXT NOT NULL,
    status TEXT DEFAULT 'pending' NOT NULL,
    carrier TEXT DEFAULT 'manual' NOT NULL,
    tracking_number TEXT,
    tracking_url TEXT,
    tracking_status TEXT DEFAULT 'unknown' NOT NULL,
    shipped_at TIMESTAMP WITH TIME ZONE,
    delivered_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    tenant_id UUID DEFAULT NULLIF(current_setting('app.tenant_id', true), '')::uuid NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    CONSTRAINT pk_shipments PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_shipments_tenant_id_order_id FOREIGN KEY(tenant_id, order_id) REFERENCES orders (tenant_id, id),
    CONSTRAINT fk_shipments_tenant_id_vendor_id FOREIGN KEY(tenant_id, vendor_id) REFERENCES vendors (tenant_id, id),
    CONSTRAINT uq_shipments_tenant_id_order_id_number UNIQUE NULLS DISTINCT (tenant_id, order_id, number),
    CONSTRAINT ck_shipments_status_known CHECK (status IN ('pending', 'ready', 'shipped', 'delivered', 'returned', 'cancelled')),
    CONSTRAINT ck_shipments_tracking_status_known CHECK (tracking_status IN ('unknown', 'pre_transit', 'picked_up', 'in_transit', 'out_for_delivery', 'available_for_pickup', 'attempt_failed', 'on_hold', 'delivered', 'partially_delivered', 'return_in_transit', 'returned', 'lost', 'damaged', 'cancelled'))
);

CREATE INDEX ix_shipments_vendor_id ON shipments (tenant_id, vendor_id) WHERE vendor_id IS NOT NULL;

CREATE TABLE variant_prices (
    product_id UUID NOT NULL,
    variant_id UUID,
    currency TEXT NOT NULL,
    amount BIGINT NOT NULL,
    compare_at BIGINT,
    cost BIGINT,
    starts_at TIMESTAMP WITH TIME ZONE,
    ends_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    tenant_id UUID DEFAULT NULLIF(current_setting('app.tenant_id', true), '')::uuid NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    CONSTRAINT pk_variant_prices PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_variant_prices_tenant_id_product_id FOREIGN KEY(tenant_id, product_id) REFERENCES products (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT fk_variant_prices_tenant_id_variant_id FOREIGN KEY(tenant_id, variant_id) REFERENCES product_variants (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT ck_variant_prices_currency_iso4217 CHECK (currency ~ '^[A-Z]{3}$'),
    CONSTRAINT ck_variant_prices_amount_not_negative CHECK (amount >= 0),
    CONSTRAINT ck_variant_prices_compare_at_above CHECK (compare_at > amount),
    CONSTRAINT ck_variant_prices_cost_not_negative CHECK (cost >= 0),
    CONSTRAINT ck_variant_prices_window_forward CHECK (ends_at > starts_at),
    CONSTRAINT uq_variant_prices_tenant_id_product_id_variant_id_curre_247b UNIQUE NULLS NOT DISTINCT (tenant_id, product_id, variant_id, currency, starts_at)
);

CREATE INDEX ix_variant_prices_ends_at ON variant_prices (tenant_id, ends_at) WHERE ends_at IS NOT NULL;

CREATE INDEX ix_variant_prices_starts_at ON variant_prices (tenant_id, starts_at) WHERE starts_at IS NOT NULL;

CREATE INDEX ix_variant_prices_variant_id ON variant_prices (tenant_id, variant_id) WHERE variant_id IS NOT NULL;

CREATE TABLE inventory_reservations (
    stock_id UUID NOT NULL,
    variant_id UUID NOT NULL,
    cart_id UUID,
    order_id UUID,
    quantity INTEGER NOT NULL,
    status TEXT DEFAULT 'active' NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE,
    ended_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    tenant_id UUID DEFAULT NULLIF(current_setting('app.tenant_id', true), '')::uuid NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    CONSTRAINT pk_inventory_reservations PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_inventory_reservations_tenant_id_stock_id FOREIGN KEY(tenant_id, stock_id) REFERENCES inventory_stocks (tenant_id, id),
    CONSTRAINT fk_inventory_reservations_tenant_id_variant_id FOREIGN KEY(tenant_id, variant_id) REFERENCES product_variants (tenant_id, id),
    CONSTRAINT fk_inventory_reservations_tenant_id_cart_id FOREIGN KEY(tenant_id, cart_id) REFERENCES carts (tenant_id, id),
    CONSTRAINT fk_inventory_reservations_tenant_id_order_id FOREIGN KEY(tenant_id, order_id) REFERENCES orders (tenant_id, id),
    CONSTRAINT ck_inventory_reservations_status_known CHECK (status IN ('active', 'consumed', 'released', 'expired')),
    CONSTRAINT ck_inventory_reservations_quantity_positive CHECK (quantity > 0),
    CONSTRAINT ck_inventory_reservations_one_owner CHECK ((cart_id IS NULL) <> (order_id IS NULL))
);

CREATE INDEX ix_inventory_reservations_cart_id ON inventory_reservations (tenant_id, cart_id) WHERE cart_id IS NOT NULL;

CREATE INDEX ix_inventory_reservations_due ON inventory_reservations (tenant_id, variant_id, expires_at) WHERE status = 'active' AND expires_at IS NOT NULL;

CREATE INDEX ix_inventory_reservations_order_id ON inventory_reservations (tenant_id, order_id) WHERE order_id IS NOT NULL;

CREATE INDEX ix_inventory_reservations_stock_id ON inventory_reservations (tenant_id, stock_id);

CREATE INDEX ix_inventory_reservations_variant_id ON inventory_reservations (tenant_id, variant_id);

CREATE TABLE inventory_transactions (
    stock_id UUID NOT NULL,
    type TEXT NOT NULL,
    stock_delta INTEGER DEFAULT '0' NOT NULL,
    reserved_delta INTEGER DEFAULT '0' NOT NULL,
    reference_id UUID,
    reason TEXT DEFAULT '' NOT NULL,
    actor_type TEXT NOT NULL,
    actor_id TEXT,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    tenant_id UUID DEFAULT NULLIF(current_setting('app.tenant_id', true), '')::uuid NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    CONSTRAINT pk_inventory_transactions PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_inventory_transactions_tenant_id_stock_id FOREIGN KEY(tenant_id, stock_id) REFERENCES inventory_stocks (tenant_id, id),
    CONSTRAINT ck_inventory_transactions_type_known CHECK (type IN ('restock', 'sale', 'reservation', 'release', 'adjustment', 'return', 'transfer', 'damage')),
    CONSTRAINT ck_inventory_transactions_changes_something CHECK (stock_delta <> 0 OR reserved_delta <> 0)
);

CREATE INDEX ix_inventory_transactions_stock_id ON inventory_transactions (tenant_id, stock_id);

CREATE TABLE notification_deliveries (
    event_id UUID NOT NULL,
    order_id UUID NOT NULL,
    shipment_id UUID,
    channel TEXT NOT NULL,
    topic TEXT NOT NULL,
    audience TEXT NOT NULL,
    recipient TEXT NOT NULL,
    locale TEXT NOT NULL,
    status TEXT DEFAULT 'pending' NOT NULL,
    error TEXT,
    sent_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    tenant_id UUID DEFAULT NULLIF(current_setting('app.tenant_id', true), '')::uuid NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    CONSTRAINT pk_notification_deliveries PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_notification_deliveries_tenant_id_order_id FOREIGN KEY(tenant_id, order_id) REFERENCES orders (tenant_id, id),
    CONSTRAINT fk_notification_deliveries_tenant_id_shipment_id FOREIGN KEY(tenant_id, shipment_id) REFERENCES shipments (tenant_id, id),
    CONSTRAINT uq_notification_deliveries_tenant_id_event_id_channel_recipient UNIQUE NULLS DISTINCT (tenant_id, event_id, channel, recipient),
    CONSTRAINT ck_notification_deliveries_channel_known CHECK (channel IN ('email')),
    CONSTRAINT ck_notification_deliveries_audience_known CHECK (audience IN ('customer', 'merchant')),
    CONSTRAINT ck_notification_deliveries_status_known CHECK (status IN ('pending', 'sent', 'failed'))
);

CREATE INDEX ix_notification_deliveries_order_id ON notification_deliveries (tenant_id, order_id);

CREATE INDEX ix_notification_deliveries_shipment_id ON notification_deliveries (tenant_id, shipment_id) WHERE shipment_id IS NOT NULL;

CREATE TABLE payment_transactions (
    payment_id UUID NOT NULL,
    order_id UUID NOT NULL,
    kind TEXT NOT NULL,
    provider TEXT NOT NULL,
    environment TEXT NOT NULL,
    provider_ref TEXT NOT NULL,
    amount BIGINT NOT NULL,
    currency TEXT NOT NULL,
    actor_type TEXT NOT NULL,
    actor_id TEXT,
    metadata JSONB DEFAULT '{}' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    tenant_id UUID DEFAULT NULLIF(current_setting('app.tenant_id', true), '')::uuid NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    CONSTRAINT pk_payment_transactions PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_payment_transactions_tenant_id_payment_id FOREIGN KEY(tenant_id, payment_id) REFERENCES payments (tenant_id, id),
    CONSTRAINT fk_payment_transactions_tenant_id_order_id FOREIGN KEY(tenant_id, order_id) REFERENCES orders (tenant_id, id),
    CONSTRAINT uq_payment_transactions_tenant_id_provider_environment__e45b UNIQUE NULLS DISTINCT (tenant_id, provider, environment, provider_ref, kind),
    CONSTRAINT ck_payment_transactions_kind_known CHECK (kind IN ('authorize', 'capture', 'collect', 'remit', 'void', 'refund', 'chargeback', 'fee', 'adjustment')),
    CONSTRAINT ck_payment_transactions_environment_known CHECK (environment IN ('live', 'sandbox')),
    CONSTRAINT ck_payment_transactions_amount_positive CHECK (amount > 0),
    CONSTRAINT ck_payment_transactions_currency_iso4217 CHECK (currency ~ '^[A-Z]{3}$')
);

CREATE INDEX ix_payment_transactions_order_id ON payment_transactions (tenant_id, order_id);

CREATE INDEX ix_payment_transactions_payment_id ON payment_transactions (tenant_id, payment_id);

CREATE TABLE shipment_events (
    shipment_id UUID NOT NULL,
    status TEXT NOT NULL,
    description TEXT DEFAULT '' NOT NULL,
    occurred_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    tenant_id UUID DEFAULT NULLIF(current_setting('app.tenant_id', true), '')::uuid NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    CONSTRAINT pk_shipment_events PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_shipment_events_tenant_id_shipment_id FOREIGN KEY(tenant_id, shipment_id) REFERENCES shipments (tenant_id, id),
    CONSTRAINT ck_shipment_events_status_known CHECK (status IN ('unknown', 'pre_transit', 'picked_up', 'in_transit', 'out_for_delivery', 'available_for_pickup', 'attempt_failed', 'on_hold', 'delivered', 'partially_delivered', 'return_in_transit', 'returned', 'lost', 'damaged', 'cancelled'))
);

CREATE INDEX ix_shipment_events_shipment_id ON shipment_events (tenant_id, shipment_id);

CREATE TABLE shipment_items (
    shipment_id UUID NOT NULL,
    order_item_id UUID NOT NULL,
    quantity INTEGER NOT NULL,
    tenant_id UUID DEFAULT NULLIF(current_setting('app.tenant_id', true), '')::uuid NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    CONSTRAINT pk_shipment_items PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_shipment_items_tenant_id_shipment_id FOREIGN KEY(tenant_id, shipment_id) REFERENCES shipments (tenant_id, id),
    CONSTRAINT fk_shipment_items_tenant_id_order_item_id FOREIGN KEY(tenant_id, order_item_id) REFERENCES order_items (tenant_id, id),
    CONSTRAINT uq_shipment_items_tenant_id_shipment_id_order_item_id UNIQUE NULLS DISTINCT (tenant_id, shipment_id, order_item_id),
    CONSTRAINT ck_shipment_items_quantity_positive CHECK (quantity > 0)
);

CREATE INDEX ix_shipment_items_order_item_id ON shipment_items (tenant_id, order_item_id);

CREATE TABLE variant_option_values (
    variant_id UUID NOT NULL,
    option_value_id UUID NOT NULL,
    tenant_id UUID DEFAULT NULLIF(current_setting('app.tenant_id', true), '')::uuid NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    CONSTRAINT pk_variant_option_values PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_variant_option_values_tenant_id_variant_id FOREIGN KEY(tenant_id, variant_id) REFERENCES product_variants (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT fk_variant_option_values_tenant_id_option_value_id FOREIGN KEY(tenant_id, option_value_id) REFERENCES product_option_values (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT uq_variant_option_values_tenant_id_variant_id_option_value_id UNIQUE NULLS DISTINCT (tenant_id, variant_id, option_value_id)
);

CREATE INDEX ix_variant_option_values_option_value_id ON variant_option_values (tenant_id, option_value_id);

ALTER TABLE orders ADD CONSTRAINT fk_orders_tenant_id_shipping_address_id FOREIGN KEY(tenant_id, shipping_address_id) REFERENCES order_addresses (tenant_id, id);

ALTER TABLE orders ADD CONSTRAINT fk_orders_tenant_id_billing_address_id FOREIGN KEY(tenant_id, billing_address_id) REFERENCES order_addresses (tenant_id, id);
