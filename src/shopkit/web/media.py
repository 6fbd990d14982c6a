"""Media from local storage: names are content hashes, so that an answer never changes and is cached for ever (I57)."""

import re
from typing import Any, Final

from litestar import Request, get
from litestar.params import FromPath
from litestar.response import File

from shopkit.bootstrap import Shop
from shopkit.sdk.errors import NotFound

_NAME: Final = re.compile(r"[0-9a-f]{2}/[0-9a-f]{64}\.(?:jpg|png|webp|gif|avif)")
CACHE: Final = "public, max-age=31536000, immutable"


@get("/media/{folder:str}/{name:str}", include_in_schema=False)
async def media(request: Request[Any, Any, Any], folder: FromPath[str], name: FromPath[str]) -> File:
    """A stored image. Only names that we give are looked for, so no request value becomes a path."""
    path = f"{folder}/{name}"
    shop: Shop = request.app.state["shop"]
    stored = shop.config.media_path / path
    if not _NAME.fullmatch(path) or not stored.is_file():
        raise NotFound
    return File(stored, content_disposition_type="inline", headers={"Cache-Control": CACHE})


handlers = [media]
