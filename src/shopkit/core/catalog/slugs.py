"""Addresses of products and categories: made from titles, unique in a store, and old ones lead on for ever.

A redirect names the thing, not its next address, so chains cannot form; a live address always wins over a redirect.
"""

import re
import unicodedata
from collections.abc import Container, Iterable
from typing import Final, Literal
from uuid import UUID

import asyncpg

Kind = Literal["product", "category"]

MAX_LENGTH: Final = 200
_MADE_LENGTH: Final = 80
_FORBIDDEN: Final = re.compile(r"[/?#%\s\x00-\x1f\x7f]")
_LATIN_END: Final = "\u0250"


def slug_of(text: str, fallback: str) -> str:
    """A slug from a title: letters and digits of any script in lower case, words joined by hyphens.

    Accents of Latin letters go, Bangla vowel signs stay. `fallback` is used when nothing is left.
    """
    words = "".join(_sign(sign) for sign in unicodedata.normalize("NFC", text).lower())
    return "-".join(words.split())[:_MADE_LENGTH].strip("-") or fallback


def _sign(sign: str) -> str:
    if sign.isascii():
        return sign if sign.isalnum() else "" if sign == "'" else " "
    if sign in "’\u200c\u200d":  # apostrophe, and the joiners of Bangla conjuncts
        return ""
    if unicodedata.category(sign)[0] not in "LMN":
        return " "
    return unicodedata.normalize("NFD", sign)[0] if sign < _LATIN_END else sign


def is_slug(text: str) -> bool:
    """Whether an address may be this: the same rule as the tables', and in NFC."""
    return (
        0 < len(text) <= MAX_LENGTH
        and not _FORBIDDEN.search(text)
        and text == text.lower()
        and unicodedata.is_normalized("NFC", text)
    )


def free(wanted: str, taken: Container[str]) -> str:
    """The slug, or the first of `slug-2`, `slug-3` … that is not taken."""
    found, number = wanted, 1
    while found in taken:
        number += 1
        found = f"{wanted[: MAX_LENGTH - 12]}-{number}"
    return found


async def similar(sql: asyncpg.Connection, kind: Kind, store_id: UUID, slug: str) -> set[str]:
    """The live slugs that begin like this one, for `free`."""
    table = "product_listings" if kind == "product" else "categories"
    rows = await sql.fetch(
        f"SELECT slug FROM {table} WHERE store_id = $1 AND starts_with(slug, $2) AND deleted_at IS NULL",
        store_id,
        slug[: MAX_LENGTH - 12],
    )
    return {row["slug"] for row in rows}


async def note_moves(sql: asyncpg.Connection, kind: Kind, store_id: UUID, moves: Iterable[tuple[str, UUID]]) -> None:
    """Let each old slug lead to its thing: `(old slug, id of the product or category)`."""
    old, targets = zip(*moves, strict=True) if (moves := list(moves)) else ((), ())
    await sql.execute(
        """
        INSERT INTO slug_redirects (store_id, kind, slug, target_id)
        SELECT $1, $2, m.slug, m.target FROM unnest($3::text[], $4::uuid[]) AS m(slug, target)
        ON CONFLICT (tenant_id, store_id, kind, slug) DO UPDATE SET target_id = excluded.target_id
        """,
        store_id,
        kind,
        list(old),
        list(targets),
    )


async def unshadow(sql: asyncpg.Connection, kind: Kind, store_id: UUID, live: Iterable[str]) -> None:
    """Forget redirects from addresses that are in use again."""
    await sql.execute(
        "DELETE FROM slug_redirects WHERE store_id = $1 AND kind = $2 AND slug = ANY($3)", store_id, kind, list(live)
    )
