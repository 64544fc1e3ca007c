"""``python -m bench``: run workloads, print medians with their spread, keep the runs as JSON."""

from __future__ import annotations

import argparse
import json
import platform
import sqlite3
import statistics
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.stage import POSTGRES_SETTINGS, STAGES
from bench.workloads import WORKLOADS, Figures
from tasker_core import __version__

RESULTS = Path(__file__).resolve().parent / "results"


def main() -> None:
    asked = arguments()
    console = Console()
    console.print(f"Tasker {__version__}, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, "
                  f"{platform.machine()}, PostgreSQL settings {POSTGRES_SETTINGS}")  # fmt: skip
    runs: dict[tuple[str, str, int], list[Figures]] = {}
    # Interleaved: a noisy minute then touches every workload alike.
    for no in range(asked.runs):
        for kind, workload, workers in plan(asked):
            run, size = WORKLOADS[workload]
            with STAGES[kind]() as stage:
                figures = run(stage, max(1, size * asked.percent // 100), workers)
            runs.setdefault((kind, workload, workers), []).append(figures)
            said = ", ".join(f"{name} {value:,.1f}" for name, value in figures.items())
            console.print(f"[dim]run {no + 1}: {kind} {workload} {workers} worker(s): {said}[/]")
    console.print(table(runs))
    keep(runs)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--databases", default="sqlite,postgres", help="sqlite, postgres, or both")
    usual = [name for name in WORKLOADS if name != "history"]  # which takes many minutes and gigabytes
    parser.add_argument("--workloads", default=",".join(usual), help=", ".join(WORKLOADS))
    parser.add_argument("--runs", type=int, default=3, help="runs of each; the median is shown")
    parser.add_argument("--percent", type=int, default=100, help="size of the workloads")
    return parser.parse_args()


def plan(asked: argparse.Namespace) -> Iterator[tuple[str, str, int]]:
    for kind in asked.databases.split(","):
        for workload in asked.workloads.split(","):
            if kind not in STAGES or workload not in WORKLOADS:
                sys.exit(f"unknown: {kind} {workload}; databases are {list(STAGES)}, workloads {list(WORKLOADS)}")
            yield kind, workload, 1
            if kind == "postgres" and workload == "a1":
                yield kind, workload, 2


def table(runs: dict[tuple[str, str, int], list[Figures]]) -> Table:
    shown = Table(title="medians (lowest - highest)", title_justify="left")
    for column in ("database", "workload", "workers", "figure", "median", "spread"):
        shown.add_column(column, justify="right" if column in ("median", "spread") else "left")
    for (kind, workload, workers), figures in runs.items():
        for name in figures[0]:
            values = [run[name] for run in figures]
            spread = f"{min(values):,.1f} - {max(values):,.1f}"
            shown.add_row(kind, workload, str(workers), name, f"{statistics.median(values):,.1f}", spread)
    return shown


def keep(runs: dict[tuple[str, str, int], list[Figures]]) -> None:
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / f"{datetime.now(UTC):%Y%m%dT%H%M%S}.json"
    rows = [{"database": k, "workload": w, "workers": n, "runs": figures} for (k, w, n), figures in runs.items()]
    said = {"tasker": __version__, "python": platform.python_version(), "sqlite": sqlite3.sqlite_version, "rows": rows}
    file.write_text(json.dumps(said, indent=2))


main()
