"""Time-ordered ids: UUID version 7 of RFC 9562. An id that cannot be guessed is still not a permission (I42)."""

import os
import threading
import time
from typing import Final
from uuid import UUID, SafeUUID

_VERSION: Final = 7 << 76
_VARIANT: Final = 2 << 62
_MASK_62: Final = (1 << 62) - 1
_COUNTER_LIMIT: Final = 1 << 12
# A fresh millisecond starts its counter in the lower half, so that at least 2,048 ids fit behind it.
_START_MASK: Final = (1 << 11) - 1

_lock: Final = threading.Lock()
_last_ms = 0
_counter = 0
_from_bytes: Final = int.from_bytes
_set: Final = object.__setattr__


def uuid7() -> UUID:
    """A new id, greater than every earlier one of this process, also across threads and when the clock steps back.

    48 bits of Unix milliseconds, a 12-bit counter within the millisecond (method 1 of RFC 9562, 6.2) and 62 bits from
    the system's generator. The time in it is this machine's: never compare it with a deadline (I67).
    """
    global _last_ms, _counter  # noqa: PLW0603  one sequence per process is the point
    noise = _from_bytes(os.urandom(10), "big")
    now = time.time_ns() // 1_000_000
    with _lock:
        if now > _last_ms:
            _last_ms = now
            _counter = (noise >> 62) & _START_MASK
        else:
            _counter += 1
            if _counter == _COUNTER_LIMIT:
                _last_ms += 1
                _counter = 0
        value = (_last_ms << 80) | (_counter << 64)
    return _uuid(value | _VERSION | _VARIANT | (noise & _MASK_62))


def _uuid(value: int) -> UUID:
    # `UUID(int=...)` checks its arguments for three times as long; the class itself copies in this way, too.
    made = object.__new__(UUID)
    _set(made, "int", value)
    _set(made, "is_safe", SafeUUID.unknown)
    return made
