"""Lifecycles: what may follow what."""

from scripts.reference import source
from shopkit.core.kernel.states import Lifecycle


def page() -> str:
    """The page of transition maps."""
    parts = [
        "# Lifecycles\n\n"
        "Every change of status is a compare-and-set along one of these edges, with its history row and its fact in "
        "the same transaction. Any other step is refused with `illegal_transition`, which names what is allowed. Not "
        "every edge has a command or call yet.\n\n"
    ]
    for found in sorted(_lifecycles(), key=lambda one: one.name):
        rows = [[f"`{state}`", _listed(found.edges[state])] for state in found.states]
        begins = _listed(found.initial)
        parts += [f"## {found.name}\n\nBegins as {begins}.\n\n", source.table(["State", "May become"], rows)]
    return "".join(parts)


def _lifecycles() -> list[Lifecycle]:
    values = {id(value): value for module in source.modules() for value in vars(module).values()}
    return [value for value in values.values() if isinstance(value, Lifecycle)]


def _listed(states: frozenset[str]) -> str:
    return ", ".join(f"`{state}`" for state in sorted(states)) or "nothing: it ends here"
