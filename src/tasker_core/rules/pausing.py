"""Whether a task can be paused, or let go on."""

from __future__ import annotations

from tasker_core.errors import TaskStateError
from tasker_core.rules.explanation import at
from tasker_core.rules.mend import Situation
from tasker_core.words import FINAL_TASK_STATES, Pause


def pause(there: Situation) -> None:
    """Raises TaskStateError for a task that is final, or paused already."""
    there.refuse(*FINAL_TASK_STATES, may="only an unfinished task can be paused")
    if there.pause is not None:
        raise TaskStateError(f"task {there.uuid} is paused already, {said(there.pause)}", state=there.state)


def resume(there: Situation) -> None:
    """Raises TaskStateError for a task that isn't paused. A task that came to its end isn't paused any more."""
    there.refuse(*FINAL_TASK_STATES, may="only an unfinished task that is paused can be resumed")
    if there.pause is None:
        raise TaskStateError(f"task {there.uuid} isn't paused; there is nothing to resume", state=there.state)


def said(pause: Pause) -> str:
    """Who paused it, since when and why, in a sentence.

    >>> said(Pause(1_800_000_000_000_000, "ann", "the bank is down"))
    'by ann since 2027-01-15 08:00:00 UTC: the bank is down'
    """
    return f"by {pause.actor} since {at(pause.at)}" + (f": {pause.reason}" if pause.reason else "")
