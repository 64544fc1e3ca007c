"""G: two namespaces with one worker, one of them flooded. What does the other notice?"""

from __future__ import annotations

import time

from bench.asking import beside
from bench.creating import create_in_bulk, request
from bench.rows import Figures
from bench.stage import Stage
from bench.templates import FLOODED, QUIET
from bench.workloads import percentiles
from tasker_core import TaskerClient

EVERY = 0.025
"""Seconds between two tasks of the quiet namespace."""
A_FLOOD_FOR_EACH = 125
"""Tasks in the flooded namespace for each of the quiet one: more than a worker does meanwhile."""


def g(stage: Stage, tasks: int, workers: int) -> Figures:
    """From create to complete in the quiet namespace, by the rows' times: alone, and beside the flood."""
    with stage.client() as client:
        with stage.workers(workers):
            alone = _trickle(stage, client, tasks, 0)
        flood = tasks * A_FLOOD_FOR_EACH
        create_in_bulk(client, "bench_checkout", flood, 1_000, FLOODED)
        with stage.workers(workers), beside(stage.url) as ask:
            while not ask("done_in", namespace=FLOODED):
                time.sleep(0.05)
            beside_flood = _trickle(stage, client, tasks, tasks)
            left = flood - ask("done_in", namespace=FLOODED)
    if left <= 0:
        raise RuntimeError("the flood was over before the quiet namespace's last task: make it larger")
    return {
        **{f"alone {name}": value for name, value in alone.items()},
        **{f"flooded {name}": value for name, value in beside_flood.items()},
        "p99, flooded : alone": beside_flood["p99 ms"] / alone["p99 ms"],
    }


def _trickle(stage: Stage, client: TaskerClient, tasks: int, before: int) -> Figures:
    began = time.monotonic()
    for no in range(tasks):
        time.sleep(max(0.0, began + no * EVERY - time.monotonic()))
        client.create_task(**request("bench_checkout", no, QUIET))
    with beside(stage.url) as ask:
        deadline = time.monotonic() + 120
        while ask("done_in", namespace=QUIET) < before + tasks:
            if time.monotonic() > deadline:
                raise TimeoutError("the quiet namespace's tasks weren't complete after 120 s")
            time.sleep(0.1)
        taken = [taken / 1_000 for (taken,) in ask.rows("taken", namespace=QUIET)]
    return percentiles(taken[before:])
