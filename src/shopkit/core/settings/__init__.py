"""Typed settings per tenant and store: a Struct per domain, a row per field, read through a cache that lags ≤ 1 s."""
