"""A process that dies right before or right after any of its commits loses nothing and does nothing twice."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.support.workshop import Workshop, flow
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
    """One death, in a directory of its own."""

    def __init__(self, directory: Path, graph: Graph) -> None:
        directory.mkdir()
        self.graph = graph
        self.steps = grown(graph)
        self.workshop = Workshop(directory)
        self.book = directory / "ledger.db"
        with ledger(self.book):
            pass

    def order(self, **death: Any) -> dict[str, Any]:
        return {
            "url": self.workshop.url,
            "template": flow(self.graph, **declared(self.graph)),
            "context": {"ledger": str(self.book)},
            **death,
        }

    def settled(self) -> set[str]:
        """The steps that the store calls complete."""
        if not self.workshop.query("select 1 from sqlite_master where name = 'tasker_steps'"):
            return set()
        return {name for (name,) in self.workshop.query("select name from tasker_steps where state = 'complete'")}

    def calls(self) -> dict[str, int]:
        with ledger(self.book) as entries:
            return dict(entries.execute("select step, count(*) from calls group by 1").fetchall())

    def effects(self) -> list[str]:
        with ledger(self.book) as entries:
            return [step for (step,) in entries.execute("select step from effects order by step")]

    def complaints(self, settled_before: set[str], calls_before: dict[str, int]) -> Sequence[str]:
        """What is wrong after the next process has finished the task."""
        query, wrong = self.workshop.query, []
        if (states := query("select state, count(*) from tasker_tasks group by 1")) != [("complete", 1)]:
            wrong.append(f"tasks are {states}")
        if (states := query("select state, count(*) from tasker_steps group by 1")) != [("complete", len(self.steps))]:
            wrong.append(f"steps are {states}")
        if self.effects() != sorted(self.steps):
            wrong.append(f"effects are {self.effects()}")
        completions = query("select count(*), count(distinct no) from tasker_attempts where ending = 'ok'")
        if completions != [(len(self.steps), len(self.steps))]:
            wrong.append(f"(completions, steps completed) are {completions}")
        if ended := query(
            "select count(*) from tasker_attempts where ending not in ('ok', 'yielded', 'lost', 'released')"
        ):
            wrong += [] if ended == [(0,)] else [f"{ended} attempts failed"]
        if self.graph is TELLING:
            wrong += self.events_amiss()
        calls = self.calls()
        wrong += [f"{step} was settled and ran again" for step in settled_before if calls[step] != calls_before[step]]
        wrong += [f"{step} ran {count} times" for step, count in calls.items() if count > 2 + (self.graph is BATCH)]
        if self.graph is BOOK and (found := query("select step from entries order by step")) != [("a",), ("b",)]:
            wrong.append(f"entries are {found}")
        if (left := query("select count(*) from tasker_workers where state = 'live'")) != [(0,)]:
            wrong.append(f"{left} workers are thought to live")
        return wrong

    def events_amiss(self) -> Sequence[str]:
        """Events without the transition that they tell of, transitions without their event, and events told twice."""
        told = self.workshop.query("select no, fence, name from tasker_events order by no, fence")
        ended = self.workshop.query("""
            select no, fence, case ending when 'ok' then 'note.done' else 'note.failed' end
            from tasker_attempts where ending in ('ok', 'lost') order by no, fence""")
        return [] if told == ended and len(ended) >= 2 else [f"events are {told}, attempts {ended}"]


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize(
    "graph",
    [CHAIN, FAN, ROUTE, BATCH, BOOK, TELLING],
    ids=["chain", "fan", "route", "batch", "book", "telling"],
)
def test_no_death_at_a_commit_loses_or_repeats_a_step(
    zygote: Zygote, tmp_path: Path, graph: Graph, moment: str
) -> None:
    deaths = 0
    for commit in range(1, MOST_COMMITS):
        case, kill = Case(tmp_path / str(commit), graph), commit % 2 == 0
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
