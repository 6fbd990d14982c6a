"""Tokens that open one thing: computed from its id and epoch, never stored (I44). Raising the epoch revokes them."""

import re
from uuid import UUID

from shopkit.core.kernel.crypto import KeyRing

_TOKEN = re.compile(r"([0-9]{1,9})\.([A-Za-z0-9_-]{20,100})")


def issue(keyring: KeyRing, purpose: str, tenant_id: UUID, subject: UUID, epoch: int) -> str:
    """The token as a client keeps it: the epoch and its proof."""
    return f"{epoch}.{keyring.token(purpose, tenant_id, subject, epoch)}"


def read(keyring: KeyRing, purpose: str, tenant_id: UUID, subject: UUID, token: str | None) -> int | None:
    """The epoch that a genuine token was made for; None for anything else."""
    matched = _TOKEN.fullmatch(token or "")
    if matched is None:
        return None
    epoch = int(matched[1])
    return epoch if keyring.verify_token(matched[2], purpose, tenant_id, subject, epoch) else None
