"""`shopkit demo`: a shop with goods in it, with one command and nothing installed beside."""

import os
import shutil
import sys
from pathlib import Path
from typing import BinaryIO

import rich_click as click

import shopkit
from shopkit.cli import options, printing, running, session
from shopkit.cli.serve import API, DOCS, address_of, make_ready
from shopkit.cli.session import Urls
from shopkit.core.kernel import logs
from shopkit.core.kernel.config import Config

LOG_BYTES = 10 * 1024 * 1024


@click.command()
@click.option("--host", metavar="ADDRESS", help="Listen on this address. Default: 127.0.0.1.")
@click.option("--port", type=click.IntRange(1, 65_535), help="Listen on this port. Default: 8000.")
@options.data_dir
def demo(host: str | None, port: int | None, data_dir: str | None) -> None:
    """Run a shop with demo data; everything it needs comes along.

    The first run makes a database and loads a catalogue; the data is kept for the next. Ctrl-C stops everything that
    was started. Another --port makes a second one beside it, on the same data or, with --data-dir, on its own.
    """
    config = session.read(host=host, port=port, data_dir=data_dir)
    with running.listen(config) as listener, session.database(config) as urls:
        make_ready(config, urls, with_demo=True)
        with _open_log(config) as log:
            logs.configure(config, to=log, console_level="warning")
            session.run(
                running.run_web(config, urls.app, listener, with_worker=True, on_ready=lambda: _tell(config, urls))
            )
    printing.note("Stopped; the data is kept.")


def _open_log(config: Config) -> BinaryIO:
    config.data_path.mkdir(parents=True, exist_ok=True)
    path = _log_path(config)
    if path.exists() and path.stat().st_size > LOG_BYTES:
        path.replace(path.with_suffix(".log.1"))
    # Addresses of customers stand in it.
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab")


def _log_path(config: Config) -> Path:
    return config.data_path / "shopkit.log"


def _tell(config: Config, urls: Urls) -> None:
    address = address_of(config)
    where = f" --data-dir {_near(config.data_path)}" if config.is_embedded and config.data_dir else ""
    key = f"{_near(config.key_path)} (seals secrets and signs links; back it up)"
    lines = [
        ("Shop API", f"{address}{API}"),
        ("API pages", f"{address}{DOCS}"),
        ("Try", f"curl '{address}{API}/products?limit=3'"),
        ("Orders", f"{_program()} order list{where}"),
        ("Data", _near(config.data_path)),
        ("Master key", "from SHOPKIT_MASTER_KEY" if config.master_key else key),
        ("Logs", ", ".join([_near(_log_path(config)), *([_near(urls.server.log_file)] if urls.server else [])])),
    ]
    print(f"\nShopKit {shopkit.__version__} is running.\n")
    for name, text in lines:
        print(f"  {name + ':':<12}{text}")
    print("\nCtrl-C stops everything it started; the data is kept.\n", flush=True)


def _program() -> str:
    """How one calls this program here."""
    if shutil.which("shopkit"):
        return "shopkit"
    started_as = Path(sys.argv[0])
    return _near(started_as.absolute()) if started_as.name == "shopkit" else "python -m shopkit"


def _near(path: object) -> str:
    """The path as one would type it here."""
    given, here = Path(str(path)), Path.cwd()
    return str(given.relative_to(here)) if given.is_relative_to(here) and given != here else str(given)
