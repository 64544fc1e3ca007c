"""The workloads. Each takes a stage and a size and gives the figures of one run."""

from __future__ import annotations

import time
from collections.abc import Callable

from bench import templates
from bench.creating import create_in_bulk, request
from bench.history import history
from bench.stage import Stage
from tasker_core import Worker

Figures = dict[str, float]
STEPS = len(templates.CHECKOUT)


def a1(stage: Stage, tasks: int, workers: int) -> Figures:
    """The checkout, created beforehand in bulk, then executed: first claim to last completion."""
    with stage.client() as client:
        began = time.perf_counter()
        create_in_bulk(client, "bench_checkout", tasks)
        created = time.perf_counter() - began
    with stage.workers(workers):
        stage.wait_for(tasks)
    return {**_rates(tasks, STEPS, stage.span("claimed")), "created/s": tasks / created}


def a2(stage: Stage, tasks: int, workers: int) -> Figures:
    """The checkout, created one call at a time by one submitter beside a running worker."""
    with stage.client() as client, stage.workers(workers):
        for no in range(tasks):
            client.create_task(**request("bench_checkout", no))
        stage.wait_for(tasks)
    return _rates(tasks, STEPS, stage.span("created"))


def a3(stage: Stage, tasks: int, workers: int) -> Figures:
    """The checkout, created in bulk, 100 a call, beside a running worker."""
    with stage.client() as client, stage.workers(workers):
        create_in_bulk(client, "bench_checkout", tasks, 100)
        stage.wait_for(tasks)
    return _rates(tasks, STEPS, stage.span("created"))


def a4(stage: Stage, tasks: int, workers: int) -> Figures:
    """The checkout one by one, worker and client in one process: from create to complete, in milliseconds."""
    del workers
    taken: list[float] = []
    with stage.client() as client, Worker.start(["bench.handlers"], database_url=stage.url):
        for no in range(tasks + 20):
            began = time.perf_counter()
            task = client.create_task(**request("bench_checkout", no))
            client.wait(task.task_uuid, 60)
            taken.append((time.perf_counter() - began) * 1_000)
    taken = sorted(taken[20:])
    return {f"p{q} ms": taken[min(len(taken) - 1, round(len(taken) * q / 100))] for q in (50, 95, 99)}


def b(stage: Stage, tasks: int, workers: int) -> Figures:
    """1 -> 8 -> 1, created beforehand in bulk."""
    return _fan(stage, tasks, workers, 8)


def c(stage: Stage, tasks: int, workers: int) -> Figures:
    """1 -> 1,000 -> 1, created beforehand."""
    return _fan(stage, tasks, workers, 1_000)


def _fan(stage: Stage, tasks: int, workers: int, width: int) -> Figures:
    with stage.client() as client:
        create_in_bulk(client, f"bench_fan_{width}", tasks)
    with stage.workers(workers):
        stage.wait_for(tasks)
    return _rates(tasks, width + 2, stage.span("claimed"))


def _rates(tasks: int, steps: int, seconds: float) -> Figures:
    return {"tasks/s": tasks / seconds, "steps/s": tasks * steps / seconds}


WORKLOADS: dict[str, tuple[Callable[[Stage, int, int], Figures], int]] = {
    "a1": (a1, 2_000),
    "a2": (a2, 2_000),
    "a3": (a3, 2_000),
    "a4": (a4, 300),
    "b": (b, 500),
    "c": (c, 3),
    "history": (history, 1_000_000),
}
