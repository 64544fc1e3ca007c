"""A process that is killed amid ending stale tasks, or amid requeueing a group, loses and doubles nothing."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tasker_core.clock import ManualClock
from tasker_core.engine import Engine
from tasker_core.engine.staleness import Vigilance
from tasker_core.store import Store, open_database
from tasker_core.words import Word
from tests.support.flows import Hands, flow, wish

ROOT = Path(__file__).parents[2]
TASKS, RATE = 6, 10
MORTAL = """
import sys
from tasker_core.clock import ManualClock
from tasker_core.engine import Engine
from tasker_core.engine.staleness import Vigilance
from tasker_core.store import Store, open_database
from tasker_core.words import Word
from tests.support.workshop.deaths import die_at

url, now, what, commit, moment = sys.argv[1:]
engine = Engine(Store(open_database(url)), clock=ManualClock(int(now)), vigilance=Vigilance())
(group,) = engine.dead_letters.groups({"status": "pending"}, 2) or [{"fingerprint": ""}]
die_at(int(commit), moment, True)
if what == "look":
    engine.watchman.look()
else:
    engine.requeuer.requeue_alike(group["fingerprint"], Word("ann"), rate=10)
"""


def die(url: str, clock: ManualClock, what: str, commit: int, moment: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", MORTAL, url, str(clock.now()), what, str(commit), moment],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ended.returncode == -signal.SIGKILL, ended.stderr


@pytest.mark.parametrize(("kind", "moment"), [("sqlite", "before"), ("postgres", "after")])
def test_a_kill_amid_ending_and_amid_requeueing(request: pytest.FixtureRequest, kind: str, moment: str) -> None:
    url = str(request.getfixturevalue(f"{kind}_url"))
    clock = ManualClock()
    database = open_database(url)
    database.migrate()
    engine = Engine(Store(database), clock=clock, vigilance=Vigilance())
    try:
        engine.catalog.register(flow({"pay": []}), replace=False)
        tasks = [engine.create([wish(engine, idempotency_key=str(n))])[0].task for n in range(TASKS)]
        clock.advance(31 * 60)
        done = 3 if moment == "after" else 2

        die(url, clock, "look", 3, moment)
        assert Counter(states(engine, tasks)) == {"error": done, "steps_in_process": TASKS - done}
        assert len(engine.dead_letters.list({}, 99, 0)) == done, "a letter for each that was ended"
        assert engine.watchman.look() == TASKS - done
        assert set(states(engine, tasks)) == {"error"} and len(engine.dead_letters.list({}, 99, 0)) == TASKS

        die(url, clock, "requeue", 3, moment)
        assert len(engine.dead_letters.list({"status": "pending"}, 99, 0)) == TASKS - done
        assert Counter(states(engine, tasks)) == {
            "waiting_for_retry": done - 1,
            "steps_in_process": 1,
            "error": TASKS - done,
        }
        (group,) = engine.dead_letters.groups({"status": "pending"}, 2)
        assert engine.requeuer.requeue_alike(group["fingerprint"], Word("ann"), rate=RATE)["requeued"] == TASKS - done

        hands, ran = Hands(engine), list[int]()
        for _ in range(TASKS + 1):
            engine.enqueue_due("test")
            ran.append(len(hands.play()))
            clock.advance(1 / RATE)
        assert ran == [1] * TASKS + [0], "each once, and the rate holds over the kill"
        assert set(states(engine, tasks)) == {"complete"}
        for task in tasks:
            words = Counter(c["actor"] for c in engine.views.transitions(task) if c["step_uuid"] is None)
            assert (words["staleness detector"], words["ann"]) == (1, 1)
    finally:
        engine.close()


def states(engine: Engine, tasks: list[str]) -> list[str]:
    return [engine.views.task(task)["status"] for task in tasks]
