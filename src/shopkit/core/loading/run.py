"""What the parts of a load share while it runs."""

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
from msgspec import UNSET, Struct

from shopkit.core.kernel.scope import Scope, StoreInfo
from shopkit.core.kernel.uow import Uow
from shopkit.core.loading.document import Document
from shopkit.core.loading.errors import Faults
from shopkit.core.loading.rows import Sheet
from shopkit.core.vendors import queries as vendors

Progress = Callable[[str, int, int], None]
"""Called with what is being loaded, how many are done, and of how many."""


def silent(stage: str, done: int, total: int) -> None:
    """Progress that nobody watches."""


class LoadReport(Struct, kw_only=True):
    """Rows per kind of thing; a second load of the same file has neither new nor changed ones."""

    created: Counter[str]
    changed: Counter[str]
    removed: Counter[str]

    def count(self, name: str, created: int, changed: int, removed: int = 0) -> None:
        """Add the rows of one kind."""
        for counter, number in ((self.created, created), (self.changed, changed), (self.removed, removed)):
            if number:
                counter[name] += number


class Run:
    """One load: the transaction, the document, what was found wrong, and the ids that later parts refer to."""

    def __init__(self, uow: Uow, document: Document, *, media: Path, folder: Path | None, progress: Progress) -> None:
        self.uow = uow
        self.document = document
        self.media = media
        """Where images are kept."""
        self.folder = folder
        """Where the document lies; images are found from there."""
        self.progress = progress
        self.faults = Faults()
        self.report = LoadReport(created=Counter(), changed=Counter(), removed=Counter())
        self.brands: dict[str, UUID] = {}
        self.tags: dict[str, UUID] = {}
        self.categories: dict[str, UUID] = {}
        self.locations: dict[str, UUID] = {}
        self.default_location: UUID | None = None
        self.skus: dict[str, str] = {}
        """Where the document gives an SKU."""
        self.sku_owners: dict[str, UUID] = {}
        """The product that had an SKU before this load."""
        self.vendor_id: UUID
        self.now: datetime
        """The transaction's time, by the database's clock."""
        self.touched: set[UUID] = set()
        """Products whose projections need a look."""

    async def begin(self) -> None:
        """Take the lock of loads, and time enough for long statements."""
        await self.sql.execute("SET LOCAL statement_timeout = '300s'")
        await self.sql.execute("SET LOCAL lock_timeout = '30s'")
        await self.sql.execute("SET LOCAL idle_in_transaction_session_timeout = '300s'")
        await self.sql.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"loading:{self.store.id}")
        self.vendor_id = await vendors.default_vendor(self.uow)
        self.now = await self.sql.fetchval("SELECT now()")

    @property
    def sql(self) -> asyncpg.Connection:
        """The transaction's connection."""
        return self.uow.sql

    @property
    def scope(self) -> Scope:
        """Where, and who."""
        return self.uow.scope

    @property
    def store(self) -> StoreInfo:
        """The store that is filled."""
        return self.uow.scope.store

    async def write(self, sheets: Iterable[tuple[str, Sheet]]) -> None:
        """Write sheets in this order, unless something is wrong already: then only the checks go on."""
        if self.faults:
            return
        for name, sheet in sheets:
            await sheet.write(self.sql)
            self.report.count(name, *sheet.counts)

    def is_new(self, pointer: str, seen: dict[Any, str], key: Any) -> bool:
        """Whether the document names this thing for the first time; a second time is wrong."""
        if key in seen:
            self.faults.add(pointer, "duplicate", f"This was given before, at {seen[key]}.")
            return False
        seen[key] = pointer
        return True

    def need(self, pointer: str, is_new: bool, value: object) -> None:
        """A new thing needs this field; a known one may leave it out."""
        if is_new and value is UNSET:
            self.faults.add(pointer, "required", "This is new, so it needs this field.")

    def check_locales(self, pointer: str, translations: Any) -> None:
        """Translations are in the store's other languages."""
        for locale in translations if translations is not UNSET else ():
            if locale == self.store.locale:
                text = f"Texts in the store's own language ({locale}) stand in the fields themselves."
                self.faults.add(f"{pointer}/{locale}", "base_locale", text)
            elif locale not in self.store.locales:
                spoken = ", ".join(self.store.locales)
                self.faults.add(f"{pointer}/{locale}", "unknown_locale", f"The store speaks: {spoken}.")
