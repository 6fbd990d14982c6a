"""Attempts to pay and the ledger of money that moved.

An order's paid amount is the sum of its ledger; the ledger only grows and takes a provider's transaction once.
Calls `orders`.
"""
