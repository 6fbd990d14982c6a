"""How long we wait for another process, and how often we look."""

import time

PAUSE_SECONDS = 0.02
"""Between two looks at something that takes no longer than a moment."""


class Deadline:
    """A moment on the monotonic clock, so many seconds from now."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    @property
    def seconds_left(self) -> float:
        """Never below zero."""
        return max(0.0, self._end - time.monotonic())

    @property
    def has_passed(self) -> bool:
        """Whether nothing is left of it."""
        return self.seconds_left == 0
