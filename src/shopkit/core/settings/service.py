"""Read and write typed settings. Reading costs no row in steady traffic; a change is seen everywhere within a second.

A settings Struct is `class CartSettings(Settings, domain="cart")`; its fields are rows `cart.<field>`.
"""

from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Struct, StructMeta

from shopkit.core.kernel.crypto import KeyRing
from shopkit.core.kernel.epochs import Epochs, bump
from shopkit.core.kernel.uow import Uow
from shopkit.sdk.errors import FieldError, Invalid
from shopkit.sdk.settings import Secret, decode_secret, secret_fields


class _SettingsMeta(StructMeta):
    """Takes `domain=` beside msgspec's own options, which would refuse it."""

    def __new__(mcls, name: str, bases: Any, namespace: Any, *, domain: str = "", **options: Any) -> Any:
        made: Any = super().__new__(mcls, name, bases, namespace, **options)
        if domain:
            DOMAINS[domain] = made
        return made


class Settings(Struct, metaclass=_SettingsMeta, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The base of a domain's settings; every field has a default, so that a new shop needs no rows."""

    if TYPE_CHECKING:

        def __init_subclass__(
            cls, *, domain: str = "", frozen: bool = True, kw_only: bool = True, forbid_unknown_fields: bool = True
        ) -> None:
            """What a domain writes in its class statement."""


DOMAINS: dict[str, type[Settings]] = {}
"""Domain to its Struct; filled by the Structs' definitions."""

S = TypeVar("S", bound=Settings)


def domain_of(type_: type[Settings]) -> str:
    """The prefix of its keys."""
    return next(domain for domain, known in DOMAINS.items() if known is type_)


class Cache:
    """Settings of all tenants and stores as this process knows them."""

    def __init__(self, epochs: Epochs, keyring: KeyRing) -> None:
        self.epochs = epochs
        self.keyring = keyring
        self._structs: dict[tuple[UUID, UUID, type[Settings]], tuple[int, Settings]] = {}

    def find(self, tenant: UUID, store: UUID, type_: type[S]) -> S | None:
        """The Struct, if it is known and may be believed."""
        epoch, found = self._structs.get((tenant, store, type_), (-1, None))
        if found is not None and self.epochs.is_fresh and epoch == self.epochs.versions.get("settings"):
            return found  # type: ignore[return-value]
        return None

    def keep(self, tenant: UUID, store: UUID, value: Settings, epoch: int | None) -> None:
        """Remember a Struct under the epoch that was known before it was read."""
        if epoch is not None:
            self._structs[tenant, store, type(value)] = (epoch, value)


async def get(uow: Uow, type_: type[S], *, store_id: UUID | None = None) -> S:
    """The settings of a store, the scope's by default: its own rows before the tenant's before the defaults."""
    tenant, store, cache = uow.tenant_id, store_id or uow.scope.store.id, uow.caches
    if not uow.fresh and (found := cache.find(tenant, store, type_)) is not None:
        return found
    epoch = cache.epochs.versions.get("settings")
    value = await _read(uow, type_, store)
    if not uow.fresh:
        cache.keep(tenant, store, value, epoch)
    return value


async def _read(uow: Uow, type_: type[S], store_id: UUID) -> S:
    domain = domain_of(type_)
    rows = await uow.sql.fetch(
        """
        SELECT DISTINCT ON (key) key, value, store_id FROM settings
        WHERE key LIKE $1 AND (store_id IS NULL OR store_id = $2) ORDER BY key, store_id NULLS LAST
        """,
        f"{domain}.%",
        store_id,
    )
    secrets = secret_fields(type_)
    fields = {}
    for row in rows:
        name = row["key"].removeprefix(f"{domain}.")
        if name in type_.__struct_fields__:
            # By the field, not by the row: what must be sealed is never taken as plain text.
            fields[name] = _open(uow, row) if name in secrets else row["value"]
    return msgspec.convert(fields, type_, dec_hook=decode_secret)


async def put(uow: Uow, values: dict[str, Any], *, store_id: UUID | None = None) -> None:
    """Set `<domain>.<field>` to plain values, for the tenant or one store. Raises `Invalid` with a pointer per key."""
    rows = [_row(uow, key, value, store_id) for key, value in values.items()]
    for key, value, is_encrypted in rows:
        await uow.sql.execute(
            """
            INSERT INTO settings (store_id, key, value, is_encrypted) VALUES ($1, $2, $3, $4)
            ON CONFLICT (tenant_id, store_id, key)
            DO UPDATE SET value = excluded.value, is_encrypted = excluded.is_encrypted
            """,
            store_id,
            key,
            msgspec.json.encode(value),
            is_encrypted,
        )
    uow.fresh = True
    await bump(uow.sql, "settings")


def _row(uow: Uow, key: str, value: Any, store_id: UUID | None) -> tuple[str, Any, bool]:
    domain, _, name = key.partition(".")
    type_ = DOMAINS.get(domain)
    if type_ is None or name not in type_.__struct_fields__:
        raise Invalid(errors=[FieldError(field=f"/{key}", code="unknown_field", message="There is no such setting.")])
    try:
        converted = getattr(msgspec.convert({name: value}, type_, dec_hook=decode_secret), name)
    except (msgspec.ValidationError, ValueError) as error:
        raise Invalid(errors=[FieldError(field=f"/{key}", code="invalid", message=str(error))]) from None
    if name in secret_fields(type_):
        assert isinstance(converted, Secret)
        place = {"tenant": uow.tenant_id, "table": "settings", "column": "value", "row_id": str(store_id), "field": key}
        return key, uow.caches.keyring.seal(converted.reveal().encode(), **place), True
    return key, msgspec.to_builtins(converted), False


def _open(uow: Uow, row: asyncpg.Record) -> str:
    place = {"tenant": uow.tenant_id, "table": "settings", "column": "value", "row_id": str(row["store_id"])}
    return uow.caches.keyring.open(row["value"], **place, field=row["key"]).decode()
