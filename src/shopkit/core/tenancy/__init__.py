"""Who owns what: tenants, the hosts that lead to them, their stores and locations. Every other row belongs to a tenant."""
