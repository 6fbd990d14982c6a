"""Images on local storage: known by what they contain, named by the hash of it. Renditions come later."""

import contextlib
import hashlib
import os
import tempfile
import warnings
from io import BytesIO
from pathlib import Path
from typing import Final

from msgspec import Struct
from PIL import Image, UnidentifiedImageError

from shopkit.core.catalog.errors import InvalidImage

MAX_BYTES: Final = 20 * 1024 * 1024
MAX_PIXELS: Final = 60_000_000
EXTENSIONS: Final = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp", "GIF": "gif", "AVIF": "avif"}
"""What browsers show, by Pillow's name."""


class StoredFile(Struct, frozen=True, kw_only=True):
    """An image in the media folder, as `media_assets` describes it."""

    path: str
    """Below `Config.media_path`."""
    content_type: str
    content_hash: str
    """SHA-256, in hexadecimal."""
    size_bytes: int
    width: int
    height: int


def inspect(content: bytes) -> StoredFile:
    """What these bytes are; the name a client gave them does not matter. Raises `InvalidImage`."""
    if not 0 < len(content) <= MAX_BYTES:
        raise InvalidImage(f"An image has at most {MAX_BYTES // 1024 // 1024} MB.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(BytesIO(content), formats=[*EXTENSIONS]) as image:
                kind, width, height = str(image.format), image.width, image.height
                if width * height > MAX_PIXELS:
                    raise InvalidImage(f"An image has at most {MAX_PIXELS:,} pixels.")
                image.verify()
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError, KeyError):
        raise InvalidImage from None
    digest = hashlib.sha256(content).hexdigest()
    return StoredFile(
        path=f"{digest[:2]}/{digest}.{EXTENSIONS[kind]}",
        content_type=f"image/{kind.lower()}",
        content_hash=digest,
        size_bytes=len(content),
        width=width,
        height=height,
    )


def store(folder: Path, content: bytes) -> StoredFile:
    """Keep an image in the media folder; the same content twice is one file. Raises `InvalidImage`.

    A transaction that fails afterwards leaves a file that no row names; the next try finds it again.
    """
    described = inspect(content)
    target = folder / described.path
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        _write_whole(target, content)
    return described


def _write_whole(target: Path, content: bytes) -> None:
    """Under a passing name first: whoever sees the file sees all of it."""
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(name).chmod(0o644)
        Path(name).replace(target)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(name).unlink()
        raise
