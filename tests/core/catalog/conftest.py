"""A transaction to work in, and products made in a line."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest

from shopkit.bootstrap import Shop
from shopkit.core.catalog import service
from shopkit.core.catalog.schemas import NewProduct
from shopkit.core.kernel.scope import Scope
from shopkit.core.kernel.uow import Uow


@pytest.fixture
async def uow(shop: Shop, scope: Scope) -> AsyncIterator[Uow]:
    async with shop.uow(scope) as opened:
        yield opened


@pytest.fixture
def make_product(uow: Uow) -> Callable[..., Awaitable[UUID]]:
    async def run(**fields: Any) -> UUID:
        return await service.create_product(uow, NewProduct(**{"title": "Linen Shirt", "amount": 100_000, **fields}))

    return run
