"""Make tenants with what each needs to sell: a store, a location, a vendor, its chores. Done by the owner role."""

from collections.abc import Iterable, Sequence
from uuid import UUID

import asyncpg
from msgspec import Struct

from shopkit.core.kernel.ids import uuid7
from shopkit.core.kernel.jobs import Schedule


class NewTenant(Struct, frozen=True, kw_only=True):
    """What a new tenant begins with."""

    slug: str
    name: str
    currency: str = "BDT"
    country_code: str = "BD"
    timezone: str = "Asia/Dhaka"
    default_locale: str = "en"
    locales: Sequence[str] = ("en", "bn")
    hosts: Sequence[str] = ()


class CreatedTenant(Struct, frozen=True, kw_only=True):
    """The ids of what was made."""

    tenant_id: UUID
    store_id: UUID
    location_id: UUID
    vendor_id: UUID


async def create(owner: asyncpg.Connection, new: NewTenant, schedules: Iterable[Schedule]) -> CreatedTenant:
    """Create a tenant on a connection of the owner role, in one transaction."""
    made = CreatedTenant(tenant_id=uuid7(), store_id=uuid7(), location_id=uuid7(), vendor_id=uuid7())
    async with owner.transaction():
        await owner.execute(f"SET LOCAL app.tenant_id = '{made.tenant_id}'")
        await owner.execute(
            "INSERT INTO tenants (id, slug, name, default_currency, timezone) VALUES ($1, $2, $3, $4, $5)",
            made.tenant_id, new.slug, new.name, new.currency, new.timezone,
        )  # fmt: skip
        await owner.execute(
            """
            INSERT INTO stores (id, slug, name, is_default, currency, default_locale, locales, country_code, timezone)
            VALUES ($1, 'main', $2, true, $3, $4, $5, $6, $7)
            """,
            made.store_id, new.name, new.currency, new.default_locale, list(new.locales), new.country_code,
            new.timezone,
        )  # fmt: skip
        await owner.execute(
            "INSERT INTO store_locations (id, store_id, code, name, is_default) VALUES ($1, $2, 'main', 'Main', true)",
            made.location_id, made.store_id,
        )  # fmt: skip
        await owner.execute("INSERT INTO vendors (id, slug, name) VALUES ($1, 'main', $2)", made.vendor_id, new.name)
        await owner.execute("INSERT INTO order_number_counters (store_id) VALUES ($1)", made.store_id)
        for host in new.hosts:
            await owner.execute(
                "INSERT INTO tenant_hosts (host, store_id) VALUES ($1, $2)", host.lower(), made.store_id
            )
        await owner.execute("UPDATE cache_epochs SET version = version + 1 WHERE name = 'hosts'")
    await ensure_schedules(owner, schedules)
    return made


async def ensure_schedules(owner: asyncpg.Connection, schedules: Iterable[Schedule]) -> None:
    """Give every tenant a row per chore, with the present interval; run after migrating and after making a tenant."""
    rows = [(schedule.name, schedule.every_seconds) for schedule in schedules]
    await owner.executemany(
        """
        INSERT INTO schedules (tenant_id, name, every_seconds)
        SELECT id, $1, $2 FROM tenants
        ON CONFLICT (tenant_id, name) DO UPDATE SET every_seconds = excluded.every_seconds
        WHERE schedules.every_seconds <> excluded.every_seconds
        """,
        rows,
    )


async def find_tenant(owner: asyncpg.Connection, slug: str) -> UUID | None:
    """The tenant's id by its slug, asked by the owner role."""
    found: UUID | None = await owner.fetchval("SELECT id FROM tenants WHERE slug = $1", slug)
    return found
