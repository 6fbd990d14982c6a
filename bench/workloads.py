"""What buyers do, written against the storefront API's fixed names; the limits answer the same calls at `/`.

Every journey checks its answers: one that is not what a buyer needs fails the workload.
"""

import asyncio
import itertools
import random
import time
import uuid
from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from bench import dataset
from bench.driver import Client, Journey, UnexpectedAnswerError

PREFIX = "/api/store/v1"
PAGE = 24
BUYERS = 200
SAMPLED_PRODUCTS = 600


class Total(Struct):
    """An amount in minor units and its currency."""

    amount: int
    currency: str


class _Totals(Struct):
    total: Total


class _Line(Struct):
    quantity: int


class _Cart(Struct):
    id: str
    items: list[_Line]
    totals: _Totals
    token: str | None = None


class _Id(Struct):
    id: str


class _Page(Struct):
    items: list[Any]


class _Product(Struct):
    variants: list[_Id]
    images: list[Any]


class _Option(Struct):
    code: str


class _Options(Struct):
    items: list[_Option]


class _Order(Struct):
    number: str


class _Placed(Struct):
    order: _Order


class _Problem(Struct):
    code: str = ""


_cart = msgspec.json.Decoder(_Cart).decode
_page = msgspec.json.Decoder(_Page).decode
_product = msgspec.json.Decoder(_Product).decode
_options = msgspec.json.Decoder(_Options).decode
_placed = msgspec.json.Decoder(_Placed).decode
_problem = msgspec.json.Decoder(_Problem).decode


class Rush(Struct, kw_only=True):
    """What 200 buyers of 50 units got, and how long until the last of them knew."""

    seconds: float
    placed: int
    out_of_stock: int
    others: dict[str, int]

    @property
    def is_exact(self) -> bool:
        return self.placed == dataset.HOT_STOCK and self.out_of_stock == BUYERS - dataset.HOT_STOCK


class Buyers:
    """The journeys against one server; `prefix` is where its API begins."""

    def __init__(self, prefix: str, slugs: Sequence[str]) -> None:
        self._prefix = prefix
        self._slugs = slugs
        self._categories = [place.slug for place in dataset.categories()]
        self._variants: list[str] = []
        self._chance = random.Random(dataset.SEED)
        self._numbers = itertools.count(1)
        self._run = uuid.uuid4().hex

    async def prepare(self, client: Client, journeys: Sequence[Journey], times: int) -> None:
        """Look at the pages as a buyer would: they must be complete, and they give the variants to buy.

        Then go each of the journeys so many times.
        """
        for slug in self._chance.sample(self._slugs, min(SAMPLED_PRODUCTS, len(self._slugs))):
            body = await client.ask("GET", f"{self._prefix}/products/{slug}")
            found = _product(body)
            if len(found.variants) != dataset.VARIANTS_PER_PRODUCT or len(found.images) != 1:
                raise UnexpectedAnswerError(200, f"product {slug} lacks variants or its image", body)
            self._variants += [variant.id for variant in found.variants]
        body = await client.ask("GET", f"{self._prefix}/products?category={self._categories[0]}&sort=newest")
        if len(_page(body).items) != min(PAGE, len(self._slugs) // len(self._categories)):
            raise UnexpectedAnswerError(200, "the list is not a full page", body)
        for journey in journeys:
            for _ in range(times):
                await journey(client)
        client.close()

    async def static(self, client: Client) -> None:
        await client.ask("GET", f"{self._prefix}/static")

    async def newest(self, client: Client) -> None:
        """The 24 newest of a category."""
        category = self._chance.choice(self._categories)
        await client.ask("GET", f"{self._prefix}/products?category={category}&sort=newest")

    async def product(self, client: Client) -> None:
        """One product page, any of them alike."""
        await client.ask("GET", f"{self._prefix}/products/{self._chance.choice(self._slugs)}")

    async def cart(self, client: Client) -> None:
        """Create, three times add, read: 5 requests."""
        path, token, _ = await self._new_cart(client)
        for variant in self._chance.sample(self._variants, 3):
            await self._add(client, path, variant, token)
        answer = await client.ask("GET", path, headers=token)
        if sum(line.quantity for line in _cart(answer).items) != 3:
            raise UnexpectedAnswerError(200, f"GET {path}: not three pieces", answer)

    async def checkout(self, client: Client) -> None:
        """Step by step to a placed order, cash on delivery: 9 requests."""
        path, token, phone = await self._new_cart(client)
        await self._add(client, path, self._chance.choice(self._variants), token)
        await client.ask("PATCH", path, {"contact": _contact(phone)}, token)
        await client.ask("PATCH", path, {"shipping_address": _address(phone)}, token)
        shipping = _options(await client.ask("GET", f"{path}/shipping-options", headers=token)).items[0].code
        await client.ask("PATCH", path, {"shipping_option": shipping}, token)
        methods = _options(await client.ask("GET", f"{path}/payment-methods", headers=token)).items
        method = next(method.code for method in methods if method.code == "cod")
        cart = _cart(await client.ask("PATCH", path, {"payment_method": method}, token))
        await self._complete(client, f"{path}/complete", {"expected_total": cart.totals.total}, token)

    async def order(self, client: Client) -> None:
        """The one-POST order."""
        await self._complete(client, f"{self._prefix}/quick-orders", self._quick(self._chance.choice(self._variants)))

    async def rush(self, clients: Sequence[Client], slug: str) -> Rush:
        """Everybody wants the same variant at the same moment; connections are open before the clock starts."""
        await asyncio.gather(*(client.connect() for client in clients))
        page = await clients[0].ask("GET", f"{self._prefix}/products/{slug}")
        variant = _product(page).variants[0].id
        bodies = [self._quick(variant) for _ in clients]
        begin = time.perf_counter()
        results = await asyncio.gather(*map(self._try_to_buy, clients, bodies))
        seconds = time.perf_counter() - begin
        for client in clients:
            client.close()
        counts = Counter(results)
        placed, refused = counts.pop("placed", 0), counts.pop("409 out_of_stock", 0)
        return Rush(seconds=seconds, placed=placed, out_of_stock=refused, others=dict(counts))

    async def _try_to_buy(self, client: Client, body: dict[str, Any]) -> str:
        try:
            answer = await client.send("POST", f"{self._prefix}/quick-orders", body, self._key())
        except (OSError, TimeoutError) as error:
            return type(error).__name__
        if answer.status == 201:
            return "placed"
        return f"{answer.status} {_problem(answer.body).code}" if answer.body[:1] == b"{" else str(answer.status)

    async def _new_cart(self, client: Client) -> tuple[str, str, str]:
        """The cart's path, its token as a header line, and a phone that no other buyer has."""
        cart = _cart(await client.ask("POST", f"{self._prefix}/carts", {}, expect=201))
        return f"{self._prefix}/carts/{cart.id}", f"x-cart-token: {cart.token}\r\n", self._phone()

    async def _add(self, client: Client, path: str, variant: str, token: str) -> None:
        await client.ask("POST", f"{path}/items", {"variant_id": variant, "quantity": 1}, token)

    async def _complete(self, client: Client, path: str, body: dict[str, Any], headers: str = "") -> None:
        answer = await client.ask("POST", path, body, headers + self._key(), expect=201)
        if not _placed(answer).order.number:
            raise UnexpectedAnswerError(201, f"POST {path}: no order number", answer)

    def _quick(self, variant: str) -> dict[str, Any]:
        phone = self._phone()
        return {
            "items": [{"variant_id": variant, "quantity": 1}],
            "contact": _contact(phone),
            "shipping_address": _address(phone),
            "payment_method": "cod",
        }

    def _phone(self) -> str:
        return f"+88017{next(self._numbers):08d}"

    def _key(self) -> str:
        return f"idempotency-key: {self._run}-{next(self._numbers)}\r\n"


def _contact(phone: str) -> dict[str, str]:
    return {"name": "Rahima Khatun", "phone": phone}


def _address(phone: str) -> dict[str, str]:
    return {
        "name": "Rahima Khatun",
        "phone": phone,
        "country_code": "BD",
        "admin1": "Dhaka",
        "admin2": "Dhaka",
        "admin3": "Dhanmondi",
        "line1": "House 12, Road 5",
    }
