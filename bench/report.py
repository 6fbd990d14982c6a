"""The run on one screen, and the same as JSON."""

from collections.abc import Iterator
from typing import Any

from msgspec import Struct, to_builtins
from rich.console import Console
from rich.table import Table

from bench import dataset, measure, targets
from bench.rounds import Side

MEGABYTE = 1_000_000
FOREIGN_CPUS_TO_TELL = 0.1


class Machine(Struct, kw_only=True):
    """Where the figures come from; a figure of another machine or hour is no comparison."""

    python: str
    postgresql: str
    processor: str
    cpus: measure.Cpus
    load_before: float
    clients: int
    seconds: float
    rounds: int
    products: int


class Process(Struct, kw_only=True):
    """The shop as a process, after the whole bench."""

    start_seconds: list[float]
    memory: measure.Memory

    @property
    def starts_in_time(self) -> bool:
        return sorted(self.start_seconds)[len(self.start_seconds) // 2] < targets.START_SECONDS_BELOW

    @property
    def fits(self) -> bool:
        return self.memory.rss_bytes <= targets.MEMORY_BYTES_AT_MOST


class Outcome(Struct, kw_only=True):
    """Everything that was measured. `shop` is None when only the limits ran."""

    machine: Machine
    limits: Side
    shop: Side | None
    process: Process | None

    @property
    def sides(self) -> list[Side]:
        return [self.limits] + ([self.shop] if self.shop else [])

    @property
    def verdicts(self) -> list[targets.Verdict]:
        if self.shop is None:
            return []
        rates, failed = self.shop.rates(), self.shop.errors()
        return [
            targets.judge(target, rates[target.workload], self.limits.rates(), has_failed=target.workload in failed)
            for target in targets.TARGETS
            if target.workload in rates
        ]

    @property
    def errors(self) -> dict[str, dict[str, list[str]]]:
        found = {side.name: side.errors() for side in self.sides}
        for side in self.sides:
            wrong = [str(rush) for rush in side.rushes if not rush.is_exact]
            if wrong:
                found[side.name]["rush"] = wrong
        return {name: errors for name, errors in found.items() if errors}

    @property
    def is_met(self) -> bool:
        """Every target that was measured holds and no answer was unexpected."""
        rushes = self.shop.rushes if self.shop else []
        in_time = all(rush.seconds <= targets.RUSH_SECONDS_AT_MOST for rush in rushes)
        process = self.process is None or (self.process.fits and self.process.starts_in_time)
        return not self.errors and in_time and process and all(verdict.is_met is not False for verdict in self.verdicts)


def as_json(outcome: Outcome) -> dict[str, Any]:
    """Plain values: medians and verdicts first, then every round."""
    return {
        "machine": to_builtins(outcome.machine),
        "verdicts": to_builtins(outcome.verdicts),
        "is_met": outcome.is_met,
        "process": to_builtins(outcome.process),
        "errors": outcome.errors,
        "sides": {
            side.name: {"rounds": to_builtins(side.samples), "rush": to_builtins(side.rushes)} for side in outcome.sides
        },
    }


def show(outcome: Outcome, console: Console) -> None:
    """Print the machine, both tables, the process and every unexpected answer."""
    for line in _heading(outcome):
        console.print(line)
    console.print(_limits_table(outcome.limits))
    if outcome.shop:
        console.print(_shop_table(outcome))
    for side in outcome.sides:
        for rush in side.rushes:
            _show_rush(console, side, rush)
    if outcome.process:
        _show_process(console, outcome.process)
    for name, errors in outcome.errors.items():
        for workload, texts in errors.items():
            console.print(f"[red]{name}, {workload}: unexpected answers:[/]", *texts, sep="\n  ", highlight=False)


def _heading(outcome: Outcome) -> Iterator[str]:
    machine = outcome.machine
    yield (
        f"{machine.clients} clients, {machine.rounds} rounds of {machine.seconds:g} s (medians), "
        f"{machine.products:,} products; Python {machine.python}, PostgreSQL {machine.postgresql}, {machine.processor}"
    )
    if machine.cpus.is_apart:
        yield f"App on CPU {machine.cpus.app}, PostgreSQL and driver on CPU {machine.cpus.rest}"
    else:
        yield "[red]One CPU for app, PostgreSQL and driver: the rates are not comparable with those of two[/]"
    foreign = max((share for side in outcome.sides for share in side.foreign()), default=0.0)
    if foreign > FOREIGN_CPUS_TO_TELL:
        yield f"[red]Other work took up to {foreign:.2f} CPUs meanwhile: trust the CPU columns, not the rates[/]"


def _limits_table(side: Side) -> Table:
    table = Table(
        "limit", "per second", "app ms", "PG ms", "afterwork ms", "p50/p95/p99 ms", title="What the stack can do"
    )
    for workload in side.samples:
        table.add_row(workload, *_figures(side, workload))
    return table


def _shop_table(outcome: Outcome) -> Table:
    table = Table(
        "workload", "per second", "app ms", "PG ms", "afterwork ms", "p50/p95/p99 ms", "of the limit", "by CPU",
        "peer, scaled", "× peer", "met", title="ShopKit",
    )  # fmt: skip
    assert outcome.shop
    titles = {target.workload: target.title for target in targets.TARGETS}
    for verdict in outcome.verdicts:
        table.add_row(
            titles[verdict.workload],
            *_figures(outcome.shop, verdict.workload),
            _against(verdict.limit_share, verdict.limit_share_at_least, percent=True),
            _by_cpu(outcome, verdict.workload),
            "–" if verdict.peer_scaled_per_second is None else f"{verdict.peer_scaled_per_second:.1f}",
            _against(verdict.peer_times, verdict.peer_times_at_least),
            {True: "[green]yes[/]", False: "[red]no[/]", None: "?"}[verdict.is_met],
        )
    return table


def _by_cpu(outcome: Outcome, workload: str) -> str:
    """CPU of the limit as a share of ours, app and PostgreSQL together: the ratio that a busy machine cannot bend."""
    assert outcome.shop
    limit, shop = _cpu(outcome.limits, workload), _cpu(outcome.shop, workload)
    return f"{limit / shop:.0%}" if limit and shop else "–"


def _cpu(side: Side, workload: str) -> float:
    return sum(side.median(workload, name) or 0.0 for name in ("app_cpu_ms", "pg_cpu_ms"))


def _figures(side: Side, workload: str) -> list[str]:
    loads = [sample.load for sample in side.samples[workload] if sample.load]
    middle = sorted(loads, key=lambda load: load.per_second)[len(loads) // 2] if loads else None
    figures = [side.median(workload, name) for name in ("app_cpu_ms", "pg_cpu_ms", "afterwork_cpu_ms")]
    return [
        f"{side.median(workload):,.0f}",
        *("–" if value is None else f"{value:.3f}" for value in figures),
        f"{middle.p50_ms:.1f} / {middle.p95_ms:.1f} / {middle.p99_ms:.1f}" if middle else "–",
    ]


def _against(value: float | None, least: float | None, *, percent: bool = False) -> str:
    if least is None:
        return "–"
    shown = "?" if value is None else f"{value:.0%}" if percent else f"{value:.1f}"
    return f"{shown} (≥ {least:.0%})" if percent else f"{shown} (≥ {least:g})"


def _show_rush(console: Console, side: Side, rush: Any) -> None:
    good = rush.is_exact and rush.seconds <= targets.RUSH_SECONDS_AT_MOST
    console.print(
        f"{side.name}: hot SKU, stock {dataset.HOT_STOCK}: {rush.placed} orders, {rush.out_of_stock} out_of_stock, "
        f"others {rush.others or 'none'}, {rush.seconds:.2f} s (≤ {targets.RUSH_SECONDS_AT_MOST:g}) " + _met(good)
    )


def _show_process(console: Console, process: Process) -> None:
    memory = process.memory
    console.print(
        f"memory after the bench: {memory.rss_bytes / MEGABYTE:.0f} MB resident in {memory.processes} process(es), "
        f"{memory.pss_bytes / MEGABYTE:.0f} MB proportional (≤ 150) " + _met(process.fits)
    )
    starts = ", ".join(f"{seconds:.2f}" for seconds in process.start_seconds)
    console.print(f"start to first answer, existing database: {starts} s (< 2) " + _met(process.starts_in_time))


def _met(is_met: bool) -> str:
    return "[green]met[/]" if is_met else "[red]not met[/]"
