"""Same key, same effect (I20): one advisory lock, one look-up, and the answer stored with the effect.

The unique index is the judge: two transactions that both missed the other's row cannot both commit.
"""

import hashlib
import re
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlalchemy.orm import Mapped, mapped_column

from shopkit.core.kernel.ids import uuid7
from shopkit.core.kernel.tables import Index, TenantRow, func, text, unique
from shopkit.core.kernel.uow import Uow
from shopkit.sdk.errors import BadRequest, Conflict, Invalid

KEEP_HOURS = 48
"""The published keeping time."""
ANONYMOUS = "anonymous"


class IdempotencyKey(TenantRow):
    """A used key, with what came of it. Bodies hold no tokens; `subject_id` lets a replay rebuild the answer."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (unique("caller", "route", "key"), Index("ix_idempotency_keys_created_at", text("created_at")))

    caller: Mapped[str]
    route: Mapped[str]
    key: Mapped[str]
    request_hash: Mapped[bytes]
    subject_id: Mapped[UUID | None]
    status: Mapped[int | None]
    body: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class KeyRequired(BadRequest):
    """This call moves money or orders and needs an `Idempotency-Key`."""

    code = "idempotency_key_required"
    message = "Send an Idempotency-Key header, so that a retry cannot order twice."


class KeyMalformed(BadRequest):
    """A key is 1 to 255 visible ASCII characters; from an anonymous caller at least 20, so that nobody guesses it."""

    code = "idempotency_key_invalid"
    message = "The Idempotency-Key is malformed: 1 to 255 visible ASCII characters, at least 20 without a cart."


class KeyMismatch(Invalid):
    """The key was used before with another request."""

    code = "idempotency_mismatch"
    message = "This Idempotency-Key was used before with a different request."


class InProgress(Conflict):
    """The first request with this key is still running."""

    code = "in_progress"
    message = "The first request with this Idempotency-Key is still running."
    retry_after_seconds = 1


class Key(Struct, frozen=True, kw_only=True):
    """One request's key, bound to its caller and route."""

    caller: str
    route: str
    key: str
    request_hash: bytes

    @property
    def lock(self) -> int:
        """A 64-bit number for the advisory lock."""
        text_ = "\0".join((self.caller, self.route, self.key))
        return int.from_bytes(hashlib.blake2b(text_.encode(), digest_size=8).digest(), "big", signed=True)


class Stored(Struct, frozen=True, kw_only=True):
    """What the first request with the key left behind."""

    subject_id: UUID | None
    status: int | None
    body: str | None


_KEY = re.compile(r"[\x21-\x7e]{1,255}")


def parse(header: str | None, *, caller: str, route: str, body: bytes, required: bool) -> Key | None:
    """The request's key, or None where it is optional and absent. Raises `KeyRequired` or `KeyMalformed`."""
    if header is None:
        if required:
            raise KeyRequired
        return None
    if not _KEY.fullmatch(header) or (caller == ANONYMOUS and len(header) < 20):
        raise KeyMalformed
    return Key(caller=caller, route=route, key=header, request_hash=hashlib.sha256(body).digest())


async def begin(uow: Uow, key: Key) -> Stored | None:
    """Lock the key for this transaction and look for its answer. Raises `InProgress` or `KeyMismatch`."""
    row = await uow.sql.fetchrow(
        """
        SELECT pg_try_advisory_xact_lock($1 # hashtextextended($2::text, 0)) AS is_free,
               k.request_hash, k.subject_id, k.status, k.body
        FROM (SELECT) AS one LEFT JOIN idempotency_keys k ON k.caller = $3 AND k.route = $4 AND k.key = $5
        """,
        key.lock,
        str(uow.tenant_id),
        key.caller,
        key.route,
        key.key,
    )
    if row["request_hash"] is not None:
        if row["request_hash"] != key.request_hash:
            raise KeyMismatch
        return Stored(subject_id=row["subject_id"], status=row["status"], body=row["body"])
    if not row["is_free"]:
        raise InProgress
    return None


INSERT = """
INSERT INTO idempotency_keys (id, caller, route, key, request_hash, subject_id, status, body)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""


async def store(
    uow: Uow, key: Key, *, subject_id: UUID | None = None, status: int | None = None, body: str | None = None
) -> None:
    """Remember the effect in the same transaction. A unique violation means that another request was first: retry."""
    await uow.sql.execute(INSERT, uuid7(), key.caller, key.route, key.key, key.request_hash, subject_id, status, body)


async def purge(uow: Uow) -> int:
    """Forget keys older than the published time, a batch at a time."""
    done: Any = await uow.sql.execute(
        """
        DELETE FROM idempotency_keys WHERE id IN (
            SELECT id FROM idempotency_keys WHERE created_at < now() - make_interval(hours => $1) LIMIT 500)
        """,
        KEEP_HOURS,
    )
    return int(done.split()[-1])
