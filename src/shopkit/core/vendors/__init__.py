"""The parties that sell. A single-brand shop has exactly one, hidden (I1, D35)."""
