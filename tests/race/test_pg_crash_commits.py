"""On PostgreSQL as well, a process that dies at any of its commits loses nothing and does nothing twice."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.support.reckoning import Reckoning, effects_out_of_order
from tests.support.workshop import flow
from tests.support.workshop.deaths import EXITED
from tests.support.workshop.handlers import ledger
from tests.support.workshop.mortal import (
    BATCH,
    BOOK,
    CHAIN,
    FAN,
    MOST_COMMITS,
    ROUTE,
    TELLING,
    Graph,
    declared,
    grown,
    zygote,
)
from tests.support.workshop.zygote import FINISHED, Zygote

__all__ = ["zygote"]


class Case:
    """One death: the ``no``-th, in a store that those before it left, with a template and a ledger of its own."""

    def __init__(self, url: str, directory: Path, graph: Graph, no: int) -> None:
        self._url, self._graph, self._no = url, graph, no
        self._key = f"case {no}"
        self._steps = grown(graph)
        self._book = directory / f"ledger-{no}.db"
        with ledger(self._book):
            pass

    def order(self, **death: Any) -> dict[str, Any]:
        template = flow(self._graph, version=f"1.0.{self._no}", **declared(self._graph))
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
    zygote: Zygote, postgres_url: str, tmp_path: Path, graph: Graph, moment: str
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
