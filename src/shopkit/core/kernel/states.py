"""Lifecycles as data: a map of what may follow what, and the error for everything else (`invariants.md` I22)."""

from collections.abc import Mapping

from msgspec import Struct

from shopkit.sdk.errors import Conflict


class IllegalTransition(Conflict):
    """The thing is in a state from which this step does not lead; `details` names what is allowed."""

    code = "illegal_transition"
    message = "The current state does not permit this step."


class Lifecycle(Struct, frozen=True, kw_only=True):
    """The states of one kind of thing. `edges` lists every state, end states with an empty set."""

    name: str
    initial: frozenset[str]
    edges: Mapping[str, frozenset[str]]

    @property
    def states(self) -> tuple[str, ...]:
        """Every state, in the order of the map."""
        return tuple(self.edges)

    def require(self, current: str, to: str) -> None:
        """Raise `IllegalTransition` unless `to` may follow `current`."""
        if to not in self.edges[current]:
            raise self.refusal(current, to)

    def refusal(self, current: str, to: str) -> IllegalTransition:
        """The error that names the state it is in and where it could go."""
        return IllegalTransition(
            f"The {self.name} is {current}; it cannot become {to}.",
            details={"current": current, "requested": to, "allowed": sorted(self.edges[current])},
        )


def lifecycle(name: str, initial: set[str], edges: Mapping[str, set[str]]) -> Lifecycle:
    """Write a lifecycle with plain sets."""
    return Lifecycle(name=name, initial=frozenset(initial), edges={k: frozenset(v) for k, v in edges.items()})
