"""Figures that depend little on the machine: round trips and commits of a step, and its instructions.

Unloaded: one task after the other, worker and client in one process, everything counted that either of them sends.
Loaded: tasks created beforehand, one worker; from its first claim to its last settle.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from bench.counting import Counts, counted
from bench.creating import create_in_bulk, request
from bench.instructions import instructions
from bench.payload import CHECKOUT
from bench.rows import Figures
from bench.stage import Stage
from bench.wire import Counted, Wire
from tasker_core import TaskerClient, Worker
from tasker_core.engine.open import close_engine, open_engine

WARM_UP = 20
STEPS = len(CHECKOUT)


def counts(stage: Stage, tasks: int, workers: int) -> Figures:
    """Round trips, commits and instructions for a step."""
    del workers
    with stage.client():
        return _unloaded(stage, tasks) | _loaded(stage, 4 * tasks) | instructions(stage)


def _unloaded(stage: Stage, tasks: int) -> Figures:
    with (
        _observed(stage) as (url, seen, wire),
        TaskerClient(database_url=url) as client,
        Worker.start(["bench.handlers"], database_url=url),
    ):
        for no in range(WARM_UP + tasks):
            if no == WARM_UP:
                seen.clear()
                before = wire.round_trips
            client.wait(client.create_task(**request("bench_checkout", no)).task_uuid, 60)
        return _figures("unloaded", seen, wire.round_trips - before, tasks * STEPS)


def _loaded(stage: Stage, tasks: int) -> Figures:
    with _observed(stage) as (url, seen, wire), TaskerClient(database_url=url) as client:
        create_in_bulk(client, "bench_checkout", tasks)
        seen.clear()
        before = wire.round_trips
        with Worker.start(["bench.handlers"], database_url=url):
            stage.wait_until_all_are_done()
        return _figures("loaded", seen, wire.round_trips - before, tasks * STEPS)


def _figures(which: str, seen: Counts, round_trips: int, steps: int) -> Figures:
    figures = {
        f"{which}: settling transactions/step": seen.writing("settle_steps") / steps,
        f"{which}: commits/step": len(seen.writes) / steps,
    }
    if round_trips:
        figures[f"{which}: round trips/step"] = round_trips / steps
    return figures


@contextmanager
def _observed(stage: Stage) -> Iterator[tuple[str, Counts, Counted]]:
    """The stage's store as this process sees it: by which URL, what passes its door, what passes the wire to it."""
    with ExitStack() as stack:
        url, wire = stage.url, Counted()
        if stage.kind == "postgres":
            through = stack.enter_context(Wire(stage.url))
            url, wire = through.url, through.counted
        engine = open_engine(url)
        stack.callback(close_engine, engine)
        yield url, stack.enter_context(counted(engine.store.database)), wire
