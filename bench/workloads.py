"""A, B and C: tasks a second and their latency. Each takes a stage and a size and gives the figures of one run."""

from __future__ import annotations

import time

from bench.creating import BULK, create_in_bulk, request
from bench.meter import per_step
from bench.payload import CHECKOUT
from bench.rows import Figures
from bench.stage import Stage
from tasker_core import Worker

STEPS = len(CHECKOUT)
WARM_UP = 20


def a1(stage: Stage, tasks: int, workers: int) -> Figures:
    """The checkout, created beforehand in bulk, then executed: first claim to last completion."""
    started = stage.started() * workers
    with stage.client() as client:
        began = time.perf_counter()
        create_in_bulk(client, "bench_checkout", tasks)
        created = time.perf_counter() - began
    return _executed(stage, tasks, STEPS, workers, started) | {"created/s": tasks / created}


def a2(stage: Stage, tasks: int, workers: int) -> Figures:
    """The checkout, created one call at a time by one submitter beside a running worker."""
    return _beside(stage, tasks, workers, 1)


def a3(stage: Stage, tasks: int, workers: int) -> Figures:
    """The checkout, created in bulk, 100 a call, beside a running worker."""
    return _beside(stage, tasks, workers, 100)


def a4(stage: Stage, tasks: int, workers: int) -> Figures:
    """The checkout one by one, worker and client in one process: from create to complete, in milliseconds."""
    del workers
    taken: list[float] = []
    with stage.client() as client, Worker.start(["bench.handlers"], database_url=stage.url):
        for no in range(tasks + WARM_UP):
            began = time.perf_counter()
            task = client.create_task(**request("bench_checkout", no))
            client.wait(task.task_uuid, 60)
            taken.append((time.perf_counter() - began) * 1_000)
    return percentiles(taken[WARM_UP:])


def b(stage: Stage, tasks: int, workers: int) -> Figures:
    """1 -> 8 -> 1, created beforehand in bulk."""
    return _fan(stage, tasks, workers, 8)


def c(stage: Stage, tasks: int, workers: int) -> Figures:
    """1 -> 1,000 -> 1, created beforehand."""
    return _fan(stage, tasks, workers, 1_000)


def percentiles(taken: list[float]) -> Figures:
    """The figures of latencies in milliseconds."""
    ordered = sorted(taken)
    return {f"p{q} ms": ordered[min(len(ordered) - 1, round(len(ordered) * q / 100))] for q in (50, 95, 99)}


def _fan(stage: Stage, tasks: int, workers: int, width: int) -> Figures:
    started = stage.started() * workers
    with stage.client() as client:
        create_in_bulk(client, f"bench_fan_{width}", tasks)
    return _executed(stage, tasks, width + 2, workers, started)


def _executed(stage: Stage, tasks: int, steps: int, workers: int, started: float) -> Figures:
    before = stage.meter.read()
    with stage.workers(workers) as pids:
        stage.wait_for(tasks)
        after = stage.meter.read(*pids, started=started)
    costs = per_step(before, after, stage.meter.read(), tasks * steps)
    rate = stage.steps_a_second()
    if "row writes/step" in costs:
        costs["row writes/s"] = rate * costs["row writes/step"]
    return {"tasks/s": rate / steps, "steps/s": rate} | costs


def _beside(stage: Stage, tasks: int, workers: int, a_call: int) -> Figures:
    with stage.client() as client, stage.workers(workers):
        began = time.perf_counter()
        if a_call == 1:
            for no in range(tasks):
                client.create_task(**request("bench_checkout", no))
        else:
            create_in_bulk(client, "bench_checkout", tasks, a_call)
        created = time.perf_counter() - began
        stage.wait_for(tasks)
    rate = tasks / stage.taken()
    return {"tasks/s": rate, "steps/s": rate * STEPS, "created/s": tasks / created}


CREATED_IN_BULK = f"created beforehand, {BULK} a call"
