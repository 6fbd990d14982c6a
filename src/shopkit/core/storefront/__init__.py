"""Read-only: product list and product page, what crosses catalogue, stock and prices in one query."""
