"""K: the checkout without limits, and with limits that hold nothing back. What does it cost to look?"""

from __future__ import annotations

from bench.asking import beside
from bench.creating import create_in_bulk
from bench.rows import Figures
from bench.stage import Stage
from bench.templates import LIMITED

FREE = "bench"


def k(stage: Stage, tasks: int, workers: int) -> Figures:
    """Each kind of limit after the other, created beforehand; without limits first and last, and their mean between."""
    done, rates = 0, dict[str, list[float]]()
    with stage.client() as client:
        for namespace in (FREE, *LIMITED, FREE):
            create_in_bulk(client, "bench_checkout", tasks, namespace=namespace)
            done += tasks
            with beside(stage.url) as ask:
                after = ask("completed")
            with stage.workers(workers):
                stage.wait_for(done)
            with beside(stage.url) as ask:
                ((steps, taken),) = ask.rows("steps_since", after=after)
            rates.setdefault(namespace.removeprefix("bench").strip("_") or "free", []).append(steps / (taken / 1e6))
    mean = {kind: sum(each) / len(each) for kind, each in rates.items()}
    free = mean["free"]
    ratios = {f"{kind} : free": rate / free for kind, rate in mean.items() if kind != "free"}
    return {**{f"{kind} steps/s": rate for kind, rate in mean.items()}, **ratios}
