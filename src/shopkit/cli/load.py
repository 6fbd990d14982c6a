"""`shopkit load`: a JSON file of categories, products, prices, stock, rates and taxes into a shop."""

import asyncio
from pathlib import Path

import rich_click as click

from shopkit.bootstrap import Shop
from shopkit.cli import options, printing, session
from shopkit.core.kernel.scope import Scope
from shopkit.core.loading import service
from shopkit.core.loading.run import LoadReport


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path))
@options.staff
def load(file: Path, tenant: str | None, data_dir: str | None, is_json: bool) -> None:
    """Load a JSON FILE; what it names by key is made or changed, the rest is left alone.

    Everything or nothing: a file with a mistake changes nothing, and every mistake is shown with its place.
    """
    report = session.as_staff(data_dir, tenant, lambda shop, scope: load_file(shop, scope, file))
    if is_json:
        printing.as_json(report)
    else:
        _print(report)


async def load_file(shop: Shop, scope: Scope, file: Path) -> LoadReport:
    """Load it, with progress on standard error."""
    body = await asyncio.to_thread(file.read_bytes)
    with printing.stages() as progress:
        return await service.load(shop, scope, body, progress, folder=file.parent)


def _print(report: LoadReport) -> None:
    names = sorted({*report.created, *report.changed, *report.removed})
    rows = [
        {"name": name, "new": report.created[name], "changed": report.changed[name], "removed": report.removed[name]}
        for name in names
    ]
    columns = {"name": "", "new": "New", "changed": "Changed", "removed": "Removed"}
    printing.table(rows, columns, empty="Everything was there already; nothing was changed.")
