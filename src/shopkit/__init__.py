"""ShopKit: a plugin-based, self-hosted commerce framework with an SDK."""

__version__ = "0.1.0"
