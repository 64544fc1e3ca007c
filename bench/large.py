"""L: what a step of a large task costs, beside one of a small task: a fan-out, a batch, a chain."""

from __future__ import annotations

import time
from typing import NamedTuple

from bench import templates
from bench.creating import request
from bench.rows import Figures
from bench.stage import Stage
from tasker_core import TaskerClient, Worker

CHAIN = 10
"""How many times shorter a chain is than a fan-out is wide: its steps come one after the other."""


class Shape(NamedTuple):
    """A task of the template ``name``, of so many steps in all; of a batch, the context says how many."""

    name: str
    steps: int
    context: dict[str, int]


def large(stage: Stage, width: int, workers: int) -> Figures:
    """1 -> ``width`` -> 1 declared, the same as a batch, a chain of a tenth as many; worker and client in one process.

    Each is played beside as many steps in small tasks: microseconds a step from create to complete.
    """
    del workers
    narrow, short = max(width // 100, 1), max(width // CHAIN // 10, 1)
    pairs = {
        "fan": (_fan(narrow), _fan(width)),
        "batch": (_batch(narrow), _batch(width)),
        "chain": (_chain(short), _chain(width // CHAIN)),
    }
    figures: Figures = {}
    with stage.client() as client, Worker.start(["bench.handlers"], database_url=stage.url):
        for what, (small, big) in pairs.items():
            _cost(client, small, 1)
            costs = _cost(client, small, round(big.steps / small.steps)), _cost(client, big, 1)
            figures |= {f"{what} us/step": costs[1], f"{what} of small tasks us/step": costs[0]}
    return figures


def _fan(width: int) -> Shape:
    return Shape(f"bench_fan_{width}", width + 2, {})


def _batch(width: int) -> Shape:
    return Shape("bench_batch", width + 2, {"pieces": width})


def _chain(length: int) -> Shape:
    return Shape(f"bench_chain_{length}", length, {})


def _cost(client: TaskerClient, shape: Shape, tasks: int) -> float:
    """Microseconds a step; tasks that are chains run one after the other."""
    if shape.name != "bench_batch":
        wide = shape.name.startswith("bench_fan")
        client.register_template(templates.fan(shape.steps - 2) if wide else templates.chain(shape.steps))
    at_once = 1 if shape.name.startswith("bench_chain") else tasks
    began = time.perf_counter()
    for start in range(0, tasks, at_once):
        wishes = [request(shape.name, no) for no in range(start, start + at_once)]
        for wish in wishes:
            wish["context"] |= shape.context
        for created in client.create_tasks(wishes):
            done = client.wait(created.task_uuid, 600)
            if done.status != "complete":
                raise RuntimeError(f"task {created.task_uuid} of {shape.name} is {done.status}")
    return (time.perf_counter() - began) * 1e6 / (tasks * shape.steps)
