"""The bench: ShopKit beside the limits of its stack, in one run, as ratios. Start it with `python -m bench`."""
