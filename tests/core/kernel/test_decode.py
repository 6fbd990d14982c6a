"""Every default of the stack that breaks I50, I53 or I54 is closed (`invariants.md` 12): over HTTP, and in pieces."""

import json
import unicodedata
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal
from urllib.parse import quote
from uuid import UUID

import httpx
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from litestar import Litestar, Request, get, post
from litestar.params import FromHeader, FromPath, FromQuery, JSONBody, URLEncodedBody
from msgspec import Meta, Struct

from shopkit.core.kernel.decode import (
    Command,
    Exact,
    GivenMoney,
    Id,
    Instant,
    Line,
    NoQuery,
    Query,
    View,
    Wrong,
    decode_pairs,
    decode_query,
    decoder_of,
    parse_id,
    parse_segment,
)
from shopkit.sdk.errors import BadRequest, Invalid, NotFound
from shopkit.web.edge import Edge, HeadAsGet

ID = "018f3a3c-1111-7abc-8def-001122334455"
JSON = {"content-type": "application/json"}
SPELLINGS = [
    "১২",
    "1_0",
    "+5",
    f"urn:uuid:{ID}",
    ID.replace("-", ""),
    ID.upper(),
    f"{{{ID}}}",
    f"{ID}\n",
    f" {ID}",
    f"{ID}\x00",
    "",
    "null",
    ID.replace("0", "০"),
]


class Item(Command):
    variant_id: Id
    quantity: Annotated[int, Meta(ge=1, le=1000)]


class Contact(Command, kw_only=True):
    name: Line
    phone: str
    email: str | None = None

    def __post_init__(self) -> None:
        if not self.phone.startswith("+880"):
            raise Wrong("invalid_phone", "phone")


class Order(Command, kw_only=True):
    items: Annotated[list[Item], Meta(min_length=1, max_length=100)] = msgspec.field(default_factory=list)
    contact: Contact | None = None
    note: Annotated[str, Meta(max_length=20)] | None = None
    is_gift: bool = False
    pay_by: Literal["cod", "bank"] = "cod"
    deliver_at: Instant | None = None
    weight: Exact | None = None
    expected_total: GivenMoney | None = None
    labels: dict[str, str] | None = None


class Sort(StrEnum):
    NEWEST = "newest"
    PRICE = "price"


class ListQuery(Query, kw_only=True):
    limit: Annotated[int, Meta(ge=1, le=100)] = 24
    page: Annotated[int, Meta(ge=1)] = 1
    q: Annotated[str, Meta(max_length=50)] | None = None
    in_stock: bool | None = None
    sort: Sort = Sort.NEWEST
    kind: Literal["a", "b"] | None = None
    after: Id | None = None
    rate: Exact | None = None
    min_price: int | None = None


class Echo(View):
    seen: Any


@post("/orders")
async def place(data: JSONBody[Order]) -> Echo:
    return Echo(seen=msgspec.to_builtins(data))


@post("/optional")
async def optional(data: JSONBody[Order | None] = None) -> Echo:
    return Echo(seen=None if data is None else "a body")


@get("/things/{thing_id:str}")
async def thing(thing_id: FromPath[str]) -> Echo:
    return Echo(seen=str(parse_id(thing_id)))


@get("/things", query=ListQuery)
async def things(request: Request[Any, Any, Any]) -> Echo:
    return Echo(seen=msgspec.to_builtins(decode_query(request, ListQuery)))


@get("/plain", opt={"query": NoQuery})
async def plain() -> Echo:
    return Echo(seen=None)


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = HeadAsGet(Litestar([place, optional, thing, things, plain], plugins=[Edge(max_body_bytes=10_000)]))
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as client:
        yield client


def assert_problem(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    assert problem["code"] == code
    assert problem["status"] == status
    return problem


def fields(problem: dict[str, Any]) -> list[tuple[str, str]]:
    return sorted((error["field"], error["code"]) for error in problem.get("errors", []))


async def post_json(client: httpx.AsyncClient, body: str | bytes, path: str = "/orders") -> httpx.Response:
    return await client.post(path, content=body, headers=JSON)


# Bodies: the media type


@pytest.mark.parametrize(
    "declared",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/json; charset=latin-1",
        "application/json; charset=utf-8; x=1",
        "application/jsonp",
        "application/problem+json",
        "application/json, text/plain",
        "",
    ],
)
async def test_json_under_any_other_content_type_is_refused(client: httpx.AsyncClient, declared: str) -> None:
    response = await client.post("/orders", content=b"{}", headers={"content-type": declared})
    assert_problem(response, 415, "unsupported_media_type")


@pytest.mark.parametrize(
    "declared", ["application/json", "application/json;charset=utf-8", 'application/json; charset="UTF-8"']
)
async def test_json_in_utf_8_is_taken(client: httpx.AsyncClient, declared: str) -> None:
    response = await client.post("/orders", content=b"{}", headers={"content-type": declared})
    assert response.status_code == 201, response.text


async def test_a_body_without_a_content_type_is_refused(client: httpx.AsyncClient) -> None:
    assert_problem(await client.post("/orders", content=b"{}"), 415, "unsupported_media_type")


async def test_two_content_types_are_refused(client: httpx.AsyncClient) -> None:
    headers = [("content-type", "application/json"), ("content-type", "text/plain")]
    assert_problem(await client.post("/orders", content=b"{}", headers=headers), 415, "unsupported_media_type")


async def test_a_compressed_body_is_refused(client: httpx.AsyncClient) -> None:
    response = await client.post("/orders", content=b"{}", headers={**JSON, "content-encoding": "gzip"})
    assert_problem(response, 415, "unsupported_media_type")


async def test_a_missing_body_is_named_and_an_optional_one_may_be_missing(client: httpx.AsyncClient) -> None:
    assert_problem(await client.post("/orders"), 400, "malformed_json")
    assert_problem(await client.post("/orders", headers=JSON), 400, "malformed_json")
    assert (await client.post("/optional")).json() == {"seen": None}
    assert (await post_json(client, "{}", "/optional")).json() == {"seen": "a body"}
    assert_problem(await client.post("/optional", content=b"{}"), 415, "unsupported_media_type")


# Bodies: size and depth


async def test_a_body_over_the_limit_is_refused_whatever_its_length_header_says(client: httpx.AsyncClient) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b" " * 1000

    assert_problem(await post_json(client, b" " * 10_001), 413, "payload_too_large")
    assert_problem(await client.post("/orders", content=chunks(), headers=JSON), 413, "payload_too_large")


@pytest.mark.parametrize("bracket", ["[", '{"a":', '{"labels":['])
async def test_deep_nesting_is_refused(client: httpx.AsyncClient, bracket: str) -> None:
    assert_problem(await post_json(client, bracket * 500), 400, "malformed_json")


def test_a_hundred_thousand_levels_are_refused_at_once() -> None:
    with pytest.raises(BadRequest) as refused:
        decoder_of(Order).decode(b"[" * 100_000)
    assert refused.value.error_code == "malformed_json"


def test_brackets_in_text_and_many_shallow_objects_are_not_depth() -> None:
    items = [{"variant_id": ID, "quantity": 1}] * 100
    made = decoder_of(Order).decode(json.dumps({"items": items, "labels": {"a": '[[[[{{{{\\"[[' * 10}}).encode())
    assert len(made.items) == 100


def test_a_hostile_run_of_quotes_costs_linear_time() -> None:
    body = b'["' + b'\\"' * 400_000 + b"[" * 40
    started = datetime.now(UTC)
    with pytest.raises(BadRequest):
        decoder_of(Order).decode(body)
    assert (datetime.now(UTC) - started).total_seconds() < 1


# Bodies: JSON itself


@pytest.mark.parametrize(
    "body",
    [
        b'{"note": "\xff"}',
        b'{"note": "\xed\xa0\x80"}',
        '{"note": "x"}'.encode("utf-16"),
        b"\xef\xbb\xbf{}",
        b"{",
        b"{} {}",
        b"{'note': 1}",
        b'{"note": NaN}',
        b'{"items": [{"quantity": Infinity}]}',
        b'{"items": [{"quantity": -Infinity}]}',
        b'{"items": [{"quantity": 01}]}',
        b'{"items": [{"quantity": +1}]}',
        b'{"items": [{"quantity": 1_0}]}',
        '{"items": [{"quantity": ১২}]}'.encode(),
        b'{"note": "a\nb"}',
        b'{"note": "a\x00b"}',
        b'{"note": "x",}',
        b"// nothing\n{}",
    ],
)
async def test_what_is_not_json_in_utf_8_is_malformed(client: httpx.AsyncClient, body: bytes) -> None:
    assert_problem(await post_json(client, body), 400, "malformed_json")


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ('{"price": 1}', "/price", "unknown_field"),
        ('{"contact": {"name": "a", "phone": "+8801", "role": "admin"}}', "/contact/role", "unknown_field"),
        ('{"note": "a", "note": "b"}', "/note", "duplicate_field"),
        ('{"note": "a", "n\\u006fte": "b"}', "/note", "duplicate_field"),
        ('{"contact": {"name": "a", "name": "a", "phone": "+8801"}}', "/contact/name", "duplicate_field"),
        ('{"is_gift": "true"}', "/is_gift", "not_a_boolean"),
        ('{"is_gift": 1}', "/is_gift", "not_a_boolean"),
        ('{"note": 7}', "/note", "not_text"),
        ('{"note": ["a"]}', "/note", "not_text"),
        ('{"note": "%s"}' % ("x" * 21), "/note", "too_long"),
        ('{"pay_by": "card"}', "/pay_by", "not_one_of"),
        ('{"pay_by": null}', "/pay_by", "required"),
        ('{"items": {}}', "/items", "not_a_list"),
        ('{"items": []}', "/items", "too_few"),
        (json.dumps({"items": [1] * 101}), "/items", "too_many"),
        ('{"contact": []}', "/contact", "not_an_object"),
        ('{"contact": {"name": "", "phone": "+8801"}}', "/contact/name", "required"),
        ('{"contact": {"name": "a\\nBcc: x", "phone": "+8801"}}', "/contact/name", "invalid_format"),
        ('{"contact": {"name": "a\\n", "phone": "+8801"}}', "/contact/name", "invalid_format"),
        ('{"contact": {"name": "a", "phone": "017"}}', "/contact/phone", "invalid_phone"),
        ('{"contact": {"name": "a"}}', "/contact/phone", "required"),
        ('{"expected_total": {"amount": -1, "currency": "BDT"}}', "/expected_total/amount", "too_small"),
        ('{"expected_total": {"amount": 10.00, "currency": "BDT"}}', "/expected_total/amount", "not_a_number"),
        ('{"expected_total": {"amount": 1, "currency": "bdt"}}', "/expected_total/currency", "invalid_format"),
        ('{"expected_total": {"amount": 1, "currency": "XXX"}}', "/expected_total/currency", "unknown_currency"),
        ('{"labels": {"a/b~c": 1}}', "/labels/a~1b~0c", "not_text"),
        ("[]", "", "not_an_object"),
        ("null", "", "required"),
        ("7", "", "not_an_object"),
    ],
)
async def test_each_wrong_field_gets_its_pointer_and_code(
    client: httpx.AsyncClient, body: str, field: str, code: str
) -> None:
    assert fields(assert_problem(await post_json(client, body), 422, "invalid")) == [(field, code)]


@pytest.mark.parametrize(
    ("number", "code"),
    [
        ('"7"', "not_a_number"),
        ("7.0", "not_a_number"),
        ("7.5", "not_a_number"),
        ("1e2", "not_a_number"),
        ("1E2", "not_a_number"),
        ("1e999999", "not_a_number"),
        ("true", "not_a_number"),
        ('"১২"', "not_a_number"),
        ("null", "required"),
        ("0", "too_small"),
        ("-1", "too_small"),
        ("1001", "too_large"),
        ("9223372036854775808", "too_large"),
        ("1" * 30, "too_large"),
        ("-" + "1" * 5000, "too_large"),
    ],
)
async def test_an_integer_has_one_spelling_and_a_range(client: httpx.AsyncClient, number: str, code: str) -> None:
    body = f'{{"items": [{{"variant_id": "{ID}", "quantity": {number}}}]}}'
    assert fields(assert_problem(await post_json(client, body), 422, "invalid")) == [("/items/0/quantity", code)]


@pytest.mark.parametrize("spelling", [text for text in SPELLINGS if text])
async def test_an_id_in_a_body_has_one_spelling(client: httpx.AsyncClient, spelling: str) -> None:
    body = json.dumps({"items": [{"variant_id": spelling, "quantity": 1}]})
    problem = assert_problem(await post_json(client, body), 422, "invalid")
    assert fields(problem)[0][0] == "/items/0/variant_id"


@pytest.mark.parametrize(
    "text",
    [
        *("NaN", "sNaN", "Infinity", "-Infinity", "1e999999", "1E5", "1_000", "১২.৫", "１２", "+1", " 1", "1 ", "1\n"),
        *(".5", "5.", "01", "0x1", "1,5", "--1", "9" * 16, "0." + "1" * 10),
    ],
)
async def test_a_decimal_has_one_spelling(client: httpx.AsyncClient, text: str) -> None:
    problem = assert_problem(await post_json(client, json.dumps({"weight": text})), 422, "invalid")
    assert fields(problem) == [("/weight", "not_a_decimal")]


async def test_a_decimal_is_text_and_never_a_number(client: httpx.AsyncClient) -> None:
    for body in ('{"weight": 1.5}', '{"weight": 1}', '{"weight": 1e999999}'):
        assert fields(assert_problem(await post_json(client, body), 422, "invalid")) == [("/weight", "not_a_decimal")]
    assert decoder_of(Order).decode(b'{"weight": "-12.50"}').weight == Decimal("-12.50")


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-31T18:00:00",
        "2026-01-31",
        "2026-01-31 18:00:00Z",
        "2026-02-30T00:00:00Z",
        "2026-01-31T18:00:60Z",
        "2026-01-31T18:00Z",
        "২০২৬-01-31T18:00:00Z",
        "0001-01-01T00:00:00+23:00",
        "9999-12-31T23:59:59-01:00",
        "1767225600",
        "20260131T180000Z",
    ],
)
async def test_a_naive_or_odd_time_is_refused(client: httpx.AsyncClient, text: str) -> None:
    problem = assert_problem(await post_json(client, json.dumps({"deliver_at": text})), 422, "invalid")
    assert fields(problem) == [("/deliver_at", "not_a_time")]


def test_a_time_with_an_offset_becomes_utc() -> None:
    made = decoder_of(Order).decode(b'{"deliver_at": "2026-01-31T18:00:00.5+06:00"}')
    assert made.deliver_at == datetime(2026, 1, 31, 12, 0, 0, 500_000, tzinfo=UTC)
    assert made.deliver_at is not None and made.deliver_at.utcoffset() == UTC.utcoffset(None)


@pytest.mark.parametrize("text", ["a\\u0000b", "\\ud800", "\\udc00\\ud800", "কখ\\u0000"])
async def test_text_has_no_nul_and_no_half_surrogate(client: httpx.AsyncClient, text: str) -> None:
    body = f'{{"note": "{text}"}}'.encode()
    assert fields(assert_problem(await post_json(client, body), 422, "invalid")) == [("/note", "invalid_text")]
    body = f'{{"labels": {{"{text}": "x"}}}}'.encode()
    assert fields(assert_problem(await post_json(client, body), 422, "invalid")) == [("/labels", "invalid_text")]


async def test_a_name_that_cannot_be_written_is_still_answered(client: httpx.AsyncClient) -> None:
    problem = assert_problem(await post_json(client, b'{"\\ud800": 1, "%s": 2}' % (b"x" * 500)), 422, "invalid")
    assert len(problem["errors"]) <= 2


@pytest.mark.parametrize("text", ["e\u0301", "\u09df", "\u0995\u09cb", "\u1100\u1161", "\u212b"])
def test_text_is_normalised_to_nfc_raw_or_escaped(text: str) -> None:
    expected = unicodedata.normalize("NFC", text)
    for ensure_ascii in (True, False):
        body = json.dumps({"note": text, "labels": {text: text}}, ensure_ascii=ensure_ascii).encode()
        made = decoder_of(Order).decode(body)
        assert made.note == expected
        assert made.labels == {expected: expected}


def test_names_that_are_equal_only_after_normalising_are_duplicates() -> None:
    for ensure_ascii in (True, False):
        body = json.dumps({"labels": {"é": "1", "e\u0301": "2"}}, ensure_ascii=ensure_ascii).encode()
        with pytest.raises(Invalid) as refused:
            decoder_of(Order).decode(body)
        assert [error.code for error in refused.value.errors] == ["duplicate_field"]


async def test_all_wrong_fields_are_named_at_once(client: httpx.AsyncClient) -> None:
    body = {
        "items": [{"variant_id": ID, "quantity": 0}, {"quantity": "1"}, {"variant_id": ID, "quantity": 1, "price": 5}],
        "contact": {"phone": 7},
        "pay_by": "gold",
        "owner": "me",
    }
    assert fields(assert_problem(await post_json(client, json.dumps(body)), 422, "invalid")) == [
        ("/contact/name", "required"),
        ("/contact/phone", "not_text"),
        ("/items/0/quantity", "too_small"),
        ("/items/1/quantity", "not_a_number"),
        ("/items/1/variant_id", "required"),
        ("/items/2/price", "unknown_field"),
        ("/owner", "unknown_field"),
        ("/pay_by", "not_one_of"),
    ]


def test_no_more_than_fifty_wrong_fields_are_named() -> None:
    body = json.dumps({f"x{number}": 1 for number in range(500)}).encode()
    with pytest.raises(Invalid) as refused:
        decoder_of(Order).decode(body)
    assert len(refused.value.errors) == 50


def test_an_echoed_formatted_price_is_ignored() -> None:
    body = b'{"expected_total": {"amount": 129900, "currency": "BDT", "formatted": "\\u09f31,299.00"}}'
    total = decoder_of(Order).decode(body).expected_total
    assert total is not None and (total.money.amount, total.money.currency) == (129900, "BDT")


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=100).map(lambda text: text.encode("utf-8", "replace")))
def test_any_bytes_are_decoded_or_refused(body: bytes) -> None:
    try:
        decoder_of(Order).decode(body)
    except (BadRequest, Invalid) as refused:
        msgspec.json.encode(refused.errors)


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text() | st.sampled_from(Order.__struct_fields__), inner)
    ),
    max_leaves=20,
)


@settings(max_examples=300, deadline=None)
@given(_values, st.booleans())
def test_any_json_is_decoded_or_refused(value: Any, ensure_ascii: bool) -> None:
    body = json.dumps(value, ensure_ascii=ensure_ascii).encode("utf-8", "surrogatepass")
    try:
        decoder_of(Order).decode(body)
    except (BadRequest, Invalid) as refused:
        msgspec.json.encode(refused.errors)


# Ids and other parts of paths


@pytest.mark.parametrize("spelling", SPELLINGS)
async def test_an_id_in_a_path_has_one_spelling(client: httpx.AsyncClient, spelling: str) -> None:
    with pytest.raises(NotFound):
        parse_id(spelling)
    if spelling:
        assert_problem(await client.get(f"/things/{quote(spelling, safe='')}"), 404, "not_found")


async def test_the_canonical_id_is_found(client: httpx.AsyncClient) -> None:
    assert parse_id(ID) == UUID(ID)
    assert (await client.get(f"/things/{ID}")).json() == {"seen": ID}


def test_a_segment_is_nfc_and_has_no_control_characters() -> None:
    assert parse_segment("ড়") == "ড\u09bc" == unicodedata.normalize("NFC", "\u09dc")
    assert parse_segment("ক্\u200dষ")
    for bad in ("", "a\x00", "a\nb", "x" * 201, "\ufffd", "\x85"):
        with pytest.raises(NotFound):
            parse_segment(bad)


# Query strings


async def test_a_query_is_decoded_with_its_defaults(client: httpx.AsyncClient) -> None:
    seen = (await client.get("/things")).json()["seen"]
    assert (seen["limit"], seen["page"], seen["q"], seen["sort"]) == (24, 1, None, "newest")
    answer = await client.get(f"/things?limit=5&q=%E0%A6%AC%E0%A6%87+x&in_stock=true&sort=price&kind=b&after={ID}")
    seen = answer.json()["seen"]
    assert (seen["limit"], seen["q"], seen["in_stock"], seen["sort"], seen["after"]) == (5, "বই x", True, "price", ID)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("page=-1", "too_small"),
        ("page=0", "too_small"),
        ("limit=101", "too_large"),
        ("limit=" + "9" * 30, "too_large"),
        ("min_price=" + "9" * 30, "too_large"),
        ("min_price=-" + "9" * 4000, "too_large"),
        ("limit=%E0%A7%A7%E0%A7%A8", "not_a_number"),
        ("limit=1_0", "not_a_number"),
        ("limit=%2B5", "not_a_number"),
        ("limit=+5", "not_a_number"),
        ("limit=05", "not_a_number"),
        ("limit=5.0", "not_a_number"),
        ("limit=1e1", "not_a_number"),
        ("limit=0x10", "not_a_number"),
        ("limit=true", "not_a_number"),
        ("limit=", "required"),
        ("in_stock=1", "not_a_boolean"),
        ("in_stock=True", "not_a_boolean"),
        ("sort=random", "not_one_of"),
        ("kind=c", "not_one_of"),
        ("q=a%00b", "invalid_text"),
        ("q=" + "x" * 51, "too_long"),
        ("after=" + ID.upper(), "not_an_id"),
        ("rate=NaN", "not_a_decimal"),
        ("rate=1e999999", "not_a_decimal"),
        ("rate=%E0%A7%A7", "not_a_decimal"),
        ("offset=5", "unknown_field"),
        ("limit=5&limit=5", "duplicate_field"),
        ("l%69mit=5&limit=6", "duplicate_field"),
    ],
)
async def test_each_wrong_parameter_gets_its_name_and_code(client: httpx.AsyncClient, query: str, code: str) -> None:
    problem = assert_problem(await client.get(f"/things?{query}"), 422, "invalid")
    name = query.partition("=")[0].replace("%69", "i")
    assert fields(problem) == [(f"?{name}", code)]


@pytest.mark.parametrize("query", [b"q=%ff", b"q=%zz", b"q=%", b"limit", b"=5", b"limit=5&", b"&limit=5", b"q=\xff"])
def test_a_broken_query_string_is_malformed(query: bytes) -> None:
    with pytest.raises(BadRequest) as refused:
        decode_pairs(query, ListQuery)
    assert refused.value.error_code == "malformed_query"


def test_a_query_string_is_bounded() -> None:
    for query in (b"q=" + b"x" * 5000, b"&".join([b"q=1"] * 51)):
        with pytest.raises(BadRequest) as refused:
            decode_pairs(query, ListQuery)
        assert refused.value.status == 414


async def test_a_route_that_takes_no_query_refuses_one(client: httpx.AsyncClient) -> None:
    assert (await client.get("/plain")).status_code == 200
    problem = assert_problem(await client.get("/plain?debug=1"), 422, "invalid")
    assert fields(problem) == [("?debug", "unknown_field")]


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=100).map(lambda raw: raw.replace(b"#", b"")))
def test_any_query_string_is_decoded_or_refused(raw: bytes) -> None:
    try:
        decode_pairs(raw, ListQuery)
    except (BadRequest, Invalid) as refused:
        msgspec.json.encode(refused.errors)


# Methods


async def test_head_answers_like_get_without_content(client: httpx.AsyncClient) -> None:
    got, head = await client.get(f"/things/{ID}"), await client.head(f"/things/{ID}")
    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["content-length"] == got.headers["content-length"]
    assert (await client.head("/things/nothing")).status_code == 404
    assert (await client.head("/orders")).status_code == 405


async def test_allow_names_head_beside_get(client: httpx.AsyncClient) -> None:
    assert (await client.delete("/things")).headers["allow"] == "GET, HEAD, OPTIONS"
    assert (await client.options("/things")).headers["allow"] == "GET, HEAD, OPTIONS"
    assert (await client.get("/orders")).headers["allow"] == "OPTIONS, POST"


# What a programmer may not write


@pytest.mark.parametrize(
    ("type_", "word"),
    [
        (float, "Exact"),
        (Decimal, "Exact"),
        (UUID, "Id"),
        (datetime, "Instant"),
        (Any, "what it is"),
        (dict, "what it holds"),
        (list[float], "Exact"),
        (dict[str, Any], "what it is"),
        (UUID | None, "Id"),
        (msgspec.defstruct("Loose", [("x", int)]), "unknown fields"),
    ],
)
def test_a_command_of_loose_types_is_refused_at_start(type_: Any, word: str) -> None:
    loose = msgspec.defstruct("Given", [("field", type_)], bases=(Command,), frozen=True, kw_only=True)
    with pytest.raises(TypeError, match=word):
        decoder_of(loose)


class Plain(Struct):
    x: int


@post("/bad")
async def takes_a_plain_struct(data: JSONBody[Plain]) -> None: ...


@post("/bad")
async def takes_a_form(data: URLEncodedBody[Order]) -> None: ...


@post("/bad")
async def takes_null(data: JSONBody[Order | None]) -> None: ...


@get("/bad")
async def takes_a_loose_parameter(limit: FromQuery[int]) -> None: ...


@get("/bad")
async def takes_a_loose_header(x_count: FromHeader[int]) -> None: ...


@get("/bad/{number:int}")
async def takes_an_integer_path(number: FromPath[int]) -> None: ...


@get("/bad/{thing_id:uuid}")
async def takes_a_loose_id(thing_id: FromPath[UUID]) -> None: ...


@pytest.mark.parametrize(
    "handler",
    [
        takes_a_plain_struct,
        takes_a_form,
        takes_null,
        takes_a_loose_parameter,
        takes_a_loose_header,
        takes_an_integer_path,
        takes_a_loose_id,
    ],
)
def test_a_route_that_goes_round_the_decoder_stops_the_start(handler: Any) -> None:
    with pytest.raises(TypeError):
        Litestar([handler], plugins=[Edge()])
