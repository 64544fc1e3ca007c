"""``python -m tests.chaos``: kill and suspend workers, restart the database, and count.

The exit code is 1 when anything is wrong.
"""

from __future__ import annotations

import argparse
import logging
import random
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.chaos.recovery import Recovery, quantile
from tests.chaos.run import Plan, Report, play
from tests.support.postgres import Server
from tests.support.postgres_binaries import installations


def main() -> None:
    asked = _arguments()
    logging.getLogger("psycopg").setLevel(logging.CRITICAL)  # each lost connection, many times over
    plan = Plan(tasks=asked.tasks, seconds=asked.minutes * 60, seed=asked.seed, lease=asked.lease)
    print(f"seed {plan.seed}: {plan.tasks} tasks, {plan.workers} workers, lease {plan.lease:g} s, on {asked.database}")
    with tempfile.TemporaryDirectory(prefix="tasker-chaos-") as name:
        directory = Path(name)
        with _stage(asked.database, directory) as (url, server):
            report = play(plan, url, directory, server, _say)
    _show(plan, report)
    sys.exit(1 if report.complaints else 0)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--database", choices=["postgres", "sqlite"], default="postgres")
    parser.add_argument("--tasks", type=int, default=500)
    parser.add_argument("--minutes", type=float, default=2.0, help="how long blows fall")
    parser.add_argument("--lease", type=float, default=5.0, help="seconds")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    return parser.parse_args()


@contextmanager
def _stage(database: str, directory: Path) -> Iterator[tuple[str, Server | None]]:
    if database == "sqlite":
        yield f"sqlite:///{directory / 'tasker.db'}", None
        return
    with Server(installations()[0]) as server:
        print(f"PostgreSQL {'.'.join(map(str, server.version))}, fsync on")
        yield server.create_database(), server


def _say(what: str) -> None:
    print(what, flush=True)


def _show(plan: Plan, report: Report) -> None:
    blows = report.blows
    print(f"\n{plan.tasks} tasks, {report.steps} steps, {report.seconds:.0f} s, seed {plan.seed}")
    print(f"kill -9: {len(blows.kills)}; suspended: {blows.short_stops} for less than a second, "
          f"{blows.long_stops} for longer than the lease")  # fmt: skip
    away = ", ".join(f"{back - gone:.1f} s" for gone, back in report.outages)
    print(f"database restarts: {len(report.outages)}{f' (away for {away})' if away else ''}; "
          f"creates asked again: {report.asked_again}; workers that met none at their start: "
          f"{blows.starts_without_database}")  # fmt: skip
    print("attempts: " + ", ".join(f"{count} {ending}" for ending, count in report.endings.items())
          + f"; late reports refused: {report.refused}")  # fmt: skip
    print(f"effects: {report.effects}, asked for {report.calls} times")
    quiet = [each for each in report.recoveries if not each.beside_outage]
    _show_times("after kill -9, not beside a restart of the database", quiet)
    _show_times("after kill -9, beside one", [each for each in report.recoveries if each.beside_outage])
    for complaint in report.complaints:
        print(f"WRONG: {complaint}")
    print("everything agrees" if not report.complaints else f"{len(report.complaints)} things disagree")


def _show_times(when: str, recoveries: list[Recovery]) -> None:
    if recoveries:
        back, again = [each.put_back for each in recoveries], [each.claimed for each in recoveries]
        print(f"{when}: {len(recoveries)} steps; back in the queue p50 {quantile(back, 0.5):.2f} s, "
              f"p99 {quantile(back, 0.99):.2f} s; claimed again p50 {quantile(again, 0.5):.2f} s, "
              f"p99 {quantile(again, 0.99):.2f} s")  # fmt: skip


if __name__ == "__main__":
    main()
