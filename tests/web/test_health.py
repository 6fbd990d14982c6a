"""Alive, and able to serve: two questions with two answers."""

import socket
import time
from typing import Any

import asyncpg
import httpx

from shopkit.bootstrap import Shop
from shopkit.core.kernel.db import Connection, Database
from shopkit.web.app import create_app


async def test_a_process_that_answers_is_alive_whatever_its_host(client: Any) -> None:
    answer = await client.get("/health/live", headers={"Host": "10.1.2.3:8000"})
    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "parts": {}})


async def test_ready_names_its_parts(client: Any) -> None:
    answer = await client.get("/health/ready", headers={"Host": "10.1.2.3:8000"})
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "parts": {"database": "ok", "migrations": "ok", "worker": "ok"}}
    assert (await client.head("/health/ready")).status_code == 200


async def test_a_database_at_another_revision_is_not_ready(alone: Any) -> None:
    transport = httpx.ASGITransport(app=create_app(alone.shop))  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
        found = await alone.owner.fetchval("SELECT version_num FROM shopkit_version")
        try:
            await alone.owner.execute("UPDATE shopkit_version SET version_num = '0000'")
            answer = await client.get("/health/ready")
        finally:
            await alone.owner.execute("UPDATE shopkit_version SET version_num = $1", found)
        assert (answer.status_code, answer.json()["status"]) == (503, "unready")
        assert answer.json()["parts"]["migrations"].startswith("at 0000, expected ")
        assert (await client.get("/health/ready")).status_code == 200


async def test_a_silent_worker_is_not_ready(client: Any, shop: Shop) -> None:
    before = shop.worker_seen_at
    try:
        shop.worker_seen_at = time.monotonic() - 500
        answer = await client.get("/health/ready")
    finally:
        shop.worker_seen_at = before
    assert answer.status_code == 503
    assert answer.json()["parts"]["worker"].startswith("silent for 500 s")


async def test_without_the_database_live_is_ok_and_ready_is_not(shop: Shop) -> None:
    with socket.socket() as nobody:  # bound, but nobody listens
        nobody.bind(("127.0.0.1", 0))
        dsn = f"postgresql://shopkit_app@127.0.0.1:{nobody.getsockname()[1]}/shopkit"
        async with asyncpg.create_pool(dsn, min_size=0, connection_class=Connection) as pool:
            lonely = Shop(shop.config, dsn, Database(pool), shop.keyring)
            transport = httpx.ASGITransport(app=create_app(lonely), raise_app_exceptions=False)  # type: ignore[arg-type]
            async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
                assert (await client.get("/health/live")).status_code == 200
                answer = await client.get("/health/ready")
                assert (answer.status_code, answer.json()["parts"]["database"]) == (503, "unreachable")
                made = await client.post("/api/store/v1/carts")
                assert made.status_code == 503
                assert int(made.headers["retry-after"]) >= 1
