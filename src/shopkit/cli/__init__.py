"""The `shopkit` command: one module per group of commands, imported only when it is called.

Exit codes: 0 done, 1 failed or refused, 2 wrong usage or configuration, 130 interrupted. Data goes to standard
output, everything else to standard error.
"""

import contextlib
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

import rich_click as click

import shopkit
from shopkit.cli import failures
from shopkit.cli.lazy import LazyCommand

FAILED = 1
MISUSED = 2
INTERRUPTED = 130

COMMANDS = (
    ("demo", "demo:demo", "Run a shop with demo data at http://127.0.0.1:8000; everything it needs comes along."),
    ("serve", "serve:serve", "Run the shop: web and worker."),
    ("worker", "worker:worker", "Run the worker alone; look after work that failed."),
    ("migrate", "migrate:migrate", "Bring the database to this version, or one step back."),
    ("check", "check:check", "Look whether configuration, database, roles and row security are as they should be."),
    ("db", "db:db", "Prepare a PostgreSQL server: roles and database."),
    ("tenant", "tenant:tenant", "Make and list tenants."),
    ("settings", "settings:settings", "Read and change a shop's settings."),
    ("load", "load:load", "Load categories, products, prices, stock, rates and taxes from a JSON file."),
    ("order", "order:order", "Orders: list, show, confirm, hand over, deliver, collect, cancel."),
    ("stock", "stock:stock", "Stock: show, receive, adjust."),
    ("product", "product:product", "Products: list, show."),
)
HIDDEN = (
    ("prepare", "prepare:prepare", "Make the embedded database ready (run by serve and demo)."),
    ("serve-process", "serve:serve_process", "One web process (run by serve --workers)."),
)


class Program(click.RichGroup):
    """Lists commands in the order in which one meets them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, as they were added."""
        return list(self.commands)


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(shopkit.__version__, prog_name="ShopKit")
@click.option("--debug", is_flag=True, help="Show the traceback of an unexpected error.")
def cli(debug: bool) -> None:
    """ShopKit: a self-hosted shop, its database and its worker in one command.

    Begin with `shopkit demo`. Configuration is read from `SHOPKIT_...` variables; `shopkit check` judges it.
    """


for name, target, text in COMMANDS:
    cli.add_command(LazyCommand(name, target=target, help=text))
for name, target, text in HIDDEN:
    cli.add_command(LazyCommand(name, target=target, help=text, hidden=True))


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the program and exit with its code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    is_debug = "--debug" in given[: given.index("--") if "--" in given else None]
    # `kill`, and closing the terminal, end a command as Ctrl-C does, so that it stops what it has started.
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:  # not under nohup
            signal.signal(number, lambda *_: signal.raise_signal(signal.SIGINT))
    code = run([word for word in given if word != "--debug"] if is_debug else given, is_debug=is_debug)
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.flush()
    sys.exit(code)


def run(arguments: list[str], *, is_debug: bool = False) -> int:
    """Run a command and answer its exit code; what failed has been said."""
    try:
        return cli.main(arguments, prog_name="shopkit", standalone_mode=False) or 0
    except (click.Abort, KeyboardInterrupt):
        print("Stopped.", file=sys.stderr)
        return INTERRUPTED
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except BrokenPipeError:
        # Whoever read our output has seen enough.
        sys.stderr.close()
        return 0
    except Exception as error:
        if is_debug:
            raise
        return failures.tell(error)
