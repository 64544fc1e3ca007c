"""A task played on an engine whose clock stands still between the rounds, and its trace as text."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias

from tasker_core.clock import ManualClock
from tasker_core.engine import Engine
from tasker_core.engine.processes import this_process
from tasker_core.rules.template import Template
from tasker_core.words import Lease, Report
from tests.support.flows import Hands, run, wish

Handlers: TypeAlias = Mapping[str, Callable[[Lease], Any]]

BEGINS, MOVES, ENDS = 2, 1, 0
"""Of what happens at one moment attempts end first, then states change, then attempts begin."""


class Line(NamedTuple):
    at: float
    order: int
    who: str
    what: str
    why: str


class Stage:
    """One task of ``template``. In a round everything that is ready is claimed, runs a second, and is reported."""

    def __init__(self, engine: Engine, clock: ManualClock, template: Template) -> None:
        self.engine, self.clock = engine, clock
        engine.catalog.register(template, replace=True)
        self.hands = Hands(engine)
        (created,) = engine.create([wish(engine)])
        self.task = created.task

    def claim(self) -> dict[str, Lease]:
        return {lease.step: lease for lease in sorted(self.hands.claim_all(), key=lambda lease: lease.step)}

    def report(self, *reports: Report) -> None:
        """What runs has run for a second."""
        self.clock.advance(1)
        self.hands.report(*reports)

    def rounds(self, handlers: Handlers | None = None) -> None:
        """Until nothing is ready, nor will be."""
        while True:
            leases = self.claim()
            if leases:
                self.report(*(run(lease, (handlers or {}).get(step)) for step, lease in leases.items()))
            elif not self._retry():
                return

    def _retry(self) -> bool:
        due = [step["next_retry_at"] for step in self.engine.views.steps(self.task) if step["next_retry_at"]]
        if due:
            self.clock.advance(datetime.fromisoformat(min(due)).timestamp() - self.clock.now() / 1e6)
            self.engine.enqueue_due(self.hands.actor)
        return bool(due)

    def trace(self) -> str:
        """What happened, as whoever asks the engine is told it; names and times are those of this task."""
        views = self.engine.views
        task, steps, changes = views.task(self.task), views.steps(self.task), views.transitions(self.task)
        began = _seconds(task["created_at"])
        lines: list[Line] = []
        for change in changes:
            who = change["step_name"] or "task"
            why = " ".join(filter(None, (f"by {change['actor']}", change["reason"] and f"({change['reason']})")))
            what = f"{change['from_state']} -> {change['to_state']}"
            lines.append(Line(_seconds(change["at"]) - began, MOVES, who, what, why))
        for step in steps:
            for no, tried in enumerate(step["history"], 1):
                begun, ended = (_seconds(tried[key]) - began for key in ("started_at", "ended_at"))
                attempt = f"attempt {tried['attempt']}" + (f", lease {no}" if no != tried["attempt"] else "")
                lines.append(Line(begun, BEGINS, step["name"], "enqueued -> in_progress", attempt))
                why = f"{tried['ending']}: {tried['reason']}"
                lines.append(Line(ended, ENDS, step["name"], f"in_progress -> {tried['state']}", why))
        width = max(len(line.who) for line in lines)
        told = [f"{line.at:7.3f}  {line.who:{width}}  {line.what:40}  {line.why}".rstrip() for line in _in_order(lines)]
        rest = [f"         {step['name']:{width}}  {step['current_state']}" for step in steps]
        return _plain("\n".join([*told, "", f"at rest  {'task':{width}}  {task['status']}", *rest, ""]))


def _in_order(lines: Sequence[Line]) -> list[Line]:
    return sorted(lines, key=lambda line: (round(line.at, 3), line.order, line.who == "task", line.who, line.what))


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _plain(text: str) -> str:
    """Without the name of this machine and the numbers of its processes."""
    return re.sub(r"process \d+", "process N", text.replace(this_process().host, "this machine"))
