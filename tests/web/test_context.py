"""Whose shop a request is for, from where it comes, and how often it may come (I37, I40, I49)."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest

from shopkit.bootstrap import Shop
from shopkit.core.kernel.config import Config, trusted_networks
from shopkit.core.kernel.shop import Limits
from shopkit.web.app import create_app
from shopkit.web.context import client_address

API = "/api/store/v1"


def scope_from(client: str, *forwarded: str) -> dict[str, Any]:
    return {"client": (client, 1234), "headers": [(b"x-forwarded-for", each.encode()) for each in forwarded]}


@pytest.mark.parametrize(
    ("client", "forwarded", "address"),
    [
        ("203.0.113.9", ["198.51.100.1"], "203.0.113.9"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["1.1.1.1, 198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["1.1.1.1", "198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["198.51.100.1, 10.0.0.2"], "198.51.100.1"),
        ("10.0.0.1", ["198.51.100.1, nonsense"], "10.0.0.1"),
        ("10.0.0.1", ["nonsense, 198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["2001:db8::7"], "2001:db8::7"),
        ("::ffff:10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
    ],
)
def test_forwarding_headers_count_only_from_trusted_proxies(client: str, forwarded: list[str], address: str) -> None:
    trusted = trusted_networks(Config(trusted_proxies="10.0.0.0/8, fd00::/8"))
    assert client_address(scope_from(client, *forwarded), trusted) == address


def test_by_default_nobody_is_trusted() -> None:
    assert client_address(scope_from("127.0.0.1", "198.51.100.1"), trusted_networks(Config())) == "127.0.0.1"


class Limited(msgspec.Struct):
    """An application whose limits are small, and its client's address."""

    shop: Shop
    trusted: str = ""

    def client(self, tenant: Any, address: str = "198.51.100.1") -> httpx.AsyncClient:
        transport = httpx.ASGITransport(
            app=create_app(self.shop),
            raise_app_exceptions=False,
            client=(address, 4711),  # type: ignore[arg-type]
        )
        return httpx.AsyncClient(transport=transport, base_url=f"http://{tenant.host}{API}")


@pytest.fixture
async def limited(shop: Shop) -> AsyncIterator[Limited]:
    config, limits = shop.config, shop.limits
    shop.config = msgspec.structs.replace(
        config, carts_per_minute=2, checkouts_per_minute=2, lookups_per_minute=2, trusted_proxies="10.0.0.0/8"
    )
    shop.limits = Limits(shop.config)
    yield Limited(shop)
    shop.config, shop.limits = config, limits


async def call_limited(client: httpx.AsyncClient, making: Any, kind: str) -> httpx.Response:
    if kind == "carts":
        return await client.post("/carts")
    if kind == "lookups":
        return await client.get("/orders/1001")
    return await client.post("/quick-orders", json={}, headers=making.key())


async def until_limited(client: httpx.AsyncClient, making: Any, kind: str) -> list[int]:
    return [(await call_limited(client, making, kind)).status_code for _ in range(4)]


@pytest.mark.parametrize(("kind", "before"), [("carts", 201), ("lookups", 404)])
async def test_each_address_has_its_own_limit(
    limited: Limited, tenant: Any, other_tenant: Any, making: Any, kind: str, before: int
) -> None:
    async with limited.client(tenant) as one, limited.client(tenant, "198.51.100.2") as two:
        assert await until_limited(one, making, kind) == [before, before, 429, 429]
        refused = await call_limited(one, making, kind)
        assert refused.json()["code"] == "too_many_requests"
        assert int(refused.headers["retry-after"]) >= 1
        assert await until_limited(two, making, kind) == [before, before, 429, 429]
    async with limited.client(other_tenant) as elsewhere:
        assert await until_limited(elsewhere, making, kind) == [before, before, 429, 429]


async def test_checkouts_are_limited_whatever_they_answer(
    limited: Limited, make: Any, tenant: Any, making: Any
) -> None:
    await make.shipping()
    body = making.quick_body(await make.product())
    async with limited.client(tenant) as client:
        answers = [await client.post("/quick-orders", json=body, headers=making.key()) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [201, 201, 429]
        cart = (await client.post("/carts")).json()
        refused = await client.post(
            f"/carts/{cart['id']}/complete",
            json={"expected_total": {"amount": 1, "currency": "BDT"}},
            headers={"X-Cart-Token": cart["token"]} | making.key(),
        )
        assert refused.status_code == 429


async def test_behind_a_trusted_proxy_the_limit_is_the_clients(limited: Limited, tenant: Any, making: Any) -> None:
    async with limited.client(tenant, "10.0.0.1") as proxied:
        for client in ("198.51.100.7", "198.51.100.8"):
            answers = [await proxied.post("/carts", headers={"X-Forwarded-For": client}) for _ in range(3)]
            assert [answer.status_code for answer in answers] == [201, 201, 429]
    async with limited.client(tenant, "203.0.113.5") as stranger:
        answers = [await stranger.post("/carts", headers={"X-Forwarded-For": f"1.1.1.{n}"}) for n in range(3)]
        assert [answer.status_code for answer in answers] == [201, 201, 429]


# Tenants and stores


async def test_the_store_header_picks_a_store_inside_the_tenant_and_never_another_tenants(
    make: Any, making: Any, client: Any, buyer: Any, shop: Any, other_tenant: Any
) -> None:
    await make.store("second", currency="USD")
    theirs = making.Make(shop, other_tenant.made, other_tenant.scope)
    await theirs.store("outlet")
    there = making.Buyer(client, {"X-ShopKit-Store": "second"})
    cart = await there.open()
    assert cart["currency"] == "USD"
    assert (await buyer.call("GET", there.at, headers=there.token)).status_code == 404
    for slug in ("outlet", "", "Second", "no such store", "second\x00", "\xff", "x" * 300, other_tenant.host):
        answer = await buyer.call("POST", "/carts", headers={"X-ShopKit-Store": slug.encode("latin-1")})
        assert answer.status_code == (201 if slug == "" else 404), slug


async def test_body_query_and_other_headers_choose_no_tenant(make: Any, buyer: Any, other_tenant: Any) -> None:
    headers = {"X-Forwarded-Host": other_tenant.host, "X-Tenant-Id": str(other_tenant.made.tenant_id)}
    await buyer.open()
    answer = await buyer.call("POST", "/carts", headers=headers)
    assert answer.status_code == 201
    assert await make.value("SELECT count(*) FROM carts") == 2
    assert (await buyer.call("POST", "/carts", json={"tenant_id": "x"})).status_code == 422
    assert (await buyer.call("POST", "/carts", params={"tenant": "x"})).status_code == 422


@pytest.mark.parametrize("host", ["nobody.test", "", "a" * 250 + ".test", "[::1]", "127.0.0.1:8000"])
async def test_an_unknown_host_is_nobodys_with_two_tenants(client: Any, other_tenant: Any, host: str) -> None:
    answer = await client.post(f"{API}/carts", headers={"Host": host})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("host", ["x/y", "a@b.test", "[::1", "১২৭.test", "\xff\xfe", "a\x00.test", "a b"])
async def test_what_is_no_host_is_refused(client: Any, tenant: Any, host: str) -> None:
    answer = await client.post(f"{API}/carts", headers={"Host": host.encode()})
    assert answer.status_code in {400, 404}
    assert answer.headers["content-type"] == "application/problem+json"


async def test_case_port_and_a_last_dot_of_the_host_do_not_matter(client: Any, tenant: Any) -> None:
    for host in (tenant.host.upper(), f"{tenant.host}:8443", f"{tenant.host}."):
        assert (await client.post(f"{API}/carts", headers={"Host": host})).status_code == 201


async def test_an_unknown_host_is_the_only_tenants_until_there_is_a_second(alone: Any, new_tenant: Any) -> None:
    await new_tenant(alone.shop, alone.owner)
    transport = httpx.ASGITransport(app=create_app(alone.shop))  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://anything.test") as client:
        await alone.shop.epochs.refresh(alone.shop.db)
        assert (await client.post(f"{API}/carts")).status_code == 201
        await new_tenant(alone.shop, alone.owner)
        await alone.shop.epochs.refresh(alone.shop.db)
        assert (await client.post(f"{API}/carts")).status_code == 404


@pytest.mark.parametrize(
    "close",
    [
        "UPDATE tenants SET status = 'suspended' WHERE id = $1",
        "UPDATE stores SET status = 'maintenance' WHERE tenant_id = $1",
    ],
)
async def test_a_suspended_tenant_or_closed_store_answers_503(
    make: Any, making: Any, buyer: Any, owner: Any, shop: Any, tenant: Any, close: str
) -> None:
    cart = await buyer.open()
    await owner.execute(close, tenant.made.tenant_id)
    await owner.execute("UPDATE cache_epochs SET version = version + 1 WHERE name = 'hosts'")
    await shop.epochs.refresh(shop.db)
    for answer in (
        await buyer.show(),
        await buyer.call("POST", "/carts"),
        await buyer.quick(making.quick_body()),
        await buyer.call("GET", "/products"),
    ):
        assert (answer.status_code, answer.json()["code"]) in {(503, "store_closed"), (422, "invalid")}
        if answer.status_code == 503:
            assert int(answer.headers["retry-after"]) >= 1
    assert cart["id"] not in answer.text


async def test_every_answer_has_a_request_id_of_our_own_and_is_not_sniffed(client: Any) -> None:
    answers = [
        await client.get("/health/live", headers={"X-Request-Id": "theirs"}),
        await client.get("/nowhere"),
        await client.post(f"{API}/carts"),
    ]
    ids = [answer.headers["x-request-id"] for answer in answers]
    assert len(set(ids)) == 3
    assert all(len(each) == 32 for each in ids)
    assert {answer.headers["x-content-type-options"] for answer in answers} == {"nosniff"}


async def test_a_head_request_answers_like_get_without_content(make: Any, buyer: Any) -> None:
    await buyer.open(await make.product())
    for path in (buyer.at, f"{buyer.at}/shipping-options", f"{buyer.at}/payment-methods", "/products", "/categories"):
        got = await buyer.call("GET", path, headers=buyer.token)
        headed = await buyer.call("HEAD", path, headers=buyer.token)
        assert (headed.status_code, headed.content) == (got.status_code, b"")
        assert headed.headers["content-type"] == got.headers["content-type"]
    assert (await buyer.call("HEAD", buyer.at)).status_code == 404
    assert (await buyer.call("HEAD", "/quick-orders")).status_code == 405
