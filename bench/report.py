"""The tables: every row's median and spread, and the ratios that matter, each taken within one round."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from bench.rows import Result, digits

BASE = "DBOS/postgres"
DATABASES = (("postgres", "PostgreSQL"), ("sqlite", "SQLite"))


@dataclass(frozen=True, slots=True)
class Ratio:
    """``figure`` of one row to ``of_figure`` of another, round by round; the figure itself where ``of`` is empty.

    ``at_least`` and ``aim`` are the goals; where less is better, they are upper bounds.
    """

    what: str
    row: str
    figure: str
    of: str
    of_figure: str
    at_least: float
    aim: float
    less_is_better: bool = False


RATIOS = (
    Ratio("A1 PostgreSQL : Absurd's A1", "Tasker/postgres/a1", "tasks/s", "Absurd/postgres/a1", "tasks/s", 5, 10),
    Ratio("A1 PostgreSQL : DBOS's A1", "Tasker/postgres/a1", "tasks/s", f"{BASE}/a1", "tasks/s", 25, 50),
    Ratio("A2 PostgreSQL : DBOS's A2", "Tasker/postgres/a2", "tasks/s", f"{BASE}/a2", "tasks/s", 4, 8),
    Ratio("A3 PostgreSQL : DBOS's A2", "Tasker/postgres/a3", "tasks/s", f"{BASE}/a2", "tasks/s", 20, 40),
    Ratio("A1 SQLite : DBOS's A1 on PostgreSQL", "Tasker/sqlite/a1", "tasks/s", f"{BASE}/a1", "tasks/s", 30, 60),
    Ratio("A4 PostgreSQL p50 : Absurd's", "Tasker/postgres/a4", "p50 ms", "Absurd/postgres/a4", "p50 ms",
          0.5, 0.25, less_is_better=True),
    Ratio("A4 PostgreSQL p50 : DBOS's", "Tasker/postgres/a4", "p50 ms", f"{BASE}/a4", "p50 ms",
          0.5, 0.25, less_is_better=True),
    Ratio("A1 PostgreSQL : rows one by one", "Tasker/postgres/a1", "row writes/s", "limit/postgres/one by one",
          "rows/s", 0, 0),
    Ratio("A1 PostgreSQL : rows in batches of 100", "Tasker/postgres/a1", "row writes/s",
          "limit/postgres/batches of 100", "rows/s", 0.12, 0.25),
    *(
        Ratio(f"D {name}, % of a core of an idle {part}", f"Tasker/{kind}/d", f"{part} % of a core", "", "", 1, 0.3,
              less_is_better=True)
        for kind, name in DATABASES for part in ("worker", "server")
    ),
    *(
        Ratio(f"R {name}, Python over HTTP : in process", f"Tasker/{kind}/r", "Python tasks/s",
              f"Tasker/{kind}/r", "in process tasks/s", 0.33, 0.5)
        for kind, name in DATABASES
    ),
    *(
        Ratio(f"F {name}, a million finished tasks : none", f"Tasker/{kind}/f", "tasks/s, full",
              f"Tasker/{kind}/f", "tasks/s, empty", 0.9, 1.0)
        for kind, name in DATABASES
    ),
    *(
        Ratio(f"G {name} p99, the neighbour flooded : alone", f"Tasker/{kind}/g", "flooded p99 ms",
              f"Tasker/{kind}/g", "alone p99 ms", 2, 1.3, less_is_better=True)
        for kind, name in DATABASES
    ),
    *(
        Ratio(f"H {name} created/s, over HTTP : in process", f"Tasker/{kind}/h", "HTTP created/s",
              f"Tasker/{kind}/h", "in process created/s", 0, 0)
        for kind, name in DATABASES
    ),
    *(
        Ratio(f"L {name}, a step of a large {what} : of small ones", f"Tasker/{kind}/l", f"{what} us/step",
              f"Tasker/{kind}/l", f"{what} of small tasks us/step", 1.5, 1.2, less_is_better=True)
        for what in ("fan", "batch", "chain") for kind, name in DATABASES
    ),
    *(
        Ratio(f"{workload.upper()} {name} steps/s : A1", f"Tasker/{kind}/{workload}", "steps/s",
              f"Tasker/{kind}/a1", "steps/s", 0.8, 1.2)
        for workload in ("b", "c") for kind, name in DATABASES
    ),
)  # fmt: skip


def tables(results: Sequence[Result], console: Console) -> None:
    console.print(_summary(results))
    console.print(_costs(results))
    ratios = _ratios(results)
    if ratios.row_count:
        console.print(ratios)
    for result in results:
        for failure in dict.fromkeys(result.failures):
            console.print(f"[bold red]NOT MEASURED[/] {result.row.key}: {failure}", markup=True, highlight=False)


def ratio(wanted: Ratio, results: Mapping[str, Result]) -> list[float]:
    """One for each round in which both rows have their figure."""
    if wanted.row not in results:
        return []
    if not wanted.of:
        return results[wanted.row].values(wanted.figure)
    if wanted.of not in results:
        return []
    pairs = zip(results[wanted.row].runs, results[wanted.of].runs, strict=False)
    return [
        one[wanted.figure] / other[wanted.of_figure]
        for one, other in pairs
        if one and other and wanted.figure in one and wanted.of_figure in other
    ]


def _summary(results: Sequence[Result]) -> Table:
    base = {r.row.workload: r for r in results if r.row.key.startswith(BASE)}
    shown = Table(title="medians (lowest - highest)", title_justify="left")
    for column in ("system", "database", "workload", "workers", "tasks", "how submitted", "figure"):
        shown.add_column(column)
    for column in ("median", "spread", ": DBOS"):
        shown.add_column(column, justify="right")
    for result in results:
        row = result.row
        about = [row.system, row.database, row.workload, str(row.workers), f"{row.size:,}", row.submitted]
        if not any(result.runs):
            shown.add_row(*about, "[bold red]not measured[/]", "", "", "")
        for name in (name for name in result.figures if not _is_cost(name)):
            values = result.values(name)
            spread = f"{digits(min(values))} - {digits(max(values))}"
            shown.add_row(*about, name, digits(statistics.median(values)), spread, _to_base(result, base, name))
            about = [""] * len(about)
    return shown


def _to_base(result: Result, base: Mapping[str, Result], figure: str) -> str:
    other = base.get(result.row.workload)
    if other is None or not other.values(figure):
        return ""
    return digits(statistics.median(result.values(figure)) / statistics.median(other.values(figure)))


def _costs(results: Sequence[Result]) -> Table:
    shown = Table(title="costs, medians: they tell more than rates where the machine is noisy", title_justify="left")
    names = list(dict.fromkeys(name for result in results for name in result.figures if _is_cost(name)))
    shown.add_column("row")
    for name in names:
        shown.add_column(name, justify="right")
    for result in results:
        values = [result.values(name) for name in names]
        if any(values):
            shown.add_row(result.row.key, *(digits(statistics.median(v)) if v else "" for v in values))
    return shown


def _ratios(results: Sequence[Result]) -> Table:
    by_key = {result.row.key: result for result in results}
    shown = Table(title="ratios, each within one round", title_justify="left")
    for column in ("", "median", "spread", "at least", "aim", ""):
        shown.add_column(column, justify="right" if column else "left")
    for wanted in RATIOS:
        if not (values := ratio(wanted, by_key)):
            continue
        median = statistics.median(values)
        sides = f"{digits(min(values))} - {digits(max(values))}"
        goals = (_goal(wanted, wanted.at_least), _goal(wanted, wanted.aim))
        shown.add_row(wanted.what, digits(median), sides, *goals, _verdict(wanted, median))
    return shown


def _goal(wanted: Ratio, goal: float) -> str:
    return f"{'<=' if wanted.less_is_better else '>='} {goal:g}" if goal else ""


def _verdict(wanted: Ratio, value: float) -> str:
    def reaches(goal: float) -> bool:
        return value <= goal if wanted.less_is_better else value >= goal

    if not wanted.aim:
        return ""
    return "aim" if reaches(wanted.aim) else "reached" if reaches(wanted.at_least) else "[red]short[/]"


def _is_cost(name: str) -> bool:
    return "/step" in name or name == "row writes/s"
