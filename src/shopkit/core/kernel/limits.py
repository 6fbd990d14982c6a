"""Token buckets per address in the process's memory: a first fence against floods, not a security boundary (I49)."""

import time
from collections import OrderedDict
from collections.abc import Callable

from shopkit.sdk.errors import TooMany

MOST_ADDRESSES = 50_000


class RateLimit:
    """At most `per_minute` calls per key in a minute, after a burst of the same size."""

    def __init__(self, per_minute: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.per_minute = per_minute
        self._clock = clock
        self._buckets: OrderedDict[object, tuple[float, float]] = OrderedDict()

    def spend(self, key: object) -> None:
        """Take one call from the key's bucket. Raises `TooMany` when it is empty."""
        now = self._clock()
        left, at = self._buckets.get(key, (float(self.per_minute), now))
        left = min(float(self.per_minute), left + (now - at) * self.per_minute / 60)
        if left < 1:
            self._buckets[key] = (left, now)
            raise TooMany(details={"limit": self.per_minute, "window_seconds": 60})
        self._buckets[key] = (left - 1, now)
        self._buckets.move_to_end(key)
        if len(self._buckets) > MOST_ADDRESSES:
            self._buckets.popitem(last=False)
