"""The measuring itself: limits and ShopKit take turns on the same machine in the same minutes; medians come out."""

import statistics
from collections.abc import Callable, Iterator
from pathlib import Path

import uvloop
from msgspec import Struct, field
from rich.console import Console

from bench import database, dataset, driver, measure, pgbench, servers, statements, workloads

WARM_UP_SECONDS = 1.0
PRACTICE_OPERATIONS = 300


class Sample(Struct, kw_only=True):
    """One workload in one round. CPU is milliseconds per operation; afterwork is what ran once the clients had left.

    `foreign_cpus` is how many CPUs other work on the machine took meanwhile: above a few percent, rates are not ours.
    """

    per_second: float
    app_cpu_ms: float | None = None
    pg_cpu_ms: float | None = None
    driver_cpu_ms: float | None = None
    afterwork_cpu_ms: float | None = None
    foreign_cpus: float | None = None
    load: driver.Load | None = None


class _Edge(Struct, frozen=True, kw_only=True):
    """CPU seconds until an instant."""

    app: float
    postgres: float
    driver: float
    everybody: float


class Side(Struct, kw_only=True):
    """ShopKit or the limits: a running server and the buyers that know its API."""

    name: str
    app: servers.App
    dsn: str
    """Its database as superuser, for VACUUM and ANALYZE."""
    practice: tuple[str, ...]
    """Workloads that write: some of each before anything is measured."""
    buyers: workloads.Buyers
    samples: dict[str, list[Sample]] = field(default_factory=dict)
    rushes: list[workloads.Rush] = field(default_factory=list)

    def journey(self, workload: str) -> driver.Journey:
        journeys = {"list": self.buyers.newest}
        return journeys.get(workload) or getattr(self.buyers, workload)

    def median(self, workload: str, figure: str = "per_second") -> float | None:
        values = [value for sample in self.samples.get(workload, []) if (value := getattr(sample, figure)) is not None]
        return statistics.median(values) if values else None

    def rates(self) -> dict[str, float]:
        return {workload: rate for workload in self.samples if (rate := self.median(workload)) is not None}

    def foreign(self) -> list[float]:
        return [sample.foreign_cpus for samples in self.samples.values() for sample in samples if sample.foreign_cpus]

    def errors(self) -> dict[str, list[str]]:
        """Unexpected answers by workload, some of them word by word."""
        return {
            workload: [text for sample in samples if sample.load for text in _told(sample.load)]
            for workload, samples in self.samples.items()
            if any(sample.load and sample.load.errors for sample in samples)
        }


def _told(load: driver.Load) -> list[str]:
    return [f"{count} × {kind}" for kind, count in load.errors.items()] + list(dict.fromkeys(load.samples))


class Course(Struct, kw_only=True):
    """How to run: who drives, for how long, which postmaster is charged for the SQL."""

    clients: int
    seconds: float
    postmaster: int
    pgbench: Path
    limits_dsn: str
    folder: Path
    statistics_dsn: str = ""
    """Set: every statement is counted, and the counts are printed after each loop."""

    def prepare(self, side: Side) -> None:
        """Some hundred carts and orders, then ANALYZE, as autovacuum does within a minute.

        Plans made while a table was empty would otherwise be kept; ANALYZE makes every connection plan anew.
        """
        client = driver.Client(0, "127.0.0.1", side.app.port)
        journeys = [side.journey(workload) for workload in side.practice]
        uvloop.run(side.buyers.prepare(client, journeys, PRACTICE_OPERATIONS // len(journeys)))
        measure.settle(side.app.pid, self.postmaster)
        database.vacuum(side.dsn)

    def run(self, side: Side, workload: str) -> None:
        """One closed loop, with CPU counted between the same two instants as the operations."""
        edges: list[_Edge] = []
        if self.statistics_dsn:
            uvloop.run(statements.reset(self.statistics_dsn))
        clients = [driver.Client(number, "127.0.0.1", side.app.port) for number in range(self.clients)]
        load = uvloop.run(
            driver.run(
                clients,
                side.journey(workload),
                seconds=self.seconds,
                warm_up_seconds=WARM_UP_SECONDS,
                at_edge=lambda: edges.append(self._edge(side)),
            )
        )
        begin, end = edges
        operations = sum(client.operations for client in clients)
        per_operation = 1000 / max(load.operations, 1)
        ours = sum((end.app - begin.app, end.postgres - begin.postgres, end.driver - begin.driver))
        left_behind = measure.settle(side.app.pid, self.postmaster)
        sample = Sample(
            per_second=load.per_second,
            app_cpu_ms=(end.app - begin.app) * per_operation,
            pg_cpu_ms=(end.postgres - begin.postgres) * per_operation,
            driver_cpu_ms=(end.driver - begin.driver) * per_operation,
            afterwork_cpu_ms=left_behind * 1000 / max(operations, 1),
            foreign_cpus=None if load.errors else max(0.0, end.everybody - begin.everybody - ours) / load.seconds,
            load=load,
        )
        side.samples.setdefault(workload, []).append(sample)
        if self.statistics_dsn:
            found = uvloop.run(statements.top(self.statistics_dsn))
            statements.show(Console(width=240), f"{side.name}, {workload}", found, operations)

    def _edge(self, side: Side) -> "_Edge":
        return _Edge(
            app=measure.cpu_seconds(side.app.pid),
            postgres=measure.cpu_seconds(self.postmaster),
            driver=measure.own_cpu_seconds(),
            everybody=measure.busy_seconds(),
        )

    def run_pgbench(self, limits: Side, variants: int) -> None:
        """The checkout's SQL alone; its PostgreSQL CPU includes the program's moment of connecting."""
        before = measure.cpu_seconds(self.postmaster)
        rate = pgbench.run(
            self.pgbench,
            self.limits_dsn,
            folder=self.folder,
            clients=self.clients,
            seconds=self.seconds,
            variants=variants,
        )
        cpu = (measure.cpu_seconds(self.postmaster) - before) * 1000 / max(rate * round(self.seconds), 1)
        limits.samples.setdefault("pgbench", []).append(Sample(per_second=rate, pg_cpu_ms=cpu))
        measure.settle(self.postmaster)

    def run_rush(self, side: Side, slug: str) -> None:
        clients = [driver.Client(number, "127.0.0.1", side.app.port) for number in range(workloads.BUYERS)]
        side.rushes.append(uvloop.run(side.buyers.rush(clients, slug)))
        measure.settle(side.app.pid, self.postmaster)


LIMITS = ("static", "product", "list", "order", "pgbench", "rush")
SHOP = ("product", "list", "cart", "checkout", "order", "rush")
ALL = tuple(dict.fromkeys(LIMITS + SHOP))


def turns(
    course: Course, sides: list[Side], *, rounds: int, only: set[str], products: int
) -> Iterator[tuple[str, Callable[[], None]]]:
    """Every measurement in order, each with its name. The side that goes first changes from round to round."""
    for turn in range(rounds):
        hot = next(item.slug for place, item in enumerate(dataset.hot_products(rounds)) if place == turn)
        for workload in ALL:
            for side in sides if turn % 2 == 0 else reversed(sides):
                if _is_wanted(side, workload, only):
                    yield f"round {turn + 1}: {side.name}, {workload}", _turn(course, side, workload, hot, products)


def _is_wanted(side: Side, workload: str, only: set[str]) -> bool:
    if side.name == "limits":  # the product page is the yardstick that scales every peer
        return workload in LIMITS and (workload in only or workload == "product")
    return workload in SHOP and workload in only


def _turn(course: Course, side: Side, workload: str, hot: str, products: int) -> Callable[[], None]:
    if workload == "rush":
        return lambda: course.run_rush(side, hot)
    if workload == "pgbench":
        return lambda: course.run_pgbench(side, products * dataset.VARIANTS_PER_PRODUCT)
    return lambda: course.run(side, workload)
