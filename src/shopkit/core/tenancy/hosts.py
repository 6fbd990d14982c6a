"""From a host name to a tenant and its store, before any tenant is known (I39, I40)."""

RESOLVE_HOST = """
CREATE FUNCTION resolve_host(p_host text)
RETURNS TABLE (tenant_id uuid, store_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH named AS (
        SELECT h.tenant_id, h.store_id FROM tenant_hosts h WHERE h.host = p_host
    ), alone AS (
        SELECT s.tenant_id, s.id FROM stores s
        WHERE s.is_default AND (SELECT count(*) FROM (SELECT FROM tenants LIMIT 2) two) = 1
    )
    SELECT * FROM named UNION ALL SELECT * FROM alone WHERE NOT EXISTS (SELECT FROM named) LIMIT 1
$$
"""
"""An unknown host is the only tenant's, and nobody's once there is a second."""
