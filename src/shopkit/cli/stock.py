"""`shopkit stock`: look at levels, receive goods, correct counts."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import rich_click as click

from shopkit.bootstrap import Shop
from shopkit.cli import options, printing, session
from shopkit.core.inventory import queries
from shopkit.core.inventory import service as inventory
from shopkit.core.inventory.errors import UnknownStock
from shopkit.core.kernel.scope import Scope
from shopkit.core.kernel.uow import Uow

COLUMNS = {
    "sku": "SKU", "title": "Product", "variant": "Variant", "location": "Location", "stock": "Stock",
    "reserved": "Reserved", "available": "Available",
}  # fmt: skip


@click.group()
def stock() -> None:
    """Stock: show, receive, adjust. Every change is a row of the ledger."""


@stock.command()
@click.argument("sku", required=False)
@click.option("--limit", type=click.IntRange(1, 10_000), default=200, show_default=True)
@options.staff
def show(sku: str | None, limit: int, tenant: str | None, data_dir: str | None, is_json: bool) -> None:
    """The levels of all variants; with SKU also its newest movements."""

    async def look(shop: Shop, scope: Scope) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        async with shop.uow(scope) as uow:
            levels = await queries.levels(uow, sku=sku, limit=limit)
            if sku is None:
                return levels, []
            return levels, await queries.ledger(uow, await _variant(uow, sku), limit=10)

    levels, ledger = session.as_staff(data_dir, tenant, look)
    if is_json:
        printing.as_json({"levels": levels, "ledger": ledger} if sku else {"levels": levels})
        return
    printing.table(levels, COLUMNS, empty="Nothing is in stock yet.")
    if ledger:
        print("\nNewest movements:")
        columns = {
            "created_at": "When",
            "type": "What",
            "stock_delta": "Stock",
            "reserved_delta": "Reserved",
            "reason": "Why",
        }
        printing.table(ledger, columns)


@stock.command()
@click.argument("sku")
@click.argument("quantity", type=click.IntRange(1, 1_000_000_000))
@click.option("--location", metavar="CODE", help="Where the goods are. Default: the store's default location.")
@click.option("--reason", default="", help="For the ledger, such as the supplier's delivery note.")
@options.staff
def receive(
    sku: str, quantity: int, location: str | None, reason: str, tenant: str | None, data_dir: str | None, is_json: bool
) -> None:
    """Goods arrived: the level rises by QUANTITY."""

    async def change(uow: Uow, variant_id: UUID, location_id: UUID | None) -> int:
        return await inventory.receive(uow, variant_id, quantity, location_id=location_id, reason=reason)

    _change(sku, location, tenant, data_dir, is_json, change)


@stock.command(context_settings={"ignore_unknown_options": True})
@click.argument("sku")
@click.argument("delta", type=int, required=False, metavar="[+N|-N]")
@click.option(
    "--to", type=click.IntRange(0, 1_000_000_000), help="The level that was counted, instead of a difference."
)
@click.option("--location", metavar="CODE", help="Where. Default: the store's default location.")
@click.option("--reason", required=True, help="Why, for the ledger.")
@options.staff
def adjust(
    sku: str,
    delta: int | None,
    to: int | None,
    location: str | None,
    reason: str,
    tenant: str | None,
    data_dir: str | None,
    is_json: bool,
) -> None:
    """Correct a level by a difference (`-2`), or to what was counted (`--to 40`)."""
    if (delta is None) == (to is None):
        raise click.UsageError("Give a difference (such as -2) or --to N.")

    async def change(uow: Uow, variant_id: UUID, location_id: UUID | None) -> int:
        return await inventory.adjust(uow, variant_id, to=to, delta=delta or 0, location_id=location_id, reason=reason)

    _change(sku, location, tenant, data_dir, is_json, change)


Change = Callable[[Uow, UUID, UUID | None], Awaitable[int]]


def _change(
    sku: str, location: str | None, tenant: str | None, data_dir: str | None, is_json: bool, change: Change
) -> None:
    async def work(shop: Shop, scope: Scope) -> int:
        async with shop.uow(scope) as uow:
            place = None if location is None else await _location(uow, location)
            return await change(uow, await _variant(uow, sku), place)

    level = session.as_staff(data_dir, tenant, work)
    if is_json:
        printing.as_json({"sku": sku, "stock": level})
    else:
        print(f"{sku}: {level} in stock.")


async def _variant(uow: Uow, sku: str) -> UUID:
    found = await queries.find_variants(uow, [sku])
    if sku not in found:
        raise UnknownStock(f"There is no variant with the SKU {sku}.")
    return found[sku]


async def _location(uow: Uow, code: str) -> UUID:
    found: UUID | None = await uow.sql.fetchval(
        "SELECT id FROM store_locations WHERE store_id = $1 AND code = $2", uow.scope.store.id, code
    )
    if found is None:
        raise UnknownStock(f"The store has no location {code}.")
    return found
