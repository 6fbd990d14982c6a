"""Writes the pages of `docs/reference` that are derived from the code: `python -m scripts.reference`.

Each page module has one function that returns Markdown (or SVG); `__main__` lists them and compares or writes.
"""
