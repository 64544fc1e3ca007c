"""The same act on all tasks of a search: first how many there are, then what became of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Request, Response

from tasker_core.dashboard import forms
from tasker_core.dashboard.pages.tasks import asked_tasks
from tasker_core.dashboard.route import pages
from tasker_core.dashboard.search import Search
from tasker_core.dashboard.visit import Visit
from tasker_core.engine.bulk import RESTART
from tasker_core.errors import InvalidRequestError
from tasker_core.server.callers import requires, word_of

router = pages()

ACTS: Mapping[str, tuple[str, str]] = {
    "retry": ("Retry what failed", "All failed steps of each run again, from their first attempts."),
    "cancel": ("Cancel", "What hasn't begun never will; what runs is told, and its result refused."),
    "pause": ("Pause", "None of their steps begins until they are resumed; what runs goes on to its end."),
    "resume": ("Resume", "They go on."),
    "give_up": ("Give up", "Each ends as error; what isn't finished never will be."),
    "resolve": ("Resolve", "Each ends as resolved: what isn't finished is no longer needed."),
    RESTART: ("Restart", "The step and everything after it runs again; earlier results stay."),
}
"""What can be done with many tasks: how it is called, and what it does."""
SAMPLE, STRETCH = 10, 2_000
"""Tasks that are shown before, and that are changed in one request at most."""


@dataclass(frozen=True, slots=True)
class Before:
    """What is asked before: how many it could be done with, and the newest of them."""

    act: str
    from_step: str
    name: str
    means: str
    search: Search
    state: str
    matching: int
    sample: Sequence[Mapping[str, Any]]
    action_id: str
    back: str


@dataclass(frozen=True, slots=True)
class After:
    """What became of it so far; ``after`` is where it goes on, "" when it is done."""

    name: str
    act: str
    from_step: str
    q: str
    state: str
    reason: str
    action_id: str
    done: int
    skipped: Mapping[str, int]
    failures: int
    failed: Sequence[Mapping[str, str]]
    after: str
    back: str


@router.get("/tasks/bulk", dependencies=[requires("tasks:list")])
async def bulk_page(request: Request, act: str = "", q: str = "", state: str = "", from_step: str = "") -> Response:
    """How many tasks it would be done with."""
    visit = Visit(request)
    asked, filters = _asked(visit, act, q, state)

    def before() -> Before:
        counted = visit.engine.bulk.count(act, filters, SAMPLE, _step(act, from_step))
        return Before(
            act, from_step.strip(), *ACTS[act], asked, state, counted["matching"], counted["sample"],
            visit.engine.ids.new(), _list(q, state),
        )  # fmt: skip

    return await visit.page("bulk.html", before, section="tasks")


@router.post("/tasks/bulk", dependencies=[requires("tasks:list")])
async def bulk(request: Request) -> Response:
    """Do it, for a few seconds, and say what became of it."""
    visit, fields = Visit(request), await forms.read_form(request)
    act, q, state, from_step = (fields.get(name, "") for name in ("act", "q", "state", "from_step"))
    _, filters = _asked(visit, act, q, state)

    def do() -> After:
        word = word_of(request, None, fields.get("reason", "").strip()[:500], UUID(fields.get("action_id", "")))
        done = visit.engine.bulk.stretch(
            act, filters, word, after=fields.get("after") or None, limit=STRETCH, from_step=_step(act, from_step)
        )
        skipped = Counter({name.removeprefix("skipped."): int(count) for name, count in fields.items()
                           if name.startswith("skipped.") and count.isdigit()})  # fmt: skip
        return After(
            ACTS[act][0], act, from_step, q, state, word.reason, fields.get("action_id", ""),
            _number(fields, "done") + done["done"], skipped + Counter(done["skipped"]),
            _number(fields, "failures") + done["failures"], done["failed"], done["next"] or "", _list(q, state),
        )  # fmt: skip

    return await visit.page("bulk_done.html", do, section="tasks")


def _asked(visit: Visit, act: str, q: str, state: str) -> tuple[Search, Mapping[str, Any]]:
    if act not in ACTS:
        raise InvalidRequestError(f"{act!r} can't be done with many tasks; there are {', '.join(ACTS)}", field="act")
    visit.demand("tasks:cancel" if act == "cancel" else "tasks:operate")
    asked, filters = asked_tasks(visit, q, state)
    if asked.problems:
        raise InvalidRequestError(asked.problems[0], field="q")
    return asked, filters


def _step(act: str, from_step: str) -> str | None:
    """The step of a restart; what the form has of it is of no account for another act."""
    return (from_step.strip() or None) if act == RESTART else None


def _number(fields: Mapping[str, str], name: str) -> int:
    given = fields.get(name, "")
    return int(given) if given.isdigit() else 0


def _list(q: str, state: str) -> str:
    query = {name: value for name, value in (("q", q), ("state", state)) if value}
    return f"/tasks?{urlencode(query)}" if query else "/tasks"
