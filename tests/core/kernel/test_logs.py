import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from shopkit.core.kernel import logs
from shopkit.core.kernel.config import Config
from shopkit.sdk.settings import Secret


@pytest.fixture
def out() -> Iterator[io.BytesIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    before = structlog.get_config()
    yield io.BytesIO()
    structlog.configure(**before)
    root.handlers[:], root.level = handlers, level


def lines(out: io.BytesIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_a_line_is_one_json_object_with_time_level_and_event_first(out: io.BytesIO) -> None:
    logs.configure(Config(), to=out)
    structlog.get_logger("x").info("request", status=200, tenant=None)
    assert list(lines(out)[0]) == ["at", "level", "event", "status", "tenant"]
    structlog.get_logger("x").debug("below the level")
    assert len(lines(out)) == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"token": "s3cr3t"},
        {"X-Cart-Token": "s3cr3t"},
        {"headers": {"Authorization": "Bearer s3cr3t", "cookie": "a=s3cr3t"}},
        {"settings": [{"api_key": "s3cr3t"}]},
        {"smtp_url": "smtp://me:s3cr3t@mail"},
        {"url": "/orders/1001?token=s3cr3t&x=1"},
        {"text": "GET /carts?cart_token=s3cr3t HTTP/1.1"},
        {"text": "connect to postgresql://app:s3cr3t@db/shop failed"},
        {"text": "Authorization: Bearer s3cr3t"},
        {"text": "sent {'X-Cart-Token': 's3cr3t'}"},
        {"text": 'sent {"password": "s3cr3t"}'},
        {"error": ValueError("postgresql://app:s3cr3t@db/shop")},
        {"value": Secret("s3cr3t")},
    ],
)
def test_no_secret_reaches_a_line(out: io.BytesIO, fields: dict[str, object]) -> None:
    """I52"""
    logs.configure(Config(), to=out)
    structlog.get_logger().warning("told", **fields)
    assert "s3cr3t" not in out.getvalue().decode()
    assert "***" in out.getvalue().decode()


def test_a_traceback_shows_no_secret_and_no_local_variable(out: io.BytesIO) -> None:
    logs.configure(Config(), to=out)
    password = "s3cr3t"
    try:
        raise RuntimeError(f"postgresql://app:{password}@db/shop")
    except RuntimeError as error:
        structlog.get_logger().error("broke", exc_info=error)
    (line,) = lines(out)
    assert "RuntimeError" in str(line["exception"])
    assert "s3cr3t" not in str(line)


def test_what_is_no_secret_stays(out: io.BytesIO) -> None:
    logs.configure(Config(), to=out)
    fields = {"path": "/api/store/v1/products", "address": "2001:db8::1", "ms": 1.5, "query": "?limit=3&sort=price_asc"}
    structlog.get_logger().info("request", **fields)
    assert {name: lines(out)[0][name] for name in fields} == fields


def test_lines_of_libraries_take_the_same_way(out: io.BytesIO) -> None:
    logs.configure(Config(), to=out)
    logging.getLogger("asyncio").warning("slow at %s", "/x?token=s3cr3t")
    logging.getLogger("asyncio").info("not this")
    (line,) = lines(out)
    assert (line["level"], line["logger"]) == ("warning", "asyncio")
    assert "s3cr3t" not in str(line)


def test_a_log_that_cannot_be_written_stops_nobody() -> None:
    class Full(io.BytesIO):
        def write(self, _: object) -> int:
            raise OSError(28, "No space left on device")

    before = structlog.get_config()
    try:
        logs.configure(Config(), to=Full())
        structlog.get_logger().error("said to nobody")
    finally:
        structlog.configure(**before)
