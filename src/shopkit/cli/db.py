"""`shopkit db`: what an administrator prepares on a PostgreSQL server, once."""

from urllib.parse import unquote, urlsplit, urlunsplit

import asyncpg
import rich_click as click

from shopkit.cli import options, prepare, printing, session
from shopkit.cli.session import Urls
from shopkit.core.kernel import roles as kernel
from shopkit.core.kernel.config import Config
from shopkit.core.kernel.roles import RoleReport


@click.group()
def db() -> None:
    """Prepare a PostgreSQL server."""


@db.command()
@options.as_json
@options.data_dir
def roles(is_json: bool, data_dir: str | None) -> None:
    """Make or repair the roles and the database, as far as the rights go.

    SHOPKIT_DATABASE_OWNER_URL is an administrator or the owner of the database; from SHOPKIT_DATABASE_URL come the
    app role's name and password. Without them the embedded server is meant. What could not be done is listed; the
    shop runs without it, with one wall less.
    """
    config = session.read(data_dir=data_dir)
    with session.database(config) as urls, printing.step("Looking after roles and database"):
        report = session.run(prepare.make_database(urls) if urls.server else _on_external(config, urls))
    if is_json:
        printing.as_json(report)
        return
    for done in report.done:
        print(f"done     {done}")
    for missing in report.missing:
        print(f"missing  {missing}")
    print("Next: `shopkit migrate`, then `shopkit check`.")


async def _on_external(config: Config, urls: Urls) -> RoleReport:
    admin = urls.need_owner()
    place = urlsplit(admin)
    name = unquote(place.path.lstrip("/")) or unquote(place.username or "")
    server = await _server_of(admin, name)
    password = urlsplit(config.database_url).password
    report = await kernel.create_roles(
        server, app=urls.app_role, app_password=unquote(password) if password is not None else None
    )
    if await kernel.create_database(server, name, owner=unquote(place.username or kernel.OWNER)):
        report.done.append(f"CREATE DATABASE {name}")
    hardened = await kernel.harden(admin, app=urls.app_role)
    return RoleReport(done=report.done + hardened.done, missing=report.missing + hardened.missing)


async def _server_of(admin: str, name: str) -> str:
    """An address that can be reached before the database exists."""
    try:
        await (await session.connect(admin)).close()
    except asyncpg.InvalidCatalogNameError:
        printing.note(f"The database {name} is not there yet.")
        return urlunsplit(urlsplit(admin)._replace(path="/postgres"))
    return admin
