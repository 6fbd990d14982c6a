"""What a route shows in its documentation, and what tests execute."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct


class Example(Struct, frozen=True, kw_only=True):
    """One call and its answer. Tests execute it with `path` filled in from their own data where it says `{name}`."""

    name: str
    path: Mapping[str, str] = {}
    query: Mapping[str, str] = {}
    headers: Mapping[str, str] = {}
    body: Any = None
    status: int = 200
    answer: Any = None
