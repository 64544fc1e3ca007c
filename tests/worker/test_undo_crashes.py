"""A process that dies at any commit of a task that is being undone: each compensation is made, once and in order."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.support.databases import postgres_of_the_suites
from tests.support.reckoning import FORBIDDEN, Reckoning
from tests.support.workshop import flow
from tests.support.workshop.deaths import EXITED
from tests.support.workshop.handlers import ledger
from tests.support.workshop.zygote import FINISHED, Zygote

__all__ = ["postgres_of_the_suites"]

GRAPH: dict[str, list[str]] = {"a": [], "b": ["a"], "c": ["b"], "d": ["c"]}
DONE = ["a", "b", "undo:b", "undo:a"]
MOST_COMMITS = 60
ALL = [("sqlite", "before"), ("postgres", "after"), ("sqlite", "after"), ("postgres", "before")]
"""Each moment on one database; the others in the long search."""
SOUND = {
    what: question for what, question in FORBIDDEN.items() if "leases" in what or "belong" in what or "ran" in what
}


@pytest.fixture(scope="module")
def zygote(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zygote]:
    with Zygote(tmp_path_factory.mktemp("zygote") / "stderr.log") as zygote:
        yield zygote


class Case:
    """One death, of a task of its own: its step ``c`` fails, ``b`` and ``a`` are undone."""

    def __init__(self, url: str, directory: Path, no: int) -> None:
        self._url, self._no = url, no
        self._book = directory / f"ledger-{no}.db"
        with ledger(self._book):
            pass

    def order(self, **death: Any) -> dict[str, Any]:
        retry = {"max_attempts": 5, "backoff": "none", "backoff_base_ms": 1}
        undone = {"handler": {"callable": "note"}, "retry": retry, "compensate": {"handler": "note", "retry": retry}}
        template = flow(
            GRAPH, version=f"1.0.{self._no}", a=undone, b=undone, c={"handler": {"callable": "refuse"}},
            d={"handler": {"callable": "note"}},
        )  # fmt: skip
        context, key = {"ledger": str(self._book)}, f"case {self._no}"
        return {"url": self._url, "migrate": True, "template": template, "context": context, "key": key, **death}

    def complaints(self) -> Sequence[str]:
        with closing(Reckoning(self._url)) as reckoning:
            wrong = [f"{count} {what}" for what, question in SOUND.items() if (count := reckoning.count(question))]
            if (tasks := reckoning.read("select distinct state, undo from tasker.tasks")) != [("error", 2)]:
                wrong.append(f"tasks are {tasks}")
            states: dict[str, str] = dict(reckoning.read("select name, state from tasker.steps"))
            if states != {**dict.fromkeys(DONE, "complete"), "c": "error", "d": "cancelled"}:
                wrong.append(f"steps are {states}")
            done = "select count(*), count(distinct no) from tasker.attempts where ending = 'ok' group by task_id"
            if {*reckoning.read(done)} != {(4, 4)}:
                wrong.append(f"completions are {reckoning.read(done)}")
        with ledger(self._book) as entries:
            effects = [step for (step,) in entries.execute("select step from effects order by rowid")]
        return wrong if effects == DONE else [*wrong, f"effects are {effects}"]


@pytest.mark.parametrize(("kind", "moment"), ALL if os.environ.get("HYPOTHESIS_PROFILE") == "soak" else ALL[:2])
def test_no_death_at_a_commit_undoes_twice_or_not_at_all(
    zygote: Zygote, request: pytest.FixtureRequest, tmp_path: Path, kind: str, moment: str
) -> None:
    url = f"sqlite:///{tmp_path}/tasker.db"
    if kind == "postgres":
        url = f"{request.getfixturevalue('postgres_of_the_suites')}?tasker_schema=undo_{moment}"
    deaths = 0
    for commit in range(1, MOST_COMMITS):
        case, kill = Case(url, tmp_path, commit), commit % 2 == 0
        ended = zygote.run(case.order(commit=commit, moment=moment, kill=kill))
        if ended == FINISHED:
            break
        assert ended == (-signal.SIGKILL if kill else EXITED), f"commit {commit}"
        deaths += 1
        assert zygote.run(case.order()) == FINISHED, f"after a death {moment} commit {commit}"
        assert case.complaints() == [], f"after a death {moment} commit {commit}"
    else:
        pytest.fail(f"not finished within {MOST_COMMITS} commits")
    assert deaths >= 8, "the migration, two registrations, the task, three steps and two compensations commit"
