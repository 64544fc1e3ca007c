"""Is there somebody for everything that waits, and for every template?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from tasker_core.rules.diagnosis import Check, CheckKind, Level
from tasker_core.rules.explain_queue import (
    MOST_GUESSES,
    MOST_NAMED,
    Crew,
    crew_of,
    handler_of,
    is_live,
    namespace_of,
    near_lanes,
)
from tasker_core.rules.explanation import at, counted, listed, span
from tasker_core.rules.facts import WorkerFact
from tasker_core.rules.symptoms import MOST_COUNTED, Pile, TemplateFact
from tasker_core.words import Micros

PATIENCE: Micros = 30_000_000
"""For how long a step may wait without a worker that serves it, or beside a worker that has room: one may be about to
start."""
BACKLOG: Micros = 60_000_000


class Served:
    """The live workers, and the lanes that they serve."""

    def __init__(self, workers: Sequence[WorkerFact], now: Micros, lease_time: Micros) -> None:
        self.live = [worker for worker in workers if is_live(worker, now, lease_time)]
        self.lanes = {lane for worker in self.live for lane in worker.lanes}
        self._guesses: dict[str, list[str]] = {}

    def crew(self, lane: str) -> Crew:
        """Those that serve ``lane``."""
        return crew_of([worker for worker in self.live if lane in worker.lanes])

    def near(self, lane: str) -> list[str]:
        """What is served and like ``lane``."""
        if lane not in self._guesses:
            self._guesses[lane] = near_lanes(lane, self.lanes) if len(self._guesses) < MOST_GUESSES else []
        return self._guesses[lane]


def worst(checks: Iterable[Check]) -> Level:
    return Level.ERROR if any(check.level is Level.ERROR for check in checks) else Level.WARNING


def judge_queues(queues: Mapping[str, Pile], served: Served, now: Micros) -> Iterable[Check]:
    """What is ready and waits. Where nobody lives at all, that has been said already."""
    found = [check for lane, pile in queues.items() if (check := _lane(lane, pile, served, now)) is not None]
    yield from found[:MOST_NAMED]
    if len(found) > MOST_NAMED:
        more = f"{counted(len(found) - MOST_NAMED, 'more handler')} in the same plight"
        yield Check(CheckKind.QUEUE, worst(found), "queue", more)
    if not found:
        count = sum(pile.size for pile in queues.values())
        wait = "waits" if count == 1 else "wait"
        text = f"{counted(count, 'step')} of {counted(len(queues), 'handler')} {wait}" if queues else "nothing waits"
        yield Check(CheckKind.QUEUE, Level.OK, "queue", text)


def _lane(lane: str, pile: Pile, served: Served, now: Micros) -> Check | None:
    if not served.live:
        return None
    least = "at least " if pile.size >= MOST_COUNTED else ""
    waiting, waited = f"{least}{counted(pile.size, 'step')}", now - pile.since
    wait = "waits" if pile.size == 1 else "wait"
    details = {"count": pile.size, "since": at(pile.since), "task": pile.task}
    if lane not in served.lanes:
        near = served.near(lane)
        text = f"{waiting} {wait}, the oldest for {span(waited)}, and no live worker serves the handler"
        text += f" {handler_of(lane)!r} in the namespace {namespace_of(lane)!r}"
        if near:
            text += f"; served are {listed([repr(name) for name in near])}"
        level = Level.ERROR if waited > PATIENCE else Level.WARNING
        advice = "start a worker that serves it: tasker worker --handlers PACKAGE"
        return Check(CheckKind.QUEUE, level, lane, text, advice, {**details, "nearest": near})
    crew = served.crew(lane)
    details |= {"slots": crew.slots, "busy_slots": crew.held}
    if crew.is_busy and waited > BACKLOG:
        text = f"{waiting} {wait}, the oldest for {span(waited)}; all {crew.slots} slots of its workers are busy"
        return Check(CheckKind.QUEUE, Level.WARNING, lane, text, "start more workers, or raise --concurrency", details)
    if not crew.is_busy and waited > PATIENCE:
        text = (
            f"{waiting} {wait}, the oldest for {span(waited)}, though {crew.slots - crew.held} of {crew.slots} slots "
            f"of {listed(crew.names, 3)} are free"
        )
        return Check(CheckKind.QUEUE, Level.ERROR, lane, text, "its log says why; restart it", details)
    return None


def judge_templates(templates: Sequence[TemplateFact], served: Served) -> Iterable[Check]:
    """Is every step of the templates that new tasks get served by somebody?"""
    found: list[Check] = []
    for template in templates:
        if template.trouble:
            advice = "register it again; until then no worker starts"
            found.append(Check(CheckKind.TEMPLATES, Level.ERROR, template.name, template.trouble, advice))
        elif served.live and (lacking := [(step, lane) for step, lane in template.steps if lane not in served.lanes]):
            found.append(_unserved(template, lacking, served))
    yield from found[:MOST_NAMED]
    if len(found) > MOST_NAMED:
        more = f"{counted(len(found) - MOST_NAMED, 'more template')} in the same plight"
        yield Check(CheckKind.TEMPLATES, worst(found), "templates", more)
    if not templates:
        advice = "a worker registers those of its template directory; or run: tasker template register PATH"
        yield Check(CheckKind.TEMPLATES, Level.OK, "templates", "none is registered", advice)
    elif not found:
        compared = "every step is served" if served.live else "no worker lives to compare them with"
        yield Check(CheckKind.TEMPLATES, Level.OK, "templates", f"{counted(len(templates), 'template')}; {compared}")


def _unserved(template: TemplateFact, lacking: Sequence[tuple[str, str]], served: Served) -> Check:
    told, nearest = [], {}
    for step, lane in lacking:
        near = nearest[step] = served.near(lane)
        like = f"; served is {listed([repr(name) for name in near])}" if near else ""
        told.append(f"{step} ({handler_of(lane)!r}{like})")
    text = f"no live worker serves {listed(told)}"
    advice = "start a worker that does: tasker worker --handlers PACKAGE. A new task of it would wait there"
    return Check(CheckKind.TEMPLATES, Level.WARNING, template.name, text, advice, {"nearest": nearest})
