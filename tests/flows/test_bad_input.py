"""Bad input of every kind to every unsafe route: a clear 4xx problem, and nothing changed (I53–I55)."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ROUTES = ["new cart", "add", "set quantity", "change cart", "complete", "quick order", "pay again"]
NUL, HALF = "\\u0000", "\\ud800"


class Doors:
    """Every unsafe route that takes a body, with a cart and an order to use it on, and a body that it accepts."""

    def __init__(self, making: Any, buyer: Any, product: Any, order: Any) -> None:
        line = f"{buyer.at}/items/{buyer.cart['items'][0]['id']}"
        paying = {"X-Order-Token": order["token"]}
        total = {"amount": 1, "currency": "BDT"}
        item = making.items(product)[0]
        self._making = making
        self._buyer = buyer
        self.all: dict[str, tuple[str, str, dict[str, str], Any]] = {
            "new cart": ("POST", "/carts", {}, {"items": [item]}),
            "add": ("POST", f"{buyer.at}/items", buyer.token, item),
            "set quantity": ("PATCH", line, buyer.token, {"quantity": 2}),
            "change cart": ("PATCH", buyer.at, buyer.token, {"contact": making.contact(), "note": "x"}),
            "complete": ("POST", f"{buyer.at}/complete", buyer.token, {"expected_total": total}),
            "quick order": ("POST", "/quick-orders", {}, making.quick_body(product)),
            "pay again": ("POST", f"/orders/{order['number']}/payments", paying, {"payment_method": "cod"}),
        }

    async def send(self, route: str, content: bytes, headers: dict[str, str] | None = None) -> httpx.Response:
        method, path, own, _ = self.all[route]
        given_headers = {"Content-Type": "application/json"} | own | self._making.key() | (headers or {})
        return await self._buyer.call(method, path, content=content, headers=given_headers)

    def body(self, route: str) -> Any:
        return json.loads(json.dumps(self.all[route][3]))


@pytest.fixture
async def doors(make: Any, making: Any, buyer: Any) -> Doors:
    await make.shipping()
    product = await make.product()
    order = await buyer.order(product)
    await buyer.open(product)
    return Doors(making, buyer, product, order)


async def refuse(make: Any, doors: Doors, route: str, content: bytes, status: set[int], **headers: str) -> Any:
    before = await make.counts()
    answer = await doors.send(route, content, headers)
    assert answer.status_code in status, (route, content[:200], answer.text)
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == answer.status_code
    assert problem["code"] and problem["title"] and problem["type"].endswith(problem["code"])
    for error in problem.get("errors", []):
        assert error["code"] and error["message"]
        assert error["field"] == "" or error["field"].startswith("/"), "a JSON pointer; empty: the whole body"
    assert await make.counts() == before
    return problem


NOT_JSON = {
    "nothing": b"",
    "half": b'{"quantity": ',
    "two": b"{}{}",
    "a comment": b"{} // no",
    "NaN": b'{"quantity": NaN}',
    "Infinity": b'{"quantity": -Infinity}',
    "not UTF-8": b'{"note": "\xff\xfe"}',
    "UTF-16": '{"note": "x"}'.encode("utf-16"),
    "nested by the hundred thousand": b"[" * 100_000,
    "nested objects": b'{"a":' * 5000 + b"1" + b"}" * 5000,
    "quotes": b'{"' * 20_000,
}


@pytest.mark.parametrize("route", ROUTES)
async def test_what_is_not_json_is_400(make: Any, doors: Doors, route: str) -> None:
    for kind, content in NOT_JSON.items():
        if route == "new cart" and kind == "nothing":
            continue  # its body may be left out, but then without a content type
        assert (await refuse(make, doors, route, content, {400}))["code"] == "malformed_json", kind


@pytest.mark.parametrize("route", ROUTES)
async def test_json_of_the_wrong_shape_is_422_with_a_pointer(make: Any, doors: Doors, route: str) -> None:
    for content in (b"[]", b'"text"', b"7", b"true", b'{"surprise": 1}'):
        problem = await refuse(make, doors, route, content, {422})
        assert (problem["code"], bool(problem["errors"])) == ("invalid", True)
    if route != "new cart":
        await refuse(make, doors, route, b"null", {422})
    twice = json.dumps(doors.body(route))[:-1] + ", " + json.dumps(doors.body(route))[1:]
    problem = await refuse(make, doors, route, twice.encode(), {422})
    assert {error["code"] for error in problem["errors"]} == {"duplicate_field"}


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    "media_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "",
        "application/json; charset=latin-1",
    ],
)
async def test_another_media_type_is_415(make: Any, doors: Doors, route: str, media_type: str) -> None:
    content = json.dumps(doors.body(route)).encode()
    problem = await refuse(make, doors, route, content, {415}, **{"Content-Type": media_type})
    assert problem["code"] == "unsupported_media_type"


@pytest.mark.parametrize("route", ROUTES)
async def test_a_compressed_or_giant_body_is_refused(make: Any, doors: Doors, route: str) -> None:
    content = json.dumps(doors.body(route)).encode()
    await refuse(make, doors, route, content, {415}, **{"Content-Encoding": "gzip"})
    await refuse(make, doors, route, b'{"note": "' + b"x" * 1_100_000 + b'"}', {413})


@pytest.mark.parametrize("route", ["add", "set quantity"])
@pytest.mark.parametrize(
    "quantity",
    ["0", "-1", '"7"', "7.0", "7e0", "true", "null", "1001", "9" * 30, "1_0", '"১২"', "[1]", "{}", "0x10", "+5"],
)
async def test_a_quantity_is_a_whole_number_from_1_to_1000(
    make: Any, making: Any, doors: Doors, route: str, quantity: str
) -> None:
    body = doors.body(route) | {"quantity": 555_555}
    content = json.dumps(body).replace("555555", quantity).encode()
    await refuse(make, doors, route, content, {400, 422})


@pytest.mark.parametrize(
    "variant",
    ['"urn:uuid:{}"', '"{{{}}}"', '" {}"', '"{}\\n"', '"x"', '""', "7", "null", "UPPER", "PLAIN"],
)
async def test_an_id_has_one_spelling(make: Any, doors: Doors, variant: str) -> None:
    good = doors.body("add")["variant_id"]
    written = {"UPPER": f'"{good.upper()}"', "PLAIN": f'"{good.replace("-", "")}"'}.get(variant) or variant.format(good)
    content = json.dumps(doors.body("add") | {"variant_id": "HERE"}).replace('"HERE"', written).encode()
    problem = await refuse(make, doors, "add", content, {422})
    assert [error["field"] for error in problem["errors"]] == ["/variant_id"]


@pytest.mark.parametrize("text", [NUL, HALF, "x" * 3000])
@pytest.mark.parametrize(
    ("route", "path"),
    [
        ("change cart", ["note"]),
        ("change cart", ["contact", "name"]),
        ("change cart", ["contact", "phone"]),
        ("change cart", ["contact", "email"]),
        ("change cart", ["shipping_option"]),
        ("change cart", ["payment_method"]),
        ("quick order", ["note"]),
        ("quick order", ["contact", "name"]),
        ("quick order", ["shipping_address", "name"]),
        ("quick order", ["shipping_address", "line1"]),
        ("quick order", ["shipping_address", "landmark"]),
        ("quick order", ["payment_method"]),
        ("quick order", ["items", 0, "customisation"]),
        ("pay again", ["payment_method"]),
    ],
)
async def test_text_that_cannot_be_stored_or_is_too_long_is_pointed_at(
    make: Any, doors: Doors, route: str, path: list[Any], text: str
) -> None:
    body = doors.body(route)
    inner = body
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = {"engraving": "HERE"} if path[-1] == "customisation" else "HERE"
    problem = await refuse(make, doors, route, json.dumps(body).replace("HERE", text).encode(), {422})
    assert any(error["field"].startswith("/" + "/".join(map(str, path))) for error in problem["errors"])


@pytest.mark.parametrize(
    "total",
    [
        "1",
        '"1"',
        "null",
        "{}",
        '{"amount": 1}',
        '{"amount": 1.5, "currency": "BDT"}',
        '{"amount": "1", "currency": "BDT"}',
        '{"amount": -1, "currency": "BDT"}',
        '{"amount": 1, "currency": "bdt"}',
        '{"amount": 1, "currency": "XXX"}',
        '{"amount": 1, "currency": "BDT\\n"}',
        '{"amount": 1000000000000000000, "currency": "BDT"}',
        '{"amount": 1, "currency": "BDT", "tax": 1}',
    ],
)
async def test_money_has_one_spelling(make: Any, doors: Doors, total: str) -> None:
    await refuse(make, doors, "complete", f'{{"expected_total": {total}}}'.encode(), {422})


async def test_lists_have_limits(make: Any, making: Any, doors: Doors) -> None:
    for route in ("new cart", "quick order"):
        body = doors.body(route)
        body["items"] = body["items"] * 101
        await refuse(make, doors, route, json.dumps(body).encode(), {422})
    empty = doors.body("quick order") | {"items": []}
    await refuse(make, doors, "quick order", json.dumps(empty).encode(), {422})
    many = doors.body("add") | {"customisation": {f"f{n}": "x" for n in range(21)}}
    await refuse(make, doors, "add", json.dumps(many).encode(), {422})


@pytest.mark.parametrize(
    "segment",
    [
        "x",
        "1",
        "%00",
        "..%2f..",
        "০১",
        "urn:uuid:{}",
        "{}%20",
        "UPPER",
        "PLAIN",
        "%ff",
        "a" * 300,
        "{}'--",
        "-1",
        "9" * 40,
    ],
)
async def test_a_path_has_one_spelling_and_everything_else_is_404(
    make: Any, making: Any, buyer: Any, doors: Doors, segment: str
) -> None:
    cart = buyer.cart["id"]
    written = {"UPPER": cart.upper(), "PLAIN": cart.replace("-", "")}.get(segment) or segment.format(cart)
    before = await make.counts()
    line = f"{buyer.at}/items"
    for method, path, body in (
        ("GET", f"/carts/{written}", None),
        ("PATCH", f"/carts/{written}", {"note": "x"}),
        ("POST", f"/carts/{written}/items", doors.body("add")),
        ("PATCH", f"{line}/{written}", {"quantity": 1}),
        ("DELETE", f"{line}/{written}", None),
        ("GET", f"/orders/{written}", None),
    ):
        options = {"headers": buyer.token} | ({"json": body} if body else {})
        answer = await buyer.call(method, path, **options)
        assert answer.status_code in {400, 404}, (method, path, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
    assert await make.counts() == before


@pytest.mark.parametrize(
    "query", ["?x=1", "?token=a&token=b", "?token=%", "?token=%ff", "?token=%00", "?" + "a" * 5000, "?=1"]
)
async def test_a_query_string_is_strict(make: Any, buyer: Any, doors: Doors, query: str) -> None:
    for path in ("/orders/1001", "/categories", buyer.at):
        answer = await buyer.call("GET", path + query, headers=buyer.token)
        if path == "/orders/1001" and answer.status_code == 404:
            continue
        assert answer.status_code in {400, 414, 422}, (path, query, answer.text)


async def test_methods_and_paths_that_do_not_exist(buyer: Any, doors: Doors) -> None:
    for method, path, status in (
        ("PUT", "/carts", 405),
        ("GET", "/quick-orders", 405),
        ("DELETE", buyer.at, 405),
        ("PATCH", "/orders/1001", 405),
        ("GET", "/nothing", 404),
        ("POST", f"{buyer.at}/complete/more", 404),
    ):
        answer = await buyer.call(method, path)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
        if status == 405:
            assert answer.headers["allow"]


@pytest.mark.parametrize(
    "token", ["", " ", "0.", ".x", "১.abc", "\x00", "0." + "A" * 5000, "999999999999.AAAA", "0.\xff"]
)
async def test_a_token_of_any_spelling_is_no_error_of_ours(buyer: Any, doors: Doors, token: str) -> None:
    raw = token.encode("utf-8")
    cart = await buyer.call("GET", buyer.at, headers={b"X-Cart-Token": raw})
    order = await buyer.call("GET", "/orders/1001", headers={b"X-Order-Token": raw})
    assert (cart.status_code, order.status_code) == (404, 404)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=30)
    | st.sampled_from(["cod", "home", "BDT", "01712345678", "BD", "Dhaka", "a@b.co", "\u0000", "১২৩"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def twisted(draw: Any, body: Any) -> Any:
    """An accepted body with some of its parts left out or replaced by anything."""
    if isinstance(body, dict):
        made = {name: draw(twisted(value)) for name, value in body.items() if draw(st.integers(0, 9)) < 9}
        if draw(st.integers(0, 9)) == 0:
            made[draw(st.text(max_size=8))] = draw(VALUES)
        return made
    if isinstance(body, list):
        return [draw(twisted(item)) for item in body]
    return draw(VALUES) if draw(st.integers(0, 3)) == 0 else body


@pytest.mark.parametrize("route", ROUTES)
async def test_no_json_whatsoever_gives_a_5xx(make: Any, doors: Doors, route: str) -> None:
    loop = asyncio.get_running_loop()
    codes: set[int] = set()
    bodies: list[bytes] = []

    @settings(max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(twisted(doors.body(route)) | VALUES)
    def collect(body: Any) -> None:
        bodies.append(json.dumps(body).encode())

    await loop.run_in_executor(None, collect)
    for content in bodies:
        answer = await doors.send(route, content)
        codes.add(answer.status_code)
        assert answer.status_code < 500, (content, answer.text)
    assert codes & {400, 409, 422}
    await make.check_stock()
