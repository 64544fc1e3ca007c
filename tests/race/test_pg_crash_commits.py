"""On PostgreSQL as well, a process that dies at any of its commits loses nothing and does nothing twice."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.support.events import event
from tests.support.reckoning import Reckoning, effects_out_of_order
from tests.support.workshop import flow
from tests.support.workshop.deaths import EXITED
from tests.support.workshop.handlers import ledger
from tests.support.workshop.zygote import FINISHED, Zygote

CHAIN: dict[str, list[str]] = {"a": [], "b": ["a"], "c": ["b"], "d": ["c"], "e": ["d"]}
FAN: dict[str, list[str]] = {"a": [], "b1": ["a"], "b2": ["a"], "b3": ["a"], "b4": ["a"], "c": ["b1", "b2", "b3", "b4"]}
ROUTE: dict[str, list[str]] = {"a": [], "b": ["a"], "c": ["b"]}
DECIDING = {"a": {"type": "decision", "handler": {"callable": "route"}}, "c": {"type": "deferred_convergence"}}
"""Of ``ROUTE`` only ``a`` exists at first."""
BATCH: dict[str, list[str]] = {"a": [], "b": ["a"], "c": ["b"]}
CUTTING = {
    "a": {
        "type": "batchable",
        "handler": {"callable": "cut_in_two"},
        "batch_config": {"worker_template": "b", "parallelism": 1},
    },
    "b": {"type": "batch_worker", "handler": {"callable": "note_at_second"}},
}
"""Of ``BATCH`` only ``a`` exists at first; ``b`` runs twice, once at a time, and yields at a checkpoint each time."""
PIECES: dict[str, list[str]] = {"a": [], "b_001": ["a"], "b_002": ["a"], "c": ["b_001", "b_002"]}
BOOK: dict[str, list[str]] = {"a": [], "b": ["a"]}
ENTERING = {step: {"handler": {"callable": "enter"}} for step in BOOK}
"""The steps of ``BOOK`` write into the store's database, in the transactions that settle them."""
TELLING: dict[str, list[str]] = {"a": [], "b": ["a"]}
EVENTS = [event("note.done"), event("note.failed", "failure")]
PUBLISHING = {step: {"publishes_events": EVENTS} for step in TELLING}
SPECIAL: Mapping[int, Mapping[str, Any]] = {
    id(ROUTE): DECIDING,
    id(BATCH): CUTTING,
    id(BOOK): ENTERING,
    id(TELLING): PUBLISHING,
}
MOST_COMMITS = 60


@pytest.fixture(scope="module")
def zygote(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zygote]:
    with Zygote(tmp_path_factory.mktemp("zygote") / "stderr.log") as zygote:
        yield zygote


class Case:
    """One death: the ``no``-th, in a store that those before it left, with a template and a ledger of its own."""

    def __init__(self, url: str, directory: Path, graph: dict[str, list[str]], no: int) -> None:
        self._url, self._graph, self._no = url, graph, no
        self._key = f"case {no}"
        self._steps = PIECES if graph is BATCH else graph
        self._book = directory / f"ledger-{no}.db"
        with ledger(self._book):
            pass

    def order(self, **death: Any) -> dict[str, Any]:
        retry = {"max_attempts": 5, "backoff": "none", "backoff_base_ms": 1}
        special = SPECIAL.get(id(self._graph), {})
        steps: dict[str, Any] = {
            name: {"handler": {"callable": "note"}, "retry": retry, **special.get(name, {})} for name in self._graph
        }
        template = flow(self._graph, version=f"1.0.{self._no}", **steps)
        context = {"ledger": str(self._book)}
        return {"url": self._url, "migrate": True, "template": template, "context": context, "key": self._key, **death}

    def settled(self) -> set[str]:
        """The steps of its task that the store calls complete; none while the schema isn't there."""
        with psycopg.connect(self._url) as connection:
            if connection.execute("select to_regclass('tasker.steps')").fetchone() == (None,):
                return set()
        with closing(Reckoning(self._url)) as reckoning:
            return reckoning.settled(self._key)

    def calls(self) -> dict[str, int]:
        with ledger(self._book) as entries:
            return dict(entries.execute("select step, count(*) from calls group by 1").fetchall())

    def complaints(self, settled_before: set[str], calls_before: dict[str, int]) -> Sequence[str]:
        """What is wrong after the next process has finished the task."""
        with closing(Reckoning(self._url)) as reckoning:
            wrong = reckoning.complaints(tasks=self._no, steps=self._no * len(self._steps))
            if live := reckoning.count("select count(*) from tasker.workers where state <> 'gone'"):
                wrong.append(f"{live} workers are thought to live")
            if self._graph is TELLING:
                wrong += events_amiss(reckoning)
        if self._graph is BOOK:
            with psycopg.connect(self._url) as connection:
                found = connection.execute("select task, count(*), count(distinct step) from entries group by task")
                wrong += [f"entries of {task} are {of}" for task, *of in found if of != [2, 2]]
        with ledger(self._book) as entries:
            effects = entries.execute("select task, step from effects order by rowid").fetchall()
        if sorted(step for _, step in effects) != sorted(self._steps):
            wrong.append(f"effects are {effects}")
        wrong += effects_out_of_order(effects, self._steps)
        calls = self.calls()
        wrong += [f"{step} was settled and ran again" for step in settled_before if calls[step] != calls_before[step]]
        wrong += [f"{step} ran {count} times" for step, count in calls.items() if count > 2 + (self._graph is BATCH)]
        return wrong


def events_amiss(reckoning: Reckoning) -> Sequence[str]:
    """Events without the transition that they tell of, transitions without their event, and events told twice."""
    told = reckoning.read("select task_id, no, fence, name from tasker.events order by 1, 2, 3")
    ended = reckoning.read("""
        select task_id, no, fence, case ending when 'ok' then 'note.done' else 'note.failed' end
        from tasker.attempts where ending in ('ok', 'lost') order by 1, 2, 3""")
    return [] if told == ended and len(ended) >= 2 else [f"events are {told}, attempts {ended}"]


@pytest.mark.parametrize(
    ("graph", "moment"),
    [
        *((graph, moment) for graph in (CHAIN, FAN, ROUTE, BOOK) for moment in ("before", "after")),
        (TELLING, "after"),
        (BATCH, "after"),  # before each commit: on SQLite, whose processes start sooner
    ],
)
def test_no_death_at_a_commit_loses_or_repeats_a_step(
    zygote: Zygote, postgres_url: str, tmp_path: Path, graph: dict[str, list[str]], moment: str
) -> None:
    deaths = 0
    for commit in range(1, MOST_COMMITS):
        case, kill = Case(postgres_url, tmp_path, graph, commit), commit % 2 == 0
        ended = zygote.run(case.order(commit=commit, moment=moment, kill=kill))
        if ended == FINISHED:
            break
        assert ended == (-signal.SIGKILL if kill else EXITED), f"commit {commit}"
        deaths += 1
        settled, calls = case.settled(), case.calls()
        assert zygote.run(case.order()) == FINISHED, f"after a death {moment} commit {commit}"
        assert case.complaints(settled, calls) == [], f"after a death {moment} commit {commit}"
    else:
        pytest.fail(f"not finished within {MOST_COMMITS} commits")
    assert deaths >= 7, "the migration, two registrations, the task and every level of its steps commit"
