"""`shopkit tenant`: make and list tenants, as the owner role."""

from typing import Any

import asyncpg
import rich_click as click

from shopkit import registry
from shopkit.cli import options, printing, session
from shopkit.core.kernel.db import rows_of
from shopkit.core.tenancy import service as tenancy
from shopkit.core.tenancy.service import CreatedTenant, NewTenant
from shopkit.sdk.errors import Conflict, FieldError, Invalid


@click.group()
def tenant() -> None:
    """Make and list tenants. With a single one, nobody needs to know that there are tenants."""


@tenant.command()
@click.argument("slug")
@click.option("--name", help="The shop's name. Default: the slug.")
@click.option("--host", "hosts", multiple=True, metavar="NAME", help="A host name that leads to it; may be repeated.")
@click.option("--currency", default="BDT", show_default=True, help="ISO 4217.")
@click.option("--country", default="BD", show_default=True, help="ISO 3166, two letters.")
@click.option("--timezone", default="Asia/Dhaka", show_default=True)
@click.option("--locale", default="en", show_default=True, help="The language of the base texts.")
@click.option(
    "--also", "others", multiple=True, default=["bn"], show_default=True, metavar="LOCALE", help="Its other languages."
)
@options.as_json
@options.data_dir
def create(
    slug: str,
    name: str | None,
    hosts: tuple[str, ...],
    currency: str,
    country: str,
    timezone: str,
    locale: str,
    others: tuple[str, ...],
    is_json: bool,
    data_dir: str | None,
) -> None:
    """Make a tenant with a store, a location and its chores."""
    new = NewTenant(
        slug=slug,
        name=name or slug,
        currency=currency.upper(),
        country_code=country.upper(),
        timezone=timezone,
        default_locale=locale,
        locales=list(dict.fromkeys([locale, *others])),
        hosts=hosts,
    )
    config = session.read(data_dir=data_dir)
    with session.database(config) as urls:
        made = session.run(_create(urls.need_owner(), new))
    if is_json:
        printing.as_json({"slug": slug, "tenant_id": made.tenant_id, "store_id": made.store_id})
    else:
        print(f"Tenant {slug} was made ({made.tenant_id}).")


async def _create(owner_url: str, new: NewTenant) -> CreatedTenant:
    connection = await session.connect(owner_url)
    try:
        return await tenancy.create(connection, new, registry.SCHEDULES)
    except asyncpg.UniqueViolationError as error:
        what = "host name" if "host" in str(error.constraint_name) else "slug"
        raise Conflict(f"There is a tenant with this {what} already.") from None
    except asyncpg.CheckViolationError as error:
        raise _refusal(str(error.constraint_name)) from None
    finally:
        await connection.close()


def _refusal(constraint: str) -> Invalid:
    rules = {
        "slug": "A slug has small letters, digits and single hyphens, at most 200.",
        "currency": "A currency is three capital letters, such as BDT.",
        "country": "A country is two capital letters, such as BD.",
        "host": "A host name has no port, no slash and no spaces.",
        "locale": "The store must speak its own base language.",
    }
    field, text = next(((f, t) for f, t in rules.items() if f in constraint), ("", constraint))
    return Invalid("The tenant was not made.", errors=[FieldError(field=f"/{field}", code="invalid", message=text)])


@tenant.command(name="list")
@options.as_json
@options.data_dir
def list_(is_json: bool, data_dir: str | None) -> None:
    """All tenants and their host names."""
    config = session.read(data_dir=data_dir)
    with session.database(config) as urls:
        rows = session.run(_list(urls.need_owner()))
    if is_json:
        printing.as_json(rows)
        return
    shown = [{**row, "hosts": ", ".join(row["hosts"])} for row in rows]
    columns = {"slug": "Slug", "name": "Name", "status": "Status", "hosts": "Hosts", "id": "Id"}
    printing.table(shown, columns, empty="There is no tenant yet.")


async def _list(owner_url: str) -> list[dict[str, Any]]:
    connection = await session.connect(owner_url)
    try:
        return rows_of(
            await connection.fetch(
                """
                SELECT t.id, t.slug, t.name, t.status, t.default_currency AS currency, t.created_at,
                       array(SELECT host FROM tenant_hosts h WHERE h.tenant_id = t.id ORDER BY host) AS hosts
                FROM tenants t ORDER BY t.created_at, t.slug
                """
            )
        )
    finally:
        await connection.close()
