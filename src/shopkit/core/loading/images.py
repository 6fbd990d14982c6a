"""Images of products: files beside the document, kept in the media folder under the hash of what they contain."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from uuid import UUID

from shopkit.core.catalog import media
from shopkit.core.catalog.errors import InvalidImage
from shopkit.core.catalog.media import StoredFile
from shopkit.core.loading.document import Product
from shopkit.core.loading.rows import Sheet, Table
from shopkit.core.loading.run import Run

ASSETS: Final = Table(
    "media_assets",
    ("path",),
    {"path": "text", "content_type": "text", "content_hash": "text", "size_bytes": "int", "width": "int",
     "height": "int", "alt": "text", "alt_translations": "jsonb"},
)  # fmt: skip
SHOWN: Final = Table(
    "product_media",
    ("product_id", "media_id"),
    {"product_id": "uuid", "media_id": "uuid", "position": "int"},
)


class Images:
    """The images of a part's products."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.assets, self.shown = Sheet(ASSETS), Sheet(SHOWN)
        self._stored: dict[str, StoredFile | None] = {}

    @property
    def sheets(self) -> list[tuple[str, Sheet]]:
        """What is written, in the order of the references."""
        return [("images", self.assets), ("product images", self.shown)]

    async def read(self, products: Sequence[UUID], given: Sequence[Product]) -> None:
        """Keep the document's files, and take the present rows."""
        for product in given:
            for image in product.images or ():
                if image.file not in self._stored:
                    self._stored[image.file] = await asyncio.to_thread(self._store, image.file)
        paths = [file.path for file in self._stored.values() if file]
        await self.assets.read(self.run.sql, "path = ANY($1)", paths)
        await self.shown.read(self.run.sql, "product_id = ANY($1)", products)

    def _store(self, name: str) -> StoredFile | None:
        path = _inside(self.run.folder, name)
        if path is None:
            return None
        try:
            return media.store(self.run.media, path.read_bytes())
        except InvalidImage:
            return None

    def put(self, at: str, product_id: UUID, given: Product) -> None:
        """Compare a product's images with the store; those of the document replace the present ones."""
        if not isinstance(given.images, list):
            return
        keys = []
        for number, image in enumerate(given.images):
            here = f"{at}/images/{number}"
            file = self._stored[image.file]
            self.run.check_locales(f"{here}/alt_translations", image.alt_translations)
            if file is None:
                text = "There is no such file beside the document, or it is not an image that browsers show."
                self.run.faults.add(f"{here}/file", "invalid_image", text)
                continue
            described = {name: getattr(file, name) for name in file.__struct_fields__}
            said = {"alt": image.alt, "alt_translations": image.alt_translations}
            media_id = self.assets.put((file.path,), {**described, **said})
            keys.append((product_id, media_id))
            self.shown.put(keys[-1], {"position": number})
        self.shown.keep_only(self.shown.of(product_id), keys)


def _inside(folder: Path | None, name: str) -> Path | None:
    """The file of this name below the folder; nothing outside it is ever read."""
    if folder is None:
        return None
    path = (folder / name).resolve()
    return path if path.is_relative_to(folder.resolve()) and path.is_file() else None
