"""``python -m bench.pages``: how long the dashboard's lists take over a million tasks, and a task page of 5,000 steps.

Each page is asked of a server process, as a browser asks; the first answer is told, and the median of those after it.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Mapping
from contextlib import closing
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table

from bench import payload
from bench.asking import beside
from bench.ground import Ground
from bench.stage import STAGES, Stage
from tasker_core import TaskerClient

CHUNK = 50_000
STEPS = 5_000
ROUNDS = 5
LISTED = {"name": "listed", "namespace_name": "bench", "version": "1.0.0", "steps": [
    {"name": "only", "handler": {"callable": "only"}}]}  # fmt: skip
LISTS = (
    "", "state=complete", "state=error", "state=blocked_by_failures", "state=cancelled", "state=resolved_manually",
    "state=waiting_for_retry", "q=name:listed", "q=name:nothing", "q=tag:eu", "q=tag:nothing", "q=ns:bench state:error",
    "q=age>1h", "q=by:nobody", "q=error:declined",
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.pages", description=__doc__)
    parser.add_argument("--tasks", type=int, default=1_000_000)
    parser.add_argument("--databases", default="sqlite,postgres")
    asked = parser.parse_args()
    console = Console(width=120)
    with Ground() as ground:
        for kind in asked.databases.split(","):
            with STAGES[kind](ground) as stage:
                console.print(_table(kind, _measured(stage, asked.tasks, console)))


def load(url: str, tasks: int) -> None:
    """Write ``tasks`` tasks into the store at ``url``, the newest a moment ago."""
    context = json.dumps(payload.context(0), separators=(",", ":"))
    with closing(TaskerClient(database_url=url)) as client:
        client.register_template(LISTED)
    began = round(time.time() * 1e6) - tasks - 1_000_000
    with beside(url) as ask:
        for first in range(0, tasks, CHUNK):
            chunk: Mapping[str, Any] = {
                "first": first, "last": min(first + CHUNK, tasks) - 1, "at": began, "after": ask("newest_task"),
            }  # fmt: skip
            for name in ("load_listed_tasks", "load_listed_payloads", "load_listed_steps"):
                ask(name, **chunk, context=context)
        ask.tidy()


def _measured(stage: Stage, tasks: int, console: Console) -> dict[str, tuple[float, float, int]]:
    """(first, median of the others, bytes) of each page; milliseconds."""
    began = time.monotonic()
    load(stage.url, tasks)
    console.print(f"{stage.kind}: {tasks:,} tasks written in {time.monotonic() - began:.0f} s", style="dim")
    middle = [f"step_{no:04}" for no in range(STEPS - 2)]
    graph: dict[str, list[str]] = {"first": [], **{name: ["first"] for name in middle}, "last": middle}
    with TaskerClient(database_url=stage.url) as client:
        client.register_template({**LISTED, "name": "wide", "steps": [
            {"name": name, "handler": {"callable": "only"}, "dependencies": parents} for name, parents in graph.items()
        ]})  # fmt: skip
        wide = client.create_task("wide", namespace="bench", context={}).task_uuid
    with stage.server() as (_, url), httpx.Client(base_url=url, timeout=120) as http:
        places = {query: f"/tasks?{query}" for query in LISTS}
        deep = http.get("/v1/tasks", params={"limit": 1, "offset": tasks // 2}).json()["tasks"][0]["task_uuid"]
        places["after half of them"] = f"/tasks?after={deep}"
        places["overview"] = "/"
        places |= {f"5,000 steps: {view}": f"/tasks/{wide}?view={view}" for view in ("graph", "waterfall", "steps")}
        return {name: _timed(http, place) for name, place in places.items()}


def _timed(http: httpx.Client, place: str) -> tuple[float, float, int]:
    taken: list[float] = []
    size = 0
    for _ in range(ROUNDS + 1):
        began = time.perf_counter()
        answer = http.get(place)
        taken.append((time.perf_counter() - began) * 1_000)
        answer.raise_for_status()
        size = len(answer.content)
    return taken[0], statistics.median(taken[1:]), size


def _table(kind: str, measured: Mapping[str, tuple[float, float, int]]) -> Table:
    table = Table("page", "first ms", "median ms", "KB", title=kind)
    for name, (first, median, size) in measured.items():
        table.add_row(name or "all", f"{first:.0f}", f"{median:.0f}", f"{size / 1_000:.0f}")
    return table


if __name__ == "__main__":
    main()
