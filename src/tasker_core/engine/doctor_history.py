"""A deep look: through all unfinished tasks, for what no verb leaves behind."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping

from tasker_core.rules.diagnosis import Check
from tasker_core.rules.doctor_history import Strange, impossible, judge_history
from tasker_core.store import Store

SECOND_LOOK = 1.0
"""Seconds after which what looked strange is looked at again: it may only have been on its way from one state to the
next, since a look reads a task's rows one after the other."""


def look_through(store: Store, place: str) -> Iterable[Check]:
    """Look at every unfinished task, and at the file."""
    damage, looked_at, after = store.insight.damage(), 0, 0
    suspects: dict[int, tuple[str, list[str]]] = {}
    while page := store.insight.unfinished(after):
        after = page[-1].id
        looked_at += len(page)
        uuids = {task.id: task.uuid for task in page}
        suspects |= {no: (uuids[no], why) for no, why in _strange(store, {t.id: t.state for t in page}).items()}
    if suspects:
        time.sleep(SECOND_LOOK)
    strange = _strange(store, store.tasks.states(suspects)) if suspects else {}
    again = [Strange(uuid, why) for no, (uuid, why) in suspects.items() if strange.get(no) == why]
    return judge_history(place, damage, looked_at, again)


def _strange(store: Store, states: Mapping[int, str]) -> dict[int, list[str]]:
    """What can't be so, by task."""
    steps, edges = store.tasks.steps(states)
    found = {
        task: impossible(state, {step.no: (step.name, step.state) for step in steps[task]}, edges[task])
        for task, state in states.items()
    }
    return {task: why for task, why in found.items() if why}
