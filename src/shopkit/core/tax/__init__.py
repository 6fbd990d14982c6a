"""What the state takes: one rate per store, country, region and class, included in prices or added to them (F15)."""
