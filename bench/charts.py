"""``python -m bench.charts [results.json ...]``: charts and a table for ``docs/explanation/performance``.

Without names: the newest file of ``bench/results``. Of a row that several files have, the last one's figures count.
"""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.keep import RESULTS
from bench.rows import digits
from bench.svg import Bar, bars

DOCS = Path(__file__).resolve().parent.parent / "docs" / "explanation" / "performance"
Kept = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Chart:
    file: str
    title: str
    workload: str
    figure: str
    logarithmic: bool = False


WRITTEN = (
    "Written by `make charts` from a run of the suite. [Performance](../performance.md) says what the workloads are "
    "and how to read this."
)
CHARTS = (
    Chart("a1", "A1: tasks a second, created beforehand", "a1", "tasks/s", logarithmic=True),
    Chart("a2", "A2: tasks a second, created one call at a time", "a2", "tasks/s", logarithmic=True),
    Chart("a3", "A3: tasks a second, created 100 a call", "a3", "tasks/s", logarithmic=True),
    Chart("a4", "A4: milliseconds from create to complete, median", "a4", "p50 ms", logarithmic=True),
    Chart("b", "B, 1 -> 8 -> 1: steps a second", "b", "steps/s", logarithmic=True),
    Chart("d", "D: percent of a core of an idle worker", "d", "worker % of a core"),
)


def main() -> None:
    files = [Path(name) for name in sys.argv[1:]] or sorted(RESULTS.glob("*.json"))[-1:]
    if not files:
        sys.exit(f"there are no results in {RESULTS}: run `make bench-peers` first, or name files")
    runs = [json.loads(file.read_text("utf-8")) for file in files]
    rows = {_key(row): row for run in runs for row in run["rows"]}
    DOCS.mkdir(parents=True, exist_ok=True)
    for chart in CHARTS:
        if shown := _bars(chart, list(rows.values())):
            text = bars(chart.title, shown, logarithmic=chart.logarithmic)
            (DOCS / f"{chart.file}.svg").write_text(text, "utf-8")
    (DOCS / "figures.md").write_text(_table(runs, list(rows.values())), "utf-8")
    print(f"written to {DOCS}")


def _bars(chart: Chart, rows: Sequence[Kept]) -> list[Bar]:
    shown = []
    for row in rows:
        values = _values(row, chart.figure)
        if row["workload"] == chart.workload and values:
            name = _name(row)
            shown.append(Bar(name, statistics.median(values), min(values), max(values), row["system"] == "Tasker"))
    return shown


def _table(runs: Sequence[Kept], rows: Sequence[Kept]) -> str:
    began = ", ".join(run["began"] for run in runs)
    machine = " or ".join(dict.fromkeys(_list(run["machine"], "{} {}") for run in runs))
    settings = " or ".join(dict.fromkeys(_list(run["postgresql"], "`{} = {}`") for run in runs))
    peers = {name: version for run in runs for name, version in run["peers"].items()}
    lines = [
        "# Figures", "",
        WRITTEN, "",
        f"Runs of {began}: {machine}.", "", f"PostgreSQL: {settings}.", "",
        f"Peers: {'; '.join(f'{name}: {version}' for name, version in peers.items()) or 'none'}.", "",
        "| system | on | workload | workers | tasks | how submitted | figure | median | lowest - highest | runs |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for row in rows:
        about = f"| {row['system']} | {row['database']} | {row['workload'].upper()} | {row['workers']} "
        about += f"| {row['tasks']:,} | {row['submitted']} "
        names = list(dict.fromkeys(name for one in row["runs"] if one for name in one))
        for name in names:
            values = _values(row, name)
            sides = f"{digits(min(values))} - {digits(max(values))}"
            lines.append(f"{about}| {name} | {digits(statistics.median(values))} | {sides} | {len(values)} |")
        if not names:
            lines.append(f"{about}| **not measured** | {'; '.join(dict.fromkeys(row['failures']))} | | 0 |")
    return "\n".join(lines) + "\n"


def _list(said: Kept, pattern: str) -> str:
    return ", ".join(pattern.format(name, value) for name, value in said.items())


def _values(row: Kept, figure: str) -> list[float]:
    return [one[figure] for one in row["runs"] if one and figure in one]


def _name(row: Kept) -> str:
    several = f", {row['workers']} workers" if row["workers"] > 1 else ""
    return f"{row['system']}, {row['database']}{several} ({row['submitted']})"


def _key(row: Kept) -> tuple[Any, ...]:
    return row["system"], row["database"], row["workload"], row["workers"]


if __name__ == "__main__":
    main()
