"""All that a plugin may import; it imports nothing else of ShopKit."""
