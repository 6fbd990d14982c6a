"""What delivery costs and how far it is: zones, methods and flat rates; shipments with their lines and events.

Calls `orders` and `inventory`.
"""
