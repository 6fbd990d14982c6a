"""The OpenAPI document describes what the routes really take and answer, and its page needs nothing from elsewhere."""

import re
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

import httpx
import msgspec
import pytest
from litestar import Litestar, Request, Response, get, post
from litestar.openapi import ResponseSpec
from litestar.params import FromHeader, FromPath, JSONBody
from msgspec import Meta

from shopkit.core.kernel.decode import Command, Exact, Id, Instant, View, decode_query, parse_id
from shopkit.core.kernel.pages import Page, PageQuery
from shopkit.sdk.errors import Conflict
from shopkit.web import openapi
from shopkit.web.edge import Edge, HeadAsGet
from shopkit.web.openapi import Example

ID = "018f3a3c-1111-7abc-8def-001122334455"


class OutOfStock(Conflict):
    """Test copy of a domain's error."""

    code = "out_of_stock"


class AddItem(Command, kw_only=True):
    """Put a variant into the cart."""

    variant_id: Id
    quantity: Annotated[int, Meta(ge=1, le=1000, description="Units.")]
    weight: Exact | None = None
    deliver_at: Instant | None = None


class ItemView(View):
    id: Id
    quantity: int


class ItemQuery(PageQuery, kw_only=True):
    sort: Literal["newest", "price_asc"] = "newest"
    q: Annotated[str, Meta(max_length=50, description="Words <to> find.")] | None = None
    in_stock: bool | None = None


ADD = Example(
    name="two of one",
    path={"cart_id": ID},
    body={"variant_id": ID, "quantity": 2},
    status=201,
    answer={"id": ID, "quantity": 2},
)


@post(
    "/api/carts/{cart_id:str}/items",
    tags=["Carts"],
    problems=[OutOfStock],
    headers={"Idempotency-Key": "Makes a retry safe."},
    examples=[ADD],
    responses={202: ResponseSpec(ItemView, description="Queued")},
)
async def add_item(cart_id: FromPath[str], data: JSONBody[AddItem]) -> ItemView:
    """Add a variant.

    The same variant sums up.
    """
    return ItemView(id=Id(str(parse_id(cart_id))), quantity=data.quantity)


@get("/api/items", query=ItemQuery, tags=["Carts"])
async def list_items(request: Request[Any, Any, Any], x_cart_token: FromHeader[str] = "") -> Response[Page[ItemView]]:
    """Everything."""
    decode_query(request, ItemQuery)
    return Response(Page(items=[]))


@get("/page")
async def html() -> str:
    return ""


@pytest.fixture
def app() -> Litestar:
    pages = openapi.routes(title="ShopKit <store> API", version="1", description="For buyers.")
    return Litestar([add_item, list_items, html, *pages], plugins=[Edge()])


@pytest.fixture
async def client(app: Litestar) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(HeadAsGet(app))  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as client:
        yield client


async def test_the_document_names_bodies_parameters_answers_and_problems(client: httpx.AsyncClient) -> None:
    response = await client.get("/api/openapi.json")
    assert response.headers["content-type"] == "application/json"
    document = response.json()
    assert document["openapi"] == "3.1.0"
    assert set(document["paths"]) == {"/api/carts/{cart_id}/items", "/api/items"}
    added = document["paths"]["/api/carts/{cart_id}/items"]["post"]
    assert (added["summary"], added["description"]) == ("Add a variant.", "The same variant sums up.")
    assert added["requestBody"]["required"] is True
    assert added["requestBody"]["content"]["application/json"] == {
        "schema": {"$ref": "#/components/schemas/AddItem"},
        "examples": {"two of one": {"value": ADD.body}},
    }
    assert set(added["responses"]) == {
        *("201", "202", "400", "404", "409", "413", "415", "422", "429", "503", "default"),
    }
    assert added["responses"]["409"]["description"] == "`in_progress`, `out_of_stock`"
    assert "application/problem+json" in added["responses"]["409"]["content"]
    assert [parameter["name"] for parameter in added["parameters"]] == ["cart_id", "Idempotency-Key"]


async def test_a_query_struct_becomes_parameters(client: httpx.AsyncClient) -> None:
    document = (await client.get("/api/openapi.json")).json()
    listed = document["paths"]["/api/items"]["get"]
    parameters = {parameter["name"]: parameter for parameter in listed["parameters"]}
    assert set(parameters) == {"limit", "cursor", "sort", "q", "in_stock", "x_cart_token"}
    assert parameters["limit"]["schema"] == {"type": "integer", "minimum": 1, "maximum": 100, "default": 24}
    assert parameters["sort"]["schema"] == {"enum": ["newest", "price_asc"], "default": "newest"}
    assert parameters["q"]["schema"] == {"type": "string", "maxLength": 50}
    assert parameters["in_stock"]["schema"] == {"type": "boolean"}
    assert not any(parameter.get("required") for parameter in parameters.values())
    answer = listed["responses"]["200"]["content"]["application/json"]["schema"]
    assert answer == {"$ref": "#/components/schemas/Page_ItemView_"}


async def test_schemas_are_strict_and_valid(client: httpx.AsyncClient) -> None:
    schemas = (await client.get("/api/openapi.json")).json()["components"]["schemas"]
    assert schemas["AddItem"]["additionalProperties"] is False
    assert schemas["AddItem"]["properties"]["variant_id"] == {"type": "string", "format": "uuid"}
    for name, schema in schemas.items():
        assert re.fullmatch(r"[a-zA-Z0-9._-]+", name)
        assert schema["type"] == "object"


async def test_the_document_is_valid_openapi_3_1(client: httpx.AsyncClient) -> None:
    validator = pytest.importorskip("openapi_spec_validator")
    validator.validate((await client.get("/api/openapi.json")).json())


async def test_every_reference_leads_somewhere(client: httpx.AsyncClient) -> None:
    text = (await client.get("/api/openapi.json")).text
    document = msgspec.json.decode(text)
    for reference in re.findall(r'"\$ref":"#/([^"]+)"', text):
        target: Any = document
        for part in reference.split("/"):
            target = target[part]


async def test_examples_can_be_executed(app: Litestar, client: httpx.AsyncClient) -> None:
    found = list(openapi.examples(app))
    assert [(method, path) for method, path, _ in found] == [("POST", "/api/carts/{cart_id}/items")]
    for method, path, example in found:
        response = await client.request(method, path.format(**example.path), json=example.body)
        assert response.status_code == example.status
        assert response.json() == example.answer


async def test_the_page_works_offline_and_explains_every_code(client: httpx.AsyncClient) -> None:
    response = await client.get("/api/docs")
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in response.headers["content-security-policy"]
    page = response.text
    assert not re.search(r"<script|https?://|src=|@import|url\(", page)
    assert "ShopKit &lt;store&gt; API" in page
    assert "Words &lt;to&gt; find." in page
    assert "/api/carts/{cart_id}/items" in page
    assert 'id="problem-cart_changed"' in page
    assert 'id="field-too_long"' in page
    links = set(re.findall(r'href="#([^"]+)"', page))
    assert links <= set(re.findall(r'id="([^"]+)"', page))


async def test_no_page_of_the_framework_is_left(client: httpx.AsyncClient) -> None:
    for path in ("/schema", "/schema/swagger", "/api/docs/elements", "/api"):
        response = await client.get(path)
        assert response.status_code == 404
        assert response.headers["content-type"] == "application/problem+json"
