"""Options and the variants they make: signatures, titles and combinations. Pure.

`chosen` maps an option's name to its value, such as `{"Size": "M", "Colour": "Red"}`.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import product

import msgspec

Chosen = Mapping[str, str]


def signature(chosen: Chosen) -> str:
    """The same text for the same choice, whatever the order of options; empty for a variant without any."""
    return msgspec.json.encode(sorted(chosen.items())).decode() if chosen else ""


def title(chosen: Chosen, order: Iterable[str]) -> str:
    """What people call the variant: its values in the order of the options, such as `M / Red`."""
    return " / ".join(chosen[name] for name in order if name in chosen)


def in_order(chosen: Chosen, order: Iterable[str]) -> dict[str, str]:
    """The choice in the order of the options."""
    return {name: chosen[name] for name in order if name in chosen}


def combinations(options: Mapping[str, Sequence[str]]) -> list[dict[str, str]]:
    """Every choice that the options allow, the last option changing fastest; one empty choice without options."""
    return [dict(zip(options, values, strict=True)) for values in product(*options.values())]


def is_complete(chosen: Chosen, options: Mapping[str, Sequence[str]]) -> bool:
    """Whether exactly the options are chosen, each with one of its values."""
    return chosen.keys() == options.keys() and all(value in options[name] for name, value in chosen.items())
