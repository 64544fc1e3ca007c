"""Worker processes that are killed at any moment, in the middle of fifty tasks."""

from __future__ import annotations

import random
import time
from typing import Any

from tests.support.workshop import Background, Workshop, eventually
from tests.support.workshop.handlers import ledger

TASKS = 50
DEATHS = 6
GRAPH: dict[str, list[str]] = {
    "cart": [],
    "pay": ["cart"],
    "pack": ["cart"],
    "ship": ["pay", "pack"],
    "thank": ["ship"],
}


def test_fifty_tasks_survive_kill_after_kill(workshop: Workshop) -> None:
    chance = random.Random(20_251_125)
    book = workshop.directory / "ledger.db"
    with ledger(book):
        pass
    retry = {"max_attempts": 50, "backoff": "none", "backoff_base_ms": 1}
    step: dict[str, Any] = {"handler": {"callable": "note"}, "retry": retry, "max_crashes": 50}
    workshop.template(GRAPH, **dict.fromkeys(GRAPH, step))
    requests = [
        {"name": "flow", "namespace": "shop", "context": {"ledger": str(book), "nap": 0.01, "no": no}}
        for no in range(TASKS)
    ]
    tasks = [task.task_uuid for task in workshop.client.create_tasks(requests)]

    def worker(no: int) -> Background:
        arguments = ["worker", "--handlers", "tests.support.workshop.handlers", "--concurrency", "4"]
        return Background(*arguments, log=workshop.directory / f"worker-{no}.log", url=workshop.url)

    def settled() -> int:
        return int(workshop.query("select count(*) from tasker_steps where state = 'complete'")[0][0])

    for no in range(DEATHS):
        with worker(no) as doomed:
            before = settled()
            eventually(lambda before=before: settled() > before, timeout=30)  # type: ignore[misc]  # bound on purpose
            time.sleep(chance.uniform(0.0, 0.15))
            doomed.kill()
        assert settled() < TASKS * len(GRAPH), "killed too late to prove anything"
    with worker(DEATHS) as last:
        for task in tasks:
            assert workshop.finish(task, timeout=60).status == "complete"
        assert last.is_running
    with ledger(book) as entries:
        effects = entries.execute("select count(*), count(distinct task || step) from effects").fetchone()
        (calls,) = entries.execute("select count(*) from calls").fetchone()
    assert effects == (TASKS * len(GRAPH), TASKS * len(GRAPH))
    endings = dict(workshop.query("select ending, count(*) from tasker_attempts group by 1"))
    assert endings["ok"] == TASKS * len(GRAPH)
    assert endings.keys() <= {"ok", "lost", "released"}
    assert 0 < endings.get("lost", 0) <= DEATHS * (4 + 200), "each death loses what its worker held, no more"
    assert calls <= TASKS * len(GRAPH) + endings["lost"]
    assert workshop.query("select count(*) from tasker_steps where state = 'in_progress'") == [(0,)]
