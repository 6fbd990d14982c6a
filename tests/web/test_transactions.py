"""One request, one transaction: what is answered is stored, what failed is not, whichever way it failed."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx
import pytest
from litestar import Litestar, Response, Router, get, post
from litestar.datastructures import State
from litestar.di import NamedDependency, Provide
from litestar.response import Redirect

from shopkit.bootstrap import Shop
from shopkit.core.kernel.uow import Uow
from shopkit.sdk.errors import Conflict
from shopkit.web import context
from shopkit.web.edge import Edge, HeadAsGet

NOTE = "INSERT INTO tags (slug, name) VALUES ($1, $1)"


@post("/stored")
async def stored(uow: NamedDependency[Uow]) -> None:
    await uow.sql.execute(NOTE, "stored")


@post("/redirected")
async def redirected(uow: NamedDependency[Uow]) -> Redirect:
    await uow.sql.execute(NOTE, "redirected")
    return Redirect("/elsewhere", status_code=303)


@post("/refused")
async def refused(uow: NamedDependency[Uow]) -> None:
    await uow.sql.execute(NOTE, "refused")
    raise Conflict


@post("/broken")
async def broken(uow: NamedDependency[Uow]) -> None:
    await uow.sql.execute(NOTE, "broken")
    raise ZeroDivisionError


@post("/swallowed")
async def swallowed(uow: NamedDependency[Uow]) -> Response[str]:
    await uow.sql.execute(NOTE, "swallowed")
    with contextlib.suppress(asyncpg.PostgresError):
        await uow.sql.execute("SELECT 1 / 0")
    return Response("all is well", status_code=201)


@post("/answered-with-an-error")
async def answered_with_an_error(uow: NamedDependency[Uow]) -> Response[str]:
    await uow.sql.execute(NOTE, "answered")
    return Response("no", status_code=409)


@post("/late")
async def late(uow: NamedDependency[Uow]) -> None:
    """Breaks a rule that PostgreSQL looks at only when it commits."""
    await uow.sql.execute("CREATE TEMPORARY TABLE late (id int UNIQUE DEFERRABLE INITIALLY DEFERRED)")
    await uow.sql.execute(NOTE, "late")
    await uow.sql.execute("INSERT INTO late VALUES (1), (1)")


@get("/seen")
async def seen(uow: NamedDependency[Uow]) -> list[str]:
    return [row["slug"] for row in await uow.sql.fetch("SELECT slug FROM tags ORDER BY slug")]


@pytest.fixture
async def caller(shop: Shop, tenant: Any) -> AsyncIterator[httpx.AsyncClient]:
    router = Router(
        "/",
        route_handlers=[stored, redirected, refused, broken, swallowed, answered_with_an_error, late, seen],
        dependencies={
            "caller": Provide(context.provide_caller),
            "uow": Provide(context.provide_uow),
            "shop": Provide(context.provide_shop),
        },
    )
    app = Litestar([router], plugins=[Edge()], state=State({"shop": shop}), openapi_config=None)
    transport = httpx.ASGITransport(app=context.RequestContext(HeadAsGet(app), shop), raise_app_exceptions=False)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{tenant.host}") as client:
        yield client


async def test_an_answer_commits(caller: httpx.AsyncClient) -> None:
    assert (await caller.post("/stored")).status_code == 201
    assert (await caller.get("/seen")).json() == ["stored"]


async def test_a_redirect_commits(caller: httpx.AsyncClient) -> None:
    answer = await caller.post("/redirected")
    assert (answer.status_code, answer.headers["location"]) == (303, "/elsewhere")
    assert (await caller.get("/seen")).json() == ["redirected"]


@pytest.mark.parametrize(("path", "status"), [("/refused", 409), ("/broken", 500)])
async def test_an_exception_rolls_back(caller: httpx.AsyncClient, path: str, status: int) -> None:
    answer = await caller.post(path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert "ZeroDivision" not in answer.text
    assert (await caller.get("/seen")).json() == []


async def test_a_swallowed_sql_error_is_a_5xx_and_stores_nothing(caller: httpx.AsyncClient) -> None:
    answer = await caller.post("/swallowed")
    assert (answer.status_code, answer.json()["code"]) == (503, "not_stored")
    assert int(answer.headers["retry-after"]) >= 1
    assert (await caller.get("/seen")).json() == []


async def test_a_commit_that_fails_is_a_5xx_and_stores_nothing(
    caller: httpx.AsyncClient, databases: Any, shop: Shop
) -> None:
    admin = await asyncpg.connect(databases.of(databases.admin, databases.name))
    try:
        await admin.execute(f'GRANT TEMPORARY ON DATABASE "{databases.name}" TO shopkit_app')
        answer = await caller.post("/late")
    finally:
        await admin.execute(f'REVOKE TEMPORARY ON DATABASE "{databases.name}" FROM shopkit_app')
        await admin.close()
    assert answer.status_code >= 500
    assert (await caller.get("/seen")).json() == []


async def test_a_client_that_leaves_while_its_request_runs_leaves_no_half_order(
    make: Any, making: Any, buyer: Any
) -> None:
    await make.shipping()
    product = await make.product(stock=1000)
    keys = [making.key() for _ in range(12)]
    for place, key in enumerate(keys):
        task = asyncio.create_task(buyer.quick(making.quick_body(product), **key))
        await asyncio.sleep(0.001 * place)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    orders = await make.value("SELECT count(*) FROM orders")
    held = await make.value("SELECT count(*) FROM inventory_reservations")
    paid = await make.value("SELECT count(*) FROM payments")
    facts = await make.value("SELECT count(*) FROM outbox_events WHERE topic = 'order.placed'")
    assert orders == held == paid == facts
    await make.check_stock()
    for key in keys:  # a retry with the same key finds out which it was
        assert (await buyer.quick(making.quick_body(product), **key)).status_code == 201
    assert await make.value("SELECT count(*) FROM orders") == len(keys)
    assert await make.value("SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'") == 0


async def test_a_tenant_never_stays_on_a_connection(shop: Shop, scope: Any) -> None:
    async with shop.uow(scope) as uow:
        await uow.sql.execute(NOTE, "mine")
    for _ in range(25):
        async with shop.db.transaction(None) as sql:
            assert await sql.fetchval("SELECT count(*) FROM tags") == 0
