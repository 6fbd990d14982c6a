"""`shopkit worker`: the worker alone, and what it has given up."""

from uuid import UUID

import rich_click as click

from shopkit.cli import options, printing, running, serve, session
from shopkit.core.kernel import logs
from shopkit.worker import dead as letters


@click.group(invoke_without_command=True)
@click.pass_context
def worker(context: click.Context) -> None:
    """Run the worker alone (`shopkit worker`); look after work that failed."""
    if context.invoked_subcommand is None:
        context.invoke(run)


@worker.command()
@click.option("--parent", type=int, hidden=True, help="A pipe that ends with the parent, inherited.")
@options.data_dir
def run(parent: int | None = None, data_dir: str | None = None) -> None:
    """Bring facts to their listeners, do jobs and chores, until Ctrl-C. Any number may run side by side."""
    config = session.read(data_dir=data_dir)
    logs.configure(config)
    with session.database(config) as urls:
        if parent is None:
            serve.make_ready(config, urls, with_demo=False)
            printing.note("The worker runs. Ctrl-C stops it.")
        session.run(running.run_worker(config, urls.app, parent=parent))


@worker.command()
@options.staff
def dead(tenant: str | None, data_dir: str | None, is_json: bool) -> None:
    """What was given up after the last attempt."""
    found = session.as_staff(data_dir, tenant, letters.dead_letters)
    if is_json:
        printing.as_json(found)
        return
    columns = {
        "id": "Id", "name": "Work", "subject": "About", "attempts": "Tries", "dead_at": "Given up", "last_error": "Why",
    }  # fmt: skip
    rows = [{name: getattr(letter, name) for name in columns} for letter in found]
    printing.table(rows, columns, empty="Nothing was given up.")


@worker.command()
@click.argument("letter", metavar="ID", type=click.UUID)
@options.staff
def revive(letter: UUID, tenant: str | None, data_dir: str | None, is_json: bool) -> None:
    """Have it tried again from the start."""
    session.as_staff(data_dir, tenant, lambda shop, scope: letters.revive(shop, scope, letter))
    if is_json:
        printing.as_json({"id": letter})
    else:
        print("It will be tried again at once.")
