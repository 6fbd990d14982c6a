"""`shopkit migrate`: the database's shape, forward or one step back."""

import rich_click as click
from alembic.util import CommandError

from shopkit import registry
from shopkit.cli import options, prepare, printing, session
from shopkit.cli.session import Urls
from shopkit.core.tenancy import service as tenancy
from shopkit.migrations import runner
from shopkit.sdk.errors import ShopKitError


class NotMigrated(ShopKitError):
    """The database is where it was."""

    code = "not_migrated"


@click.command()
@click.option("--to", "revision", metavar="REV", help="Go to this revision. Default: the newest.")
@click.option("--back", is_flag=True, help="Go one step back, where no data is lost.")
@options.as_json
@options.data_dir
def migrate(revision: str | None, back: bool, is_json: bool, data_dir: str | None) -> None:
    """Bring the database to this version, as the owner role; safe to run from several places at once."""
    if back and revision:
        raise click.UsageError("Give --to or --back, not both.")
    config = session.read(data_dir=data_dir)
    with session.database(config) as urls:
        before, after = session.run(_migrate(urls, revision=revision, back=back))
    if is_json:
        printing.as_json({"before": before, "after": after})
    elif before == after:
        print(f"Nothing to do: the database is at {after}.")
    else:
        was, now = (f"at {revision}" if revision else "empty" for revision in (before, after))
        print(f"The database was {was} and is {now} now.")


async def _migrate(urls: Urls, *, revision: str | None, back: bool) -> tuple[str | None, str | None]:
    owner = urls.need_owner()
    if urls.server is not None and await session.revision_of(owner) is None:
        await prepare.make_database(urls)
    # A refused connection should read like one, not like a failed migration.
    await (await session.connect(owner)).close()
    try:
        with printing.step("Stepping back" if back else "Migrating"):
            if back:
                moved = await runner.downgrade(owner, app_role=urls.app_role)
            else:
                moved = await runner.upgrade(owner, app_role=urls.app_role, revision=revision or "head")
    except (CommandError, RuntimeError) as error:
        raise NotMigrated(f"Nothing was changed: {error}") from error
    if moved[1] is not None:
        connection = await session.connect(owner)
        try:
            await tenancy.ensure_schedules(connection, registry.SCHEDULES)
        finally:
            await connection.close()
    return moved
