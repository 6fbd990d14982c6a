"""`shopkit product`: look at the catalogue; `shopkit load` changes it."""

from typing import Any

import rich_click as click

from shopkit.bootstrap import Shop
from shopkit.cli import options, printing, session
from shopkit.core.catalog import overview
from shopkit.core.inventory import queries as inventory
from shopkit.core.kernel.scope import Scope
from shopkit.sdk.formatting import format_amount


@click.group()
def product() -> None:
    """Products: list, show. `shopkit load` makes and changes them."""


@product.command(name="list")
@click.argument("words", required=False)
@click.option("--status", type=click.Choice(["draft", "active", "archived"]), help="Only these.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@options.staff
def list_(
    words: str | None, status: str | None, limit: int, tenant: str | None, data_dir: str | None, is_json: bool
) -> None:
    """The newest products; with WORDS those that have them in title, key or slug."""

    async def look(shop: Shop, scope: Scope) -> list[dict[str, Any]]:
        async with shop.uow(scope) as uow:
            return await overview.products(uow, status=status, words=words, limit=limit)

    rows = session.as_staff(data_dir, tenant, look)
    if is_json:
        printing.as_json(rows)
        return
    shown = [{**row, "price": _money(row["price_from"], row["currency"])} for row in rows]
    columns = {
        "slug": "Slug", "title": "Title", "brand": "Brand", "status": "Status", "variants": "Variants", "price": "From",
    }  # fmt: skip
    printing.table(shown, columns, empty="No products.")


@product.command()
@click.argument("name", metavar="SLUG")
@options.staff
def show(name: str, tenant: str | None, data_dir: str | None, is_json: bool) -> None:
    """One product, by slug, key or id, with prices and stock."""

    async def look(shop: Shop, scope: Scope) -> dict[str, Any]:
        async with shop.uow(scope) as uow:
            found = await overview.product(uow, name)
            for variant in found["variants"]:
                levels = await inventory.levels(uow, sku=variant["sku"]) if variant["sku"] else []
                variant["available"] = sum(level["available"] for level in levels) if levels else None
            return found

    found = session.as_staff(data_dir, tenant, look)
    if is_json:
        printing.as_json(found)
        return
    lists = {"categories": ", ".join(found["categories"]), "tags": ", ".join(found["tags"])}
    names = ("title", "slug", "key", "brand", "status", "published_at", "categories", "tags", "tax_class")
    printing.facts([(name.replace("_", " ").capitalize(), {**found, **lists}[name]) for name in names])
    print()
    rows = [{**variant, "price": _money(variant["price"], found["currency"])} for variant in found["variants"]]
    columns = {"sku": "SKU", "title": "Variant", "price": "Price", "available": "Available", "is_active": "For sale"}
    printing.table(rows, columns, empty="No variants.")


def _money(amount: int | None, currency: str) -> str:
    return "" if amount is None else format_amount(amount, currency, "en")
