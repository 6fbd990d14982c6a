"""What can be bought: categories, brands, products with their listings per store, variants, prices, media, tags.

Every product has at least one variant; slugs of one kind are unique in a store, old ones lead to new ones; what was
sold is never deleted, only marked. Calls `vendors`.
"""
