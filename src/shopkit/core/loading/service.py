"""`load`: everything that a document says, in one transaction of set-based statements, or nothing at all."""

from pathlib import Path

from msgspec import UNSET

from shopkit.core.kernel.decode import decoder_of
from shopkit.core.kernel.scope import Scope
from shopkit.core.kernel.shop import Shop
from shopkit.core.loading.document import Document
from shopkit.core.loading.errors import LoadRefused
from shopkit.core.loading.labels import load_brands, load_categories, load_tags
from shopkit.core.loading.places import load_locations, load_shipping, load_tax_rates
from shopkit.core.loading.products import load_products, refresh_lists
from shopkit.core.loading.run import LoadReport, Progress, Run, silent
from shopkit.sdk.errors import Invalid

STAGES = (
    ("locations", load_locations),
    ("tax rates", load_tax_rates),
    ("shipping", load_shipping),
    ("brands", load_brands),
    ("tags", load_tags),
    ("categories", load_categories),
)


async def load(
    shop: Shop, scope: Scope, body: bytes, progress: Progress = silent, *, folder: Path | None = None
) -> LoadReport:
    """Fill the scope's store from a document; `folder` is where its images are.

    Raises `LoadRefused` with a pointer for everything that is wrong, or `MalformedJson`; then nothing was changed.
    """
    progress("reading", 0, 1)
    document = read(body)
    progress("reading", 1, 1)
    async with shop.uow(scope) as uow:
        run = Run(uow, document, media=shop.config.media_path, folder=folder, progress=progress)
        await run.begin()
        _check_currency(run)
        for name, stage in STAGES:
            progress(name, 0, 1)
            await stage(run)
            progress(name, 1, 1)
        await load_products(run)
        run.faults.check()
        await refresh_lists(run)
    return run.report


def read(body: bytes) -> Document:
    """Decode a document. Raises `LoadRefused` or `MalformedJson`."""
    try:
        return decoder_of(Document).decode(body)
    except Invalid as error:
        raise LoadRefused(errors=error.errors) from None


def _check_currency(run: Run) -> None:
    if run.document.currency is not UNSET and run.document.currency != run.store.currency:
        run.faults.add("/currency", "wrong_currency", f"The store's currency is {run.store.currency}.")
