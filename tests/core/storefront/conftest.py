"""A catalogue to look at, made by the services that merchants use."""

import itertools
from collections.abc import Callable
from typing import Any
from uuid import UUID

import httpx
import pytest

from shopkit.bootstrap import Shop
from shopkit.core.catalog import categories, projections, service
from shopkit.core.catalog.schemas import NewCategory, NewPrice, NewProduct, ProductTexts, Texts
from shopkit.core.inventory import service as inventory
from shopkit.core.kernel.scope import Scope

API = "/api/store/v1"
_numbers = itertools.count(1)


class Catalogue:
    """What is for sale in one tenant's store."""

    def __init__(self, shop: Shop, scope: Scope) -> None:
        self.shop = shop
        self.scope = scope

    async def category(self, name: str, *, parent: UUID | None = None, **fields: Any) -> UUID:
        async with self.shop.uow(self.scope) as uow:
            return await categories.create_category(uow, NewCategory(name=name, parent_id=parent, **fields))

    async def category_in_bangla(self, category: UUID, name: str) -> None:
        async with self.shop.uow(self.scope) as uow:
            await categories.translate_category(uow, category, "bn", Texts(name=name))

    async def product(
        self,
        title: str = "",
        *,
        category: UUID | None = None,
        price: int | None = 100_00,
        compare_at: int | None = None,
        stock: int = 5,
        options: dict[str, list[str]] | None = None,
        is_published: bool = True,
        bn: dict[str, str] | None = None,
        **fields: Any,
    ) -> UUID:
        """A published product; `stock` units of each variant."""
        new = NewProduct(
            title=title or f"Thing {next(_numbers)}",
            category_ids=[category] if category else [],
            amount=price,
            compare_at=compare_at,
            options=options or {},
            **fields,
        )
        async with self.shop.uow(self.scope) as uow:
            product = await service.create_product(uow, new)
            if is_published:
                await service.publish(uow, product)
            if bn:
                await service.translate_product(uow, product, "bn", ProductTexts(**bn))
            if stock:
                for variant in await uow.sql.fetch("SELECT id FROM product_variants WHERE product_id = $1", product):
                    await inventory.receive(uow, variant["id"], stock)
        return product

    async def price(self, product: UUID, amount: int, *, starts: str = "", ends: str = "", **fields: Any) -> None:
        """One more price; `starts` and `ends` are intervals from now, such as `-1 hour`."""
        async with self.shop.uow(self.scope) as uow:
            starts_at = await uow.sql.fetchval("SELECT now() + $1::text::interval", starts) if starts else None
            ends_at = await uow.sql.fetchval("SELECT now() + $1::text::interval", ends) if ends else None
            new = NewPrice(amount=amount, starts_at=starts_at, ends_at=ends_at, **fields)
            await service.set_price(uow, product, new)

    async def sql(self, statement: str, *arguments: Any) -> list[Any]:
        """Run one statement as the app role inside the tenant."""
        async with self.shop.uow(self.scope) as uow:
            return await uow.sql.fetch(statement, *arguments)

    async def variants(self, product: UUID) -> dict[str, UUID]:
        """Title to id."""
        rows = await self.sql("SELECT id, title FROM product_variants WHERE product_id = $1", product)
        return {row["title"]: row["id"] for row in rows}

    async def refresh(self, *products: UUID) -> None:
        """What lists read is brought up to date."""
        async with self.shop.uow(self.scope) as uow:
            await projections.refresh(uow.sql, products)

    async def picture(self, product: UUID, path: str, *, alt: str = "", alt_bn: str = "", position: int = 0) -> UUID:
        (row,) = await self.sql(
            """
            WITH asset AS (
                INSERT INTO media_assets (path, content_type, content_hash, size_bytes, width, height, alt,
                    alt_translations)
                VALUES ($2, 'image/jpeg', $2, 1, 800, 600, $3, jsonb_build_object('bn', $4::text)) RETURNING id)
            INSERT INTO product_media (product_id, media_id, position) SELECT $1, id, $5 FROM asset RETURNING media_id
            """,
            product, path, alt, alt_bn, position,
        )  # fmt: skip
        return row["media_id"]


@pytest.fixture
def catalogue(shop: Shop, scope: Scope) -> Catalogue:
    return Catalogue(shop, scope)


class Visitor:
    """Somebody who looks around."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def get(self, path: str, **options: Any) -> httpx.Response:
        return await self.client.get(API + path, **options)

    async def read(self, path: str, *, locale: str = "en", status: int = 200, **query: Any) -> dict[str, Any]:
        """The JSON at an address, whose status must be this."""
        answer = await self.get(path, params=query, headers={"Accept-Language": locale})
        assert answer.status_code == status, answer.text
        return answer.json()

    async def slugs(self, **query: Any) -> list[str]:
        """The slugs of one page of the list."""
        return [item["slug"] for item in (await self.read("/products", **query))["items"]]

    async def pages(self, **query: Any) -> list[list[str]]:
        """The slugs of all pages."""
        found, cursor = [], None
        while True:
            page = await self.read("/products", **query, **({"cursor": cursor} if cursor else {}))
            found.append([item["slug"] for item in page["items"]])
            cursor = page["next_cursor"]
            if cursor is None:
                return found


@pytest.fixture
def visitor(client: httpx.AsyncClient) -> Visitor:
    return Visitor(client)


@pytest.fixture
def fault_codes() -> Callable[[dict[str, Any]], dict[str, str]]:
    """Field to code of a problem."""
    return lambda problem: {error["field"]: error["code"] for error in problem["errors"]}
