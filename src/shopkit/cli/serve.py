"""`shopkit serve`: web and worker in one process, or N web processes and one worker."""

import socket
from collections.abc import Callable, Sequence

import rich_click as click

import shopkit
from shopkit.cli import options, prepare, printing, processes, running, session
from shopkit.cli.processes import Child
from shopkit.cli.session import Urls
from shopkit.core.kernel import logs
from shopkit.core.kernel.config import Config

API = "/api/store/v1"
DOCS = "/api/docs"


@click.command()
@click.option("--host", metavar="ADDRESS", help="Listen on this address. Default: SHOPKIT_HOST, 127.0.0.1.")
@click.option("--port", type=click.IntRange(1, 65_535), help="Listen on this port. Default: SHOPKIT_PORT, 8000.")
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=1,
    help="Web processes. With more than one, the worker gets its own.",
)
@click.option("--no-worker", is_flag=True, help="Only the web; `shopkit worker` runs elsewhere.")
@options.data_dir
def serve(host: str | None, port: int | None, workers: int, no_worker: bool, data_dir: str | None) -> int:
    """Run the shop: web and worker.

    Without SHOPKIT_DATABASE_URL the embedded PostgreSQL is started, migrated and given a first tenant. Ctrl-C or
    SIGTERM lets running requests end and stops everything that was started.
    """
    config = session.read(host=host, port=port, data_dir=data_dir)
    logs.configure(config)
    has_key = bool(config.master_key) or config.key_path.exists()
    with running.listen(config) as listener, session.database(config) as urls:
        make_ready(config, urls, with_demo=False)

        def tell() -> None:
            printing.note(f"ShopKit {shopkit.__version__} answers at {address_of(config)}{API}")
            if not has_key:
                printing.note(f"Its master key was made: {config.key_path}. Back it up, apart from the database.")

        if workers > 1:
            return _serve_split(config, urls, listener, workers, with_worker=not no_worker, on_ready=tell)
        session.run(running.run_web(config, urls.app, listener, with_worker=not no_worker, on_ready=tell))
        return 0


def make_ready(config: Config, urls: Urls, *, with_demo: bool) -> None:
    """Prepare the embedded database if it needs that; of an external one, only look. Raises `ConfigFault`."""
    if not config.is_embedded and not with_demo:
        session.run(session.require_migrated(config, urls))
    elif not session.run(prepare.is_ready(config, urls, with_demo=with_demo)):
        prepare.in_child(config, with_demo=with_demo)


def address_of(config: Config) -> str:
    """Where a person on this machine reaches the shop."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(config.host, config.host)  # noqa: S104 shown, not listened on
    return f"http://{f'[{host}]' if ':' in host else host}:{config.port}"


def _serve_split(
    config: Config,
    urls: Urls,
    listener: socket.socket,
    workers: int,
    *,
    with_worker: bool,
    on_ready: Callable[[], None],
) -> int:
    children = [_web(number, listener.fileno()) for number in range(1, workers + 1)]
    if with_worker:
        children.append(Child(name="worker", words=["worker", "run"]))
    session.run(session.check_fitness(config, urls))
    on_ready()
    return session.run(_kept(children, config, urls))


async def _kept(children: Sequence[Child], config: Config, urls: Urls) -> int:
    try:
        return await processes.keep(children, session.environment_of(config, urls))
    finally:
        running.ignore_signals()


def _web(number: int, listener: int) -> Child:
    return Child(name=f"web {number}", words=["serve-process", "--listener", str(listener)], inherits=[listener])


@click.command(hidden=True)
@click.option("--listener", type=int, required=True, help="The listening socket, inherited.")
@click.option("--parent", type=int, help="A pipe that ends with the parent, inherited.")
def serve_process(listener: int, parent: int | None) -> None:
    """One web process of several."""
    config = session.read()
    logs.configure(config)
    with socket.socket(fileno=listener) as inherited:
        session.run(running.run_web(config, config.database_url, inherited, with_worker=False, parent=parent))
