"""What is held back by a person, who may have forgotten it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tasker_core.rules.diagnosis import Check, CheckKind, Level
from tasker_core.rules.explain_queue import MOST_NAMED
from tasker_core.rules.explanation import at, counted, span
from tasker_core.rules.pausing import said
from tasker_core.rules.symptoms import MOST_COUNTED, Pile
from tasker_core.words import Micros, Pause


def judge_pauses(namespaces: Mapping[str, Pause], tasks: Pile | None, now: Micros) -> Iterable[Check]:
    """The namespaces and tasks that are paused."""
    for namespace, pause in list(namespaces.items())[:MOST_NAMED]:
        text = f"paused {said(pause)}; nothing of it begins"
        details = {"by": pause.actor, "since": at(pause.at), "reason": pause.reason}
        advice = f"let it go on when it may: tasker namespace resume {namespace}"
        yield Check(CheckKind.PAUSES, Level.WARNING, f"namespace {namespace}", text, advice, details)
    if len(namespaces) > MOST_NAMED:
        text = f"{counted(len(namespaces) - MOST_NAMED, 'more namespace')} paused"
        yield Check(CheckKind.PAUSES, Level.WARNING, "pauses", text)
    if tasks is not None:
        least = "at least " if tasks.size >= MOST_COUNTED else ""
        text = f"{least}{counted(tasks.size, 'task')} paused, the first for {span(now - tasks.since)}"
        advice = f"see who did it, and let it go on: tasker explain {tasks.task}"
        count = {"count": tasks.size, "since": at(tasks.since), "task": tasks.task}
        yield Check(CheckKind.PAUSES, Level.WARNING, "tasks", text, advice, count)
    if not namespaces and tasks is None:
        yield Check(CheckKind.PAUSES, Level.OK, "pauses", "nothing is paused")
