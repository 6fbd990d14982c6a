"""`python -m bench`: ShopKit beside the limits of its stack, in one run on one fresh PostgreSQL.

Exit code 0 when every measured target is met and every answer was the expected one, 1 when not.
"""

import argparse
import json
import os
import platform
import shutil
import signal
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console

from bench import database, dataset, measure, report, rounds, servers, statements, workloads

WIDTH_OF_A_FILE = 160


def _arguments(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure ShopKit against its limits.")
    parser.add_argument("--seconds", type=float, default=8, help="length of one closed loop (default 8)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds; medians are shown (default 3)")
    parser.add_argument("--clients", type=int, default=16, help="clients in the closed loop (default 16)")
    parser.add_argument("--products", type=int, default=10_000, help="products of the dataset (default 10,000)")
    parser.add_argument("--only", default=",".join(rounds.ALL), help=f"workloads, of {','.join(rounds.ALL)}")
    parser.add_argument("--limits-only", action="store_true", help="measure the limits and leave ShopKit out")
    parser.add_argument("--statements", action="store_true", help="count every SQL statement (slower) and print them")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure there")
    parser.add_argument("--work-dir", type=Path, help="where the run's database and logs live while it runs")
    options = parser.parse_args(words)
    options.only = set(options.only.split(","))
    if unknown := options.only - set(rounds.ALL):
        parser.error(f"no such workload: {', '.join(sorted(unknown))}")
    if options.products < len(dataset.CATEGORIES):
        parser.error(f"at least {len(dataset.CATEGORIES)} products, one for each category")
    return options


def main(words: list[str]) -> int:
    options = _arguments(words)
    console = Console(width=None if sys.stdout.isatty() else WIDTH_OF_A_FILE)
    folder = Path(tempfile.mkdtemp(prefix="shopkit-bench-", dir=options.work_dir))
    folder.chmod(0o755)  # the database's own system user must be able to enter
    try:
        outcome = _measure(options, folder, console)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    report.show(outcome, console)
    if options.json:
        options.json.write_text(json.dumps(report.as_json(outcome), indent=2) + "\n")
        console.print(f"Every figure is in {options.json}")
    return 0 if outcome.is_met else 1


def _measure(options: argparse.Namespace, folder: Path, console: Console) -> report.Outcome:
    cpus, load_before = measure.Cpus.pick(), os.getloadavg()[0]
    os.sched_setaffinity(0, {cpus.rest})
    with ExitStack() as stack, console.status("Starting PostgreSQL") as status:
        postgres = stack.enter_context(
            database.fresh(folder / "data", statements.SETTINGS if options.statements else {})
        )
        status.update(f"Copying {options.products:,} products for the limits")
        database.fill_limits(postgres, products=options.products, hot=options.rounds)
        slugs = [item.slug for item in dataset.products(options.products)]
        limits = _limits(stack, postgres, folder, cpus, slugs)
        shop: rounds.Side | None = None
        starts: list[float] = []
        if not options.limits_only:
            status.update(f"Loading {options.products:,} products into ShopKit")
            shop, starts = _shop(stack, postgres, folder, cpus, slugs, options)
        sides = [limits] + ([shop] if shop else [])
        course = rounds.Course(
            clients=options.clients, seconds=options.seconds, postmaster=postgres.pid, pgbench=postgres.pgbench,
            limits_dsn=postgres.limits_dsn, folder=folder,
            statistics_dsn=postgres.limits_dsn if options.statements else "",
        )  # fmt: skip
        for side in sides:
            course.prepare(side)
        todo = list(rounds.turns(course, sides, rounds=options.rounds, only=options.only, products=options.products))
        for place, (name, run) in enumerate(todo, 1):
            status.update(f"[{place}/{len(todo)}] {name}")
            run()
        process = report.Process(start_seconds=starts, memory=measure.memory(shop.app.pid)) if shop else None
    return report.Outcome(
        machine=_machine(options, postgres.version, cpus, load_before), limits=limits, shop=shop, process=process
    )


def _limits(
    stack: ExitStack, postgres: database.Postgres, folder: Path, cpus: measure.Cpus, slugs: list[str]
) -> rounds.Side:
    port = servers.free_port()
    command = [sys.executable, "-m", "bench.limits", postgres.limits_dsn, str(port)]
    app = servers.start("limits", command, port=port, cpu=cpus.app, ready_path="/static", folder=folder)
    stack.callback(app.stop)
    buyers = workloads.Buyers("", slugs)
    return rounds.Side(name="limits", app=app, dsn=postgres.limits_dsn, practice=("order",), buyers=buyers)


def _shop(
    stack: ExitStack,
    postgres: database.Postgres,
    folder: Path,
    cpus: measure.Cpus,
    slugs: list[str],
    options: argparse.Namespace,
) -> tuple[rounds.Side, list[float]]:
    from bench import shop  # noqa: PLC0415 - `--limits-only` works without it

    shop.load(postgres, folder, products=options.products, hot=options.rounds)
    app, starts = shop.serve(postgres, folder, cpus)
    stack.callback(app.stop)
    buyers, practice = workloads.Buyers(workloads.PREFIX, slugs), ("cart", "checkout", "order")
    return rounds.Side(name="shopkit", app=app, dsn=postgres.shop_dsn, practice=practice, buyers=buyers), starts


def _machine(options: argparse.Namespace, version: str, cpus: measure.Cpus, load_before: float) -> report.Machine:
    names = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if "model name" in line
    ]
    return report.Machine(
        python=platform.python_version(),
        postgresql=version,
        processor=names[0] if names else platform.machine(),
        cpus=cpus,
        load_before=load_before,
        clients=options.clients,
        seconds=options.seconds,
        rounds=options.rounds,
        products=options.products,
    )


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # leave by the same door as Ctrl-C: everything is stopped
    sys.exit(main(sys.argv[1:]))
