"""``python -m bench``: run workloads in turns, print medians, spread and ratios, keep the runs as JSON."""

from __future__ import annotations

import argparse
import signal
import sys
from datetime import UTC, datetime

from rich.console import Console

from bench import keep, limit, plan, report, rounds
from bench.peers import catalogue
from bench.rows import Row


def main() -> None:
    asked = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is ended
    console = Console(soft_wrap=True)
    began = datetime.now(UTC)
    console.print(", ".join(f"{name} {value}" for name, value in keep.machine().items()), highlight=False)
    rows = list(wanted(asked))
    results, settings = rounds.play(rows, asked.runs, lambda line: console.print(line, style="dim", markup=False))
    console.print("PostgreSQL:", ", ".join(f"{name} = {value}" for name, value in settings.items()), highlight=False)
    report.tables(results, Console(width=max(console.width, 160)))
    for reason in catalogue.not_played({row.system for row in rows}, asked.workloads):
        console.print(f"NOT PLAYED {reason}", style="bold", markup=False)
    versions = catalogue.versions({row.system for row in rows})
    console.print(f"kept in {keep.keep(results, settings, versions, began)}")
    if any(result.failures for result in results):
        sys.exit(1)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--peers", nargs="?", const="all", default="", help="measure peers too: all, or names")
    parser.add_argument("--databases", default="sqlite,postgres", help="Tasker's: sqlite, postgres, or both")
    parser.add_argument(
        "--workloads", default="", help=f"of {', '.join(plan.PLAYS)}; without: all but f, with peers all but e, f, g, h"
    )
    parser.add_argument("--runs", type=int, default=3, help="rounds; the median is shown")
    parser.add_argument("--percent", type=int, default=100, help="size of the workloads")
    asked = parser.parse_args()
    usual = plan.BESIDE_PEERS if asked.peers else plan.USUAL
    asked.workloads = tuple(asked.workloads.split(",")) if asked.workloads else usual
    asked.databases = tuple(asked.databases.split(","))
    asked.peers = tuple(name for name in asked.peers.lower().split(",") if name)
    for given, known in ((asked.workloads, plan.PLAYS), (asked.databases, ("sqlite", "postgres"))):
        for name in given:
            if name not in known:
                parser.error(f"unknown: {name!r}; there are {', '.join(known)}")
    for name in asked.peers:
        if name not in ("all", *catalogue.names()):
            parser.error(f"unknown peer {name!r}; there are all, {', '.join(catalogue.names())}")
    return asked


def wanted(asked: argparse.Namespace) -> list[Row]:
    """Tasker's rows, the limit's, and those of the peers, workload by workload."""
    rows = list(plan.rows(asked.databases, asked.workloads, asked.percent))
    if "a1" in asked.workloads and "postgres" in asked.databases:
        rows += limit.rows(asked.percent)
    if asked.peers:
        chosen = catalogue.names() if "all" in asked.peers else asked.peers
        rows += catalogue.rows(lambda peer, load: peer.lower() in chosen and load in asked.workloads, asked.percent)
    # What is compared stands side by side, the limit with A1.
    return sorted(rows, key=lambda row: row.workload if row.workload in plan.PLAYS else "a1")


if __name__ == "__main__":
    main()
