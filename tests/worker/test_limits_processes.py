"""Limits hold over worker processes of which one is killed in the middle, counted from what was written."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest

from tasker_core.clock import SECOND
from tasker_core.store import Store, open_database
from tests.race.beside import Beside
from tests.support.databases import postgres_of_the_suites, store_url
from tests.support.workshop import Background, Workshop, eventually

__all__ = ["postgres_of_the_suites", "store_url"]

STEPS = -(-int(os.environ.get("TASKER_TEST_LIMITED_STEPS", "600")) // 3) * 3
"""How many steps run; ``make soak`` has 50,000."""
CUSTOMERS = 20
LIMIT, PER_KEY = 8, 2
RATE = 100
"""Fewer in a second than would begin without it, however many steps there are: else it would limit nothing."""
CLOCKS_DIFFER = 2_000
"""Microseconds by which two processes may differ about a PostgreSQL server's time; on SQLite they have one clock."""
RUNNING = """
select count(*), coalesce(max(n), 0) from (select s.slot as slot, count(*) as n from tasker.steps s
  where s.state = 'in_progress' and s.no <> 2 group by s.slot) as r"""
SUM = "select count(*) from tasker.steps where state = 'in_progress' and no <> 2"
DONE = "select count(*) from tasker.steps where state = 'complete'"
ATTEMPTS = """
select a.no, coalesce(k.key, ''), a.claimed_at, a.ended_at, a.ending from tasker.attempts a
  left join tasker.step_keys k on k.task_id = a.task_id and k.no = a.no"""


@pytest.fixture
def workshop(tmp_path: Path, store_url: str) -> Iterator[Workshop]:
    with closing(open_database(store_url)) as database:
        database.migrate()
    workshop = Workshop(tmp_path, store_url)
    try:
        yield workshop
    finally:
        workshop.close()


def test_limits_are_never_overrun_though_a_worker_is_killed(workshop: Workshop) -> None:
    create(workshop)
    arguments = ["worker", "--handlers", "tests.support.workshop.handlers", "--concurrency", "10"]
    with closing(open_database(workshop.url)) as database, closing(Beside(Store(database))) as beside:

        def done() -> int:
            ((finished,),), ((running, of_a_key),), ((in_all,),) = beside.read(DONE, RUNNING, SUM)
            assert in_all <= LIMIT
            assert of_a_key <= PER_KEY and running <= LIMIT
            return int(finished)

        with (
            Background(*arguments, log=workshop.directory / "one.log", url=workshop.url) as one,
            Background(*arguments, log=workshop.directory / "two.log", url=workshop.url) as two,
        ):
            eventually(lambda: done() > 0.3 * STEPS, timeout=30 + STEPS / 50)
            one.kill()
            eventually(lambda: done() == STEPS, timeout=30 + STEPS / 50)
            assert two.is_running
        (rows,) = beside.read(ATTEMPTS)
    unsure = CLOCKS_DIFFER if workshop.url.startswith("postgres") else 0
    limited = [(key, begun + unsure, ended) for no, key, begun, ended, _ in rows if no != 2]
    assert len({key for key, _, _ in limited}) == CUSTOMERS
    assert most_at_once((begun, ended) for _, begun, ended in limited) == LIMIT
    for customer in {key for key, _, _ in limited}:
        assert most_at_once((begun, ended) for key, begun, ended in limited if key == customer) <= PER_KEY
    begun = [begun for no, _, begun, _, _ in rows if no == 2]
    print(f"\nplayed: {STEPS} limited steps")
    assert 0.5 * RATE < most_in_a_second(begun, SECOND - unsure) <= RATE


def create(workshop: Workshop) -> None:
    places = {"limit": LIMIT, "per_key": PER_KEY, "key": "customer"}
    limits: dict[str, dict[str, Any]] = {
        "first": {"handler": {"callable": "brief"}, "concurrency": places},
        "second": {"handler": {"callable": "brief_too"}, "rate": f"{RATE}/s"},
        "third": {"handler": {"callable": "brief"}, "concurrency": places},
    }
    workshop.template({"first": [], "second": ["first"], "third": ["second"]}, **limits)
    for start in range(0, STEPS // 3, 1_000):
        requests = [
            {"name": "flow", "namespace": "shop", "context": {"customer": n % CUSTOMERS, "n": n}}
            for n in range(start, min(start + 1_000, STEPS // 3))
        ]
        workshop.client.create_tasks(requests)


def most_at_once(stretches: Iterable[tuple[int, int]]) -> int:
    """How many of these stretches of time lie over each other at most; one may begin as another ends."""
    changes = Counter[tuple[int, int]]()
    for begun, ended in stretches:
        changes[ended, -1] -= 1
        changes[begun, 1] += 1
    return max(accumulate(changes[at] for at in sorted(changes)), default=0)


def most_in_a_second(times: Iterable[int], second: int) -> int:
    ordered = sorted(times)
    most = first = 0
    for last, at in enumerate(ordered):
        while ordered[first] <= at - second:
            first += 1
        most = max(most, last - first + 1)
    return most
