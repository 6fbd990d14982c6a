"""Who owns what: tenants, the hosts that lead to them, their stores and locations. All else belongs to a tenant."""
