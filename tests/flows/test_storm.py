"""Many buyers, few units, two server processes on one database (I5): every unit is sold once, and none twice."""

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from shopkit.core.checkout.invariants import violations

BUYERS, UNITS = 200, 50


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(databases: Any, folder: Path, port: int) -> subprocess.Popen[bytes]:
    environment = {
        "PATH": os.environ["PATH"],
        "SHOPKIT_DATA_DIR": str(folder),
        "SHOPKIT_DATABASE_URL": databases.app,
        "SHOPKIT_DATABASE_POOL_SIZE": "10",
        "SHOPKIT_CHECKOUTS_PER_MINUTE": "1000000",
        "SHOPKIT_CARTS_PER_MINUTE": "1000000",
        "SHOPKIT_LOG_LEVEL": "error",
    }
    with (folder / f"server-{port}.log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "shopkit", "serve", "--no-worker", "--port", str(port)],
            env=environment, stdout=log, stderr=log,
        )  # fmt: skip


def wait_until_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        assert process.poll() is None, log.read_text()
        try:
            if httpx.get(f"http://127.0.0.1:{port}/health/ready").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError(log.read_text())


@pytest.fixture(scope="module")
def servers(databases: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """The addresses of two processes that share a key and a database."""
    folder = tmp_path_factory.mktemp("storm")
    ports = [free_port(), free_port()]
    started: list[subprocess.Popen[bytes]] = []
    try:
        for port in ports:  # one after the other: the first makes the key
            started.append(start(databases, folder, port))
            wait_until_ready(started[-1], port, folder / f"server-{port}.log")
        yield [f"http://127.0.0.1:{port}" for port in ports]
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait(timeout=30)


async def storm(servers: list[str], host: str, requests: list[dict[str, Any]]) -> list[httpx.Response]:
    """All requests at once, in turn to each process."""
    limits = httpx.Limits(max_connections=BUYERS)
    async with httpx.AsyncClient(headers={"Host": host}, limits=limits, timeout=60) as client:
        return await asyncio.gather(
            *(
                client.request(**request | {"url": servers[place % len(servers)] + request["url"]})
                for place, request in enumerate(requests)
            )
        )


async def check(make: Any, variant: Any, answers: list[httpx.Response]) -> None:
    codes = Counter((answer.status_code, answer.json().get("code")) for answer in answers)
    assert codes == {(201, None): UNITS, (409, "out_of_stock"): BUYERS - UNITS}
    assert {answer.json()["available"] for answer in answers if answer.status_code == 409} == {0}
    numbers = [answer.json()["order"]["number"] for answer in answers if answer.status_code == 201]
    assert len(set(numbers)) == UNITS
    assert await make.levels(variant) == [(UNITS, UNITS)]
    assert (await make.counts("orders", "payments", "inventory_reservations", "idempotency_keys")) == dict.fromkeys(
        ("orders", "payments", "inventory_reservations", "idempotency_keys"), UNITS
    )
    await make.check_stock()
    async with make.shop.uow(make.scope) as uow:
        assert await violations(uow.sql) == []


@pytest.mark.slow
async def test_200_buyers_of_50_units_across_two_processes_make_exactly_50_orders(
    make: Any, making: Any, servers: list[str], tenant: Any
) -> None:
    await make.shipping()
    product = await make.product(stock=UNITS)
    requests = [
        {
            "method": "POST",
            "url": f"{making.API}/quick-orders",
            "json": making.quick_body(product, contact=making.contact(phone=f"017{n:08d}")),
            "headers": making.key(),
        }
        for n in range(BUYERS)
    ]
    await check(make, product.variant, await storm(servers, tenant.host, requests))


@pytest.mark.slow
async def test_200_carts_completed_at_once_across_two_processes_make_exactly_50_orders(
    make: Any, making: Any, servers: list[str], tenant: Any
) -> None:
    await make.shipping()
    product = await make.product(stock=UNITS)
    opened = await storm(
        servers,
        tenant.host,
        [{"method": "POST", "url": f"{making.API}/carts", "json": {"items": making.items(product)}}] * BUYERS,
    )
    carts = [answer.json() for answer in opened]
    changes = {
        "shipping_address": making.address(), "payment_method": "cod", "shipping_option": "home",
    }  # fmt: skip
    ready = await storm(
        servers,
        tenant.host,
        [
            {
                "method": "PATCH",
                "url": f"{making.API}/carts/{cart['id']}",
                "json": changes | {"contact": making.contact(phone=f"018{n:08d}")},
                "headers": {"X-Cart-Token": cart["token"]},
            }
            for n, cart in enumerate(carts)
        ],
    )
    assert {answer.status_code for answer in ready} == {200}
    requests = [
        {
            "method": "POST",
            "url": f"{making.API}/carts/{cart['id']}/complete",
            "json": {"expected_total": ready[n].json()["totals"]["total"]},
            "headers": {"X-Cart-Token": cart["token"]} | making.key(),
        }
        for n, cart in enumerate(carts)
    ]
    await check(make, product.variant, await storm(servers, tenant.host, requests))


@pytest.mark.slow
async def test_one_key_at_two_processes_is_one_order(make: Any, making: Any, servers: list[str], tenant: Any) -> None:
    await make.shipping()
    product = await make.product()
    request = {
        "method": "POST",
        "url": f"{making.API}/quick-orders",
        "json": making.quick_body(product),
        "headers": making.key(),
    }
    answers = await storm(servers, tenant.host, [request] * 20)
    placed = {answer.text for answer in answers if answer.status_code == 201}
    assert len(placed) == 1
    assert {answer.json()["code"] for answer in answers if answer.status_code != 201} <= {"in_progress"}
    again = await storm(servers, tenant.host, [request] * 2)
    assert {answer.text for answer in again} == placed
    assert await make.value("SELECT count(*) FROM orders") == 1
