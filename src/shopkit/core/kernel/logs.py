"""Structured logs: one line per event, JSON or for people, with secrets scrubbed. Writing a line never fails a request.

Configured once by the process that serves; a library or a test that does not call `configure` changes nothing.
"""

import contextlib
import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from functools import lru_cache
from typing import Any, BinaryIO, Final, cast

import msgspec
import structlog

from shopkit.core.kernel.config import Config

HIDDEN: Final = "***"

_SECRET_NAME: Final = re.compile(
    r"token|passw|secret|authorization|cookie|credential|master_key|api_?key|private_?key|signature|dsn|database_url"
    r"|database_owner_url|smtp_url",
    re.IGNORECASE,
)
_MAY_HOLD_SECRET: Final = re.compile(r"[=:@]|bearer|basic", re.IGNORECASE)
_IN_TEXT: Final = (
    # scheme://user:password@host
    (re.compile(r"(\w://[^/\s:@]*):[^@/\s]*@"), rf"\1:{HIDDEN}@"),
    # ?token=..., &password=..., also in a form body
    (
        re.compile(r"((?:^|[?&;\s])[\w.-]*(?:token|password|secret|signature|api_?key)=)[^&;\s\"']+", re.IGNORECASE),
        rf"\1{HIDDEN}",
    ),
    # 'X-Cart-Token: ...', "authorization": "Bearer ..."
    (
        re.compile(
            r"((?:authorization|cookie|x-[\w-]*token|password|secret)[\"']?\s*:\s*[\"']?)(?:(?:bearer|basic)\s+)?[^\s\"',}]+",
            re.IGNORECASE,
        ),
        rf"\1{HIDDEN}",
    ),
    (re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]{8,}", re.IGNORECASE), rf"\1 {HIDDEN}"),
)
_DEEPEST: Final = 6


def configure(config: Config, *, to: BinaryIO | None = None, console_level: str | None = None) -> None:
    """Send every log line of this process to `to` (standard error), in the configured format, from the level on.

    With `to`, a file, lines from `console_level` on are repeated on standard error for people.
    """
    out = _Lines(to or sys.stderr.buffer)
    is_json = config.log_format == "json" or to is not None
    echo = [_Echo(console_level)] if console_level and to is not None else []
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            *([structlog.processors.format_exc_info] if is_json else []),
            scrub,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            *echo,
            _as_json if is_json else _for_people(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_number(config.log_level)),
        logger_factory=structlog.BytesLoggerFactory(cast("BinaryIO", out)),
        cache_logger_on_first_use=True,
    )
    root = logging.getLogger()
    root.handlers[:] = [_Forward()]
    # Libraries tell of every connection at `info`; our own lines say what matters.
    root.setLevel(max(logging.WARNING, _number(config.log_level)))


def configure_command() -> None:
    """For a command that ends: warnings and worse, for people, on standard error; standard output is for data."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            scrub,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            _for_people(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.BytesLoggerFactory(cast("BinaryIO", _Lines(sys.stderr.buffer))),
        cache_logger_on_first_use=False,  # `serve` configures again
    )


def scrub(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Hide what stands under a secret's name, and what looks like a secret inside texts (I52)."""
    for name, value in event.items():
        event[name] = _scrubbed(name, value, _DEEPEST)
    return event


def scrub_text(text: str) -> str:
    """The text without passwords in addresses, tokens in queries and credentials in headers."""
    if not _MAY_HOLD_SECRET.search(text):
        return text
    for pattern, shown in _IN_TEXT:
        text = pattern.sub(shown, text)
    return text


@lru_cache(1024)
def _is_secret(name: str) -> bool:
    return _SECRET_NAME.search(name) is not None


def _scrubbed(name: str, value: Any, depth: int) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if _is_secret(name):
        return HIDDEN
    if isinstance(value, str):
        return scrub_text(value)
    if depth == 0:
        return HIDDEN
    if isinstance(value, Mapping):
        return {key: _scrubbed(str(key), item, depth - 1) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_scrubbed("", item, depth - 1) for item in value]
    if isinstance(value, BaseException):
        return scrub_text(repr(value))
    return value


def _as_json(_: Any, __: str, event: MutableMapping[str, Any]) -> bytes:
    first = {"at": event.pop("at", None), "level": event.pop("level", None), "event": event.pop("event", None)}
    return msgspec.json.encode({**first, **event}, enc_hook=_described)


def _described(value: Any) -> str:
    return scrub_text(repr(value))


def _for_people() -> Any:
    # A plain traceback: the fancy one prints local variables, and with them secrets.
    render = structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(), exception_formatter=_scrubbed_traceback, timestamp_key="at"
    )

    def rendered(logger: Any, method: str, event: MutableMapping[str, Any]) -> bytes:
        return render(logger, method, event).encode("utf-8", "replace")

    return rendered


def _scrubbed_traceback(out: Any, exc_info: Any) -> None:
    out.write(scrub_text(structlog.processors.format_exc_info(None, "", {"exc_info": exc_info})["exception"]))


def _number(level: str) -> int:
    return cast("int", getattr(logging, level.upper()))


class _Lines:
    """A file that swallows its own failures: a full disk or a closed pipe must not fail a sale."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, line: bytes) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._file.write(line)

    def flush(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._file.flush()


class _Echo:
    """Repeats important lines on standard error."""

    def __init__(self, level: str) -> None:
        self._from = _number(level)
        self._render = _for_people()
        self._out = _Lines(sys.stderr.buffer)

    def __call__(self, logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        if _number(str(event.get("level", "info"))) >= self._from:
            self._out.write(self._render(logger, method, dict(event)) + b"\n")
            self._out.flush()
        return event


class _Forward(logging.Handler):
    """Lines of libraries that use the standard module, in our form."""

    def emit(self, record: logging.LogRecord) -> None:
        structlog.get_logger().log(record.levelno, record.getMessage(), logger=record.name, exc_info=record.exc_info)
