"""The only orchestrator: turns a cart into an order, cancels, hands over, collects; owns the buyers' routes.

Everything a checkout changes is changed in one transaction, or undone by the saga. Calls all domains below it.
"""
