"""E: memory of a worker and a server beside an empty store, and beside 100,000 waiting tasks."""

from __future__ import annotations

import time
import urllib.request

from bench.creating import create_in_bulk
from bench.processes import memory_mib
from bench.rows import Figures
from bench.stage import Stage

AT_WORK = 10.0
"""Seconds that the worker works through the waiting tasks while it is looked at."""
A_CALL = 1_000
PAGES = ("/v1/tasks?limit=100", "/health/ready", "/metrics")


def e(stage: Stage, tasks: int, workers: int) -> Figures:
    """MiB, proportional set size: idle, then the most while there is work and the server is asked."""
    with stage.client() as client:
        with stage.workers(workers) as (worker,), stage.server() as (server, url):
            _ask(url)
            time.sleep(2)
            empty = {"worker": memory_mib(worker), "server": memory_mib(server)}
        create_in_bulk(client, "bench_checkout", tasks, A_CALL)
        most = {"worker": 0.0, "server": 0.0}
        with stage.workers(workers) as (worker,), stage.server() as (server, url):
            until = time.monotonic() + AT_WORK
            while time.monotonic() < until:
                _ask(url)
                most = {
                    "worker": max(most["worker"], memory_mib(worker)),
                    "server": max(most["server"], memory_mib(server)),
                }
                time.sleep(0.5)
    return {
        f"{name} MiB, {where}": figures[name]
        for name in ("worker", "server")
        for where, figures in (("none waiting", empty), (f"{tasks:,} waiting", most))
    }


def _ask(url: str) -> None:
    for page in PAGES:
        with urllib.request.urlopen(url + page, timeout=30) as answer:
            answer.read()
