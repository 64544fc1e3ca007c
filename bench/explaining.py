"""How long `explain` takes: of a task behind a long queue, and of one with a thousand steps."""

from __future__ import annotations

import time

from bench.creating import create_in_bulk, request
from bench.rows import Figures
from bench.stage import Stage
from bench.workloads import percentiles
from tasker_core import TaskerClient

TIMES = 100


def explain(stage: Stage, tasks: int, workers: int) -> Figures:
    """Milliseconds of a call in process, beside ``tasks`` that wait; nothing is executed."""
    del workers
    with stage.client() as client:
        create_in_bulk(client, "bench_checkout", tasks, 1_000)
        wide = client.create_task(**request("bench_fan_1000", 0)).task_uuid
        last = client.list_tasks(name="bench_checkout", limit=1).tasks[0].task_uuid
        queued, large = _asked(client, last), _asked(client, wide)
    return {
        **{f"queued {name}": value for name, value in queued.items()},
        **{f"1,000 steps {name}": value for name, value in large.items()},
    }


def _asked(client: TaskerClient, task: str) -> Figures:
    taken = []
    for _ in range(TIMES):
        began = time.perf_counter()
        client.explain(task)
        taken.append((time.perf_counter() - began) * 1_000)
    return percentiles(taken)
