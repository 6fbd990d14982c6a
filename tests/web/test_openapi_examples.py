"""The real document: valid, with an example at every call, and every example does what it says."""

import re
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from shopkit.core.checkout import examples as checkout_examples
from shopkit.core.kernel.ids import uuid7
from shopkit.web import openapi

API = "/api/store/v1"


@pytest.fixture
async def document(client: httpx.AsyncClient) -> Any:
    answer = await client.get("/api/openapi.json")
    assert answer.status_code == 200
    return answer.json()


def calls(document: Any) -> set[tuple[str, str]]:
    return {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}


async def test_the_document_is_valid_openapi_3_1(document: Any) -> None:
    assert document["openapi"].startswith("3.1")
    OpenAPIV31SpecValidator(document).validate()


async def test_every_call_of_the_storefront_api_is_in_the_document(document: Any) -> None:
    assert calls(document) >= {
        ("GET", f"{API}/products"),
        ("GET", f"{API}/products/{{slug}}"),
        ("GET", f"{API}/categories"),
        ("POST", f"{API}/carts"),
        ("GET", f"{API}/carts/{{cart_id}}"),
        ("PATCH", f"{API}/carts/{{cart_id}}"),
        ("POST", f"{API}/carts/{{cart_id}}/items"),
        ("PATCH", f"{API}/carts/{{cart_id}}/items/{{item_id}}"),
        ("DELETE", f"{API}/carts/{{cart_id}}/items/{{item_id}}"),
        ("GET", f"{API}/carts/{{cart_id}}/shipping-options"),
        ("GET", f"{API}/carts/{{cart_id}}/payment-methods"),
        ("POST", f"{API}/carts/{{cart_id}}/complete"),
        ("POST", f"{API}/quick-orders"),
        ("GET", f"{API}/orders/{{number}}"),
        ("POST", f"{API}/orders/{{number}}/payments"),
    }


def all_examples(client: httpx.AsyncClient) -> list[tuple[str, str, openapi.Example]]:
    context: Any = client._transport.app  # type: ignore[attr-defined]
    return list(openapi.examples(context._app.app))


async def test_every_call_has_an_example(client: httpx.AsyncClient, document: Any) -> None:
    assert {(method, path) for method, path, _ in all_examples(client)} == calls(document)


class Visitor:
    """Knows what earlier calls answered, and makes it afresh for each example."""

    def __init__(self, make: Any, making: Any, client: httpx.AsyncClient) -> None:
        self.make, self.making, self.client = make, making, client
        self.buyer = making.Buyer(client)
        self.known: dict[str, str] = {}

    async def arrive(self) -> None:
        """A shop with the examples' saree in its category, for the examples' price."""
        await self.make.shipping(60_00)
        self.product = await self.make.product(price=1299_00, title="Jamdani saree")
        category = await self.make.value(
            """
            INSERT INTO categories (id, store_id, slug, name, path) VALUES ($1, $2, 'sarees', 'Sarees', $3)
            RETURNING id
            """,
            (category_id := uuid7()), self.make.scope.store.id, f'["{category_id}"]',
        )  # fmt: skip
        await self.make.sql(
            "INSERT INTO product_categories (product_id, category_id, is_primary) VALUES ($1, $2, true)",
            self.product.id, category,
        )  # fmt: skip

    async def prepare(self) -> None:
        """A cart that can be completed and an order, new for each example: none depends on another."""
        cart = await self.buyer.ready(self.product)
        order = await self.buyer.order(self.product)
        self.known = {
            "cart_id": cart["id"],
            "cart_token": self.buyer.cart["token"],
            "item_id": cart["items"][0]["id"],
            "order_number": order["number"],
            "order_token": order["token"],
            "product_slug": self.product.slug,
            "new_key": self.making.key()["Idempotency-Key"],
        }

    def fill(self, values: Mapping[str, str]) -> dict[str, str]:
        return {name: re.sub(r"\{(\w+)\}", lambda match: self.known[match[1]], value) for name, value in values.items()}

    def body(self, given: Any) -> Any:
        if isinstance(given, dict):
            return {name: self.body(value) for name, value in given.items()}
        if isinstance(given, list):
            return [self.body(value) for value in given]
        return str(self.product.variant) if given == checkout_examples.VARIANT else given


def assert_fits(shown: Any, real: Any, at: str = "") -> None:
    """Everything that the example shows is there, of the same kind; what is null or empty says nothing of its parts."""
    if isinstance(shown, dict) and isinstance(real, dict) and real:
        for name, part in shown.items():
            assert name in real, f"{at}/{name} is shown and not answered"
            assert_fits(part, real[name], f"{at}/{name}")
    elif isinstance(shown, list) and isinstance(real, list):
        for part in real[:1]:
            if shown:
                assert_fits(shown[0], part, f"{at}/0")
    elif shown is not None and real is not None:
        assert type(shown) is type(real), f"{at} is shown as {shown!r} and answered as {real!r}"


async def test_every_example_answers_as_it_says(
    make: Any, making: Any, client: httpx.AsyncClient, document: Any
) -> None:
    visitor = Visitor(make, making, client)
    await visitor.arrive()
    executed = 0
    for method, path, example in all_examples(client):
        await visitor.prepare()
        options: dict[str, Any] = {} if example.body is None else {"json": visitor.body(example.body)}
        answer = await client.request(
            method,
            path.format(**visitor.fill(example.path)),
            params=visitor.fill(example.query),
            headers=visitor.fill(example.headers),
            **options,
        )
        assert answer.status_code == example.status, (method, path, example.name, answer.text)
        if example.answer is not None:
            assert_fits(example.answer, answer.json())
        described = document["paths"][path][method.lower()]["responses"][str(example.status)]
        if "content" in described:
            media_type, content = next(iter(described["content"].items()))
            assert answer.headers["content-type"] == media_type
            schema = content["schema"] | {"components": document["components"]}
            Draft202012Validator(schema).validate(answer.json())
        executed += 1
    assert executed >= 15


async def test_the_page_shows_the_examples(client: httpx.AsyncClient) -> None:
    page = (await client.get("/api/docs")).text
    assert "with one thing in it" in page
    assert "Dhanmondi" in page
