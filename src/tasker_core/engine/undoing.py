"""Which tasks are undone when they come to rest, in the words of the store."""

from __future__ import annotations

from collections.abc import Mapping

from tasker_core.clock import Ids
from tasker_core.engine.known import Known
from tasker_core.rules import undo
from tasker_core.rules.mend import Situation
from tasker_core.rules.undo import Undoing
from tasker_core.store.undoing import Lanes, Turn


def turn_of(templates: Mapping[int, Known], ids: Ids, *, by_itself: bool = True) -> Turn | None:
    """What is asked when tasks of ``templates``, by their numbers, come to rest; None where nothing can be undone.

    ``by_itself`` says that it wasn't an operator's word that brought them to rest.
    """
    if not any(known.undo for known in templates.values()):
        return None

    def judge(task: int, there: Situation) -> tuple[Undoing, Lanes] | None:
        known = templates[task]
        undoing = undo.follow(there, known.undo, by_itself=by_itself) if known.undo else None
        return (undoing, lanes_of(known, undoing)) if undoing is not None else None

    return Turn(ids.stamp(), judge)


def lanes_of(known: Known, undoing: Undoing) -> Lanes:
    """The lanes of the compensations that come into being."""
    return {born.no: known.lane(born.no) for born in undoing.born}
