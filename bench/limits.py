"""K: the checkout without limits, and with limits that hold nothing back. What does it cost to look?

The limits are so high that they never bind: what a limit that binds takes away isn't its cost. They have stood for a
while, the workers are warm, each stretch with limits is compared with those without any before and after it.
"""

from __future__ import annotations

import time
from statistics import median

from bench.asking import beside
from bench.creating import create_in_bulk
from bench.rows import Figures
from bench.stage import Stage
from bench.templates import LIMITED, NAMESPACE
from tasker_core import TaskerClient
from tasker_core.engine.gates import NEW_FOR
from tasker_core.worker.lanes import COMPANY_LASTS

ROUNDS = 3
"""How often each kind takes its turn; the median is told. A machine's pace changes within seconds: many short stretches
tell more than few long ones."""


def k(stage: Stage, tasks: int, workers: int) -> Figures:
    """Steps a second of each kind of limit, and what part of the rate without limits that is."""
    stood = time.monotonic() + NEW_FOR / 1e6
    free: list[float] = []
    rates: dict[str, list[float]] = {namespace: [] for namespace in LIMITED}
    ratios: dict[str, list[float]] = {namespace: [] for namespace in LIMITED}
    with stage.client() as client, stage.workers(workers):
        _play(stage, client, NAMESPACE, tasks)
        time.sleep(max(0.0, stood - time.monotonic()))
        free.append(_play(stage, client, NAMESPACE, tasks))
        for namespace in [*LIMITED] * ROUNDS:
            rate = _play(stage, client, namespace, tasks)
            free.append(_play(stage, client, NAMESPACE, tasks))
            rates[namespace].append(rate)
            ratios[namespace].append(2 * rate / sum(free[-2:]))
    figures = {"free steps/s": median(free)}
    for namespace in LIMITED:
        kind = namespace.removeprefix(f"{NAMESPACE}_")
        figures |= {f"{kind} steps/s": median(rates[namespace]), f"{kind} : free": median(ratios[namespace])}
    return figures


def _play(stage: Stage, client: TaskerClient, namespace: str, tasks: int) -> float:
    """Steps a second of tasks that were created before the first of them could begin."""
    client.pause_namespace(namespace)
    create_in_bulk(client, "bench_checkout", tasks, namespace=namespace)
    time.sleep(COMPANY_LASTS)
    with beside(stage.url) as ask:
        done, after = ask("done"), ask("completed")
    client.resume_namespace(namespace)
    stage.wait_for(done + tasks)
    with beside(stage.url) as ask:
        ((steps, taken),) = ask.rows("steps_since", after=after)
    return float(steps / (taken / 1e6))
