"""Lifecycles: only drawn edges, and a refusal that says what is possible."""

import pytest

from shopkit.core.kernel.states import IllegalTransition, lifecycle

DOOR = lifecycle("door", {"closed"}, {"closed": {"open", "locked"}, "open": {"closed"}, "locked": set()})


def test_a_drawn_edge_is_permitted() -> None:
    DOOR.require("closed", "open")


@pytest.mark.parametrize(
    ("current", "to"), [("open", "locked"), ("locked", "open"), ("open", "open"), ("closed", "up")]
)
def test_everything_else_is_refused_with_what_is_possible(current: str, to: str) -> None:
    with pytest.raises(IllegalTransition) as refused:
        DOOR.require(current, to)
    assert refused.value.status == 409
    assert refused.value.error_code == "illegal_transition"
    assert refused.value.details == {"current": current, "requested": to, "allowed": sorted(DOOR.edges[current])}
    assert current in refused.value.text


def test_states_keep_the_order_in_which_they_are_written() -> None:
    assert DOOR.states == ("closed", "open", "locked")
