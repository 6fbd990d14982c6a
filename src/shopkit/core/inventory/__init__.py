"""What is there and what is promised: stock per variant and location, holds, and the ledger of every change.

Always true: `reserved` equals the active holds, `stock` equals the ledger, neither passes its bounds (I1–I8).
Calls `catalog`.
"""
