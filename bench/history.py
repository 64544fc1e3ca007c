"""The checkout beside a year of finished ones, and beside nothing: the ratio is what history costs."""

from __future__ import annotations

import json
import statistics
import time
from contextlib import closing

from bench import payload
from bench.asking import beside
from bench.creating import create_in_bulk
from bench.rows import Figures
from bench.stage import Stage
from tasker_core.store import open_database

TASKS = 2_000
"""How many checkouts are timed, each time."""
ROUNDS = 3
CHUNK = 20_000
A_YEAR_AGO = round((time.time() - 365 * 86_400) * 1e6)

LOADS = ("load_tasks", "load_payloads", "load_steps", "load_dependencies", "load_attempts", "load_transitions")


def load(url: str, tasks: int) -> None:
    """Write ``tasks`` finished checkouts into the store at ``url``, and let the database count what it has."""
    result = json.dumps({"result": payload.RESULT, "metadata": {}}, separators=(",", ":"))
    context = json.dumps(payload.context(0), separators=(",", ":"))
    with beside(url) as ask:
        before = ask("newest_task")
        for first in range(0, tasks, CHUNK):
            last = min(first + CHUNK, tasks) - 1
            after = ask("newest_task")
            chunk = {"first": first, "last": last, "of": before, "at": A_YEAR_AGO, "after": after}
            for name in LOADS:
                ask(name, **chunk, context=context, result=result)
        ask.tidy()


def f(stage: Stage, tasks: int, workers: int) -> Figures:
    """The checkout beside ``tasks`` finished ones and beside none, in turns in one database server or directory."""
    with stage.client():
        began = time.perf_counter()
        load(stage.url, tasks)
        loaded = time.perf_counter() - began
    rates: dict[str, list[float]] = {"empty": [], "full": []}
    for no in range(ROUNDS):
        for which, where in (("empty", _empty(stage, no)), ("full", stage)):
            rates[which].append(_timed(where, workers))
    empty, full = (statistics.median(rates[which]) for which in ("empty", "full"))
    return {
        "tasks/s, empty": empty,
        "tasks/s, full": full,
        "full, % of empty": 100 * full / empty,
        "loaded/s": tasks / loaded,
    }


def _empty(stage: Stage, no: int) -> Stage:
    if stage.kind == "sqlite":
        url = stage.url.replace(".db", f"-empty-{no}.db")
    else:
        url = f"{stage.url}?tasker_schema=empty_{no}"
    with closing(open_database(url)) as database:
        database.migrate()
    return Stage(stage.kind, url, stage.meter)


def _timed(stage: Stage, workers: int) -> float:
    """Tasks a second: created beforehand, then executed."""
    with beside(stage.url) as ask:
        after = ask("newest_task")
        with stage.client() as client:
            create_in_bulk(client, "bench_checkout", TASKS)
        with stage.workers(workers):
            while ask("done_since", after=after) < TASKS:
                time.sleep(0.25)
        return TASKS / (ask("span_since", after=after) / 1e6)
