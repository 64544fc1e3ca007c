"""Tasker's rows: which workload, on which database, with how many workers, of which size."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from bench import workloads
from bench.counts import counts
from bench.explaining import explain
from bench.fairness import g
from bench.ground import Ground
from bench.history import f
from bench.idle import SECONDS, d
from bench.large import large
from bench.limits import k
from bench.memory import e
from bench.over_http import CLIENTS, h
from bench.remote import r
from bench.rows import Figures, Row, Turn
from bench.stage import STAGES, Stage
from bench.workloads import CREATED_IN_BULK


@dataclass(frozen=True, slots=True)
class Play:
    """A workload of Tasker."""

    run: Callable[[Stage, int, int], Figures]
    size: int
    submitted: str
    workers: Mapping[str, tuple[int, ...]]
    turn: Turn = "each round"


ONE = {"sqlite": (1,), "postgres": (1,)}

PLAYS = {
    "a1": Play(workloads.a1, 2_000, CREATED_IN_BULK, {"sqlite": (1,), "postgres": (1, 2)}),
    "a2": Play(workloads.a2, 2_000, "one a call", ONE),
    "a3": Play(workloads.a3, 2_000, "100 a call", ONE),
    "a4": Play(workloads.a4, 300, "one a call, worker and client in one process", ONE),
    "b": Play(workloads.b, 500, CREATED_IN_BULK, ONE),
    "c": Play(workloads.c, 3, CREATED_IN_BULK, ONE),
    "d": Play(d, SECONDS, "nothing", ONE, "together"),
    "e": Play(e, 100_000, "created beforehand, 1,000 a call", ONE, "once"),
    "g": Play(g, 200, "one a call every 25 ms, beside a flood created beforehand", ONE),
    "h": Play(h, 10_000, f"one a call by each of {CLIENTS} clients; nothing is executed", ONE),
    "k": Play(k, 1_000, CREATED_IN_BULK, {"sqlite": (1,), "postgres": (1, 2)}),
    "l": Play(large, 10_000, "one a call, worker and client in one process", ONE),
    "r": Play(r, 2_000, CREATED_IN_BULK, ONE),
    "explain": Play(explain, 10_000, f"{CREATED_IN_BULK}; nothing is executed", ONE, "once"),
    "counts": Play(counts, 100, "one a call; then created beforehand", ONE, "once"),
    "f": Play(f, 1_000_000, CREATED_IN_BULK, ONE, "once"),
}
USUAL = tuple(name for name in PLAYS if name != "f")
"""Without the one that takes many minutes and gigabytes."""
BESIDE_PEERS = tuple(name for name in USUAL if name not in ("e", "g", "h", "k", "l", "r", "explain"))
"""Without those that only Tasker plays, so that the whole takes less than 25 minutes."""


def rows(databases: tuple[str, ...], wanted: tuple[str, ...], percent: int) -> Iterator[Row]:
    for workload in wanted:
        play = PLAYS[workload]
        size = max(1, play.size * percent // 100)
        for kind in databases:
            for workers in play.workers.get(kind, ()):
                yield Row(
                    "Tasker", kind, workload, play.submitted, _runner(play, kind, size, workers), size, workers,
                    turn=play.turn,
                )  # fmt: skip


def _runner(play: Play, kind: str, size: int, workers: int) -> Callable[[Ground], Figures]:
    def run(ground: Ground) -> Figures:
        with STAGES[kind](ground) as stage:
            return play.run(stage, size, workers)

    return run
