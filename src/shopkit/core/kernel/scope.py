"""Who acts, where: the part of a request's context that never changes while it runs."""

from typing import Literal
from uuid import UUID

from msgspec import Struct

ActorKind = Literal["customer", "staff", "system"]


class Actor(Struct, frozen=True, kw_only=True):
    """Who is responsible for a change; written into every history and ledger row."""

    kind: ActorKind
    id: str | None = None


SYSTEM = Actor(kind="system")
CUSTOMER = Actor(kind="customer")
STAFF = Actor(kind="staff", id="command")


class StoreInfo(Struct, frozen=True, kw_only=True):
    """What every request needs to know of its store; read once and kept (see `tenancy.resolving`)."""

    id: UUID
    slug: str
    name: str
    currency: str
    """ISO 4217."""
    locale: str
    """The language of the base texts, such as `en`."""
    locales: tuple[str, ...]
    """Every language that the store speaks, the default first."""
    country_code: str
    timezone: str


class Scope(Struct, frozen=True, kw_only=True):
    """The tenant of a transaction and who acts in it. It comes from host or credential, never from input (I40)."""

    tenant_id: UUID
    store: StoreInfo
    actor: Actor = SYSTEM
    locale: str = "en"
    request_id: str = ""
    address: str = ""
    """The client's network address, for rate limits and history."""
