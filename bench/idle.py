"""D: what it costs to wait. Nothing to do for 60 seconds, with the settings of A4; then a task comes after all."""

from __future__ import annotations

import statistics
import time

from bench.asking import beside
from bench.creating import request
from bench.processes import cpu_seconds
from bench.rows import Figures
from bench.stage import Stage
from bench.templates import QUIET

SECONDS = 60
SETTLED_DOWN = 3.0
"""Seconds that everything has to come to rest."""
WAKINGS = 8


def d(stage: Stage, seconds: int, workers: int) -> Figures:
    """Percent of a core of an idle worker, an idle server and PostgreSQL's server; how soon the worker wakes."""
    with stage.client() as client, stage.workers(workers) as pids, stage.server() as (server, _):
        client.create_task(**request("bench_checkout", 0))
        stage.wait_for(1)
        time.sleep(SETTLED_DOWN)
        watched = {"worker": pids, "server": [server], "database": list(stage.meter.servers)}
        before = {name: sum(map(cpu_seconds, some)) for name, some in watched.items() if some}
        began = time.monotonic()
        time.sleep(seconds)
        took = time.monotonic() - began
        used = {name: sum(map(cpu_seconds, watched[name])) - was for name, was in before.items()}
        for no in range(WAKINGS):
            client.create_task(**request("bench_checkout", no, QUIET))
            time.sleep(1.0)
        with beside(stage.url) as ask:
            waited = [taken / 1_000 for (taken,) in ask.rows("started_after", namespace=QUIET)]
    figures = {f"{name} % of a core": 100 * seconds / took for name, seconds in used.items()}
    return figures | {"starts after ms": statistics.median(waited), "starts after at most ms": max(waited)}
