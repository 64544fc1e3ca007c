"""An operator's act on all tasks that match: task after task, each in a transaction and an audit of its own."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from tasker_core.engine.operator import Operator
from tasker_core.errors import InvalidRequestError, StoreError, TaskerError, TaskNotFoundError, TaskStateError
from tasker_core.rules.spelling import did_you_mean
from tasker_core.store import Store
from tasker_core.store.filters import TaskFilter
from tasker_core.store.rows import TaskRow
from tasker_core.words import Word

Act: TypeAlias = Callable[[Operator, str, Word], None]

RESTART = "restart"
ACTS: Mapping[str, Act] = {
    "retry": Operator.retry,
    "cancel": Operator.cancel,
    "pause": Operator.pause,
    "resume": Operator.resume,
    "give_up": Operator.give_up,
    "resolve": Operator.resolve,
}
"""What can be said of many tasks at once, and ``restart``, from a step."""
PAGE = 50
"""Tasks that are looked up at a time, with what they work on."""
LONGEST_STRETCH = 5.0
"""Seconds after which a stretch ends, so that whoever asked for it is answered."""
MOST_TOLD = 20
GONE = "dropped"


@dataclass
class Tally:
    """Of how many ``tasks`` something was said so far, and what came of it."""

    tasks: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    failed: list[dict[str, str]] = field(default_factory=list)

    def answer(self, after: str | None) -> dict[str, Any]:
        done = self.tasks - self.skipped.total() - len(self.failed)
        return {
            "matching": None, "sample": [], "done": done, "skipped": dict(self.skipped),
            "failures": len(self.failed), "failed": self.failed[:MOST_TOLD], "next": after,
        }  # fmt: skip


class Bulk:
    """Says the same of many tasks."""

    def __init__(self, store: Store, operator: Operator) -> None:
        self._store, self._operator = store, operator

    def count(self, act: str, filters: Mapping[str, Any], sample: int, from_step: str | None = None) -> dict[str, Any]:
        """How many of the tasks that match ``act`` could be said of, and the newest of them. Changes nothing.

        ``filters`` are those of a list of tasks, ``from_step`` is the step of a restart. Raises InvalidRequestError
        where no filter is given, for an unknown ``act``, for a restart without a step or a step without a restart.
        """
        found, total = self._store.tasks.newest(_asked(act, filters, None, from_step), sample, 0)
        brief = [
            {"task_uuid": row.uuid, "namespace": row.namespace, "name": row.name, "status": row.state} for row in found
        ]
        return {"matching": total, "sample": brief, "done": 0, "skipped": {}, "failures": 0, "failed": [], "next": None}

    def stretch(
        self, act: str, filters: Mapping[str, Any], word: Word, *, after: str | None = None, limit: int,
        from_step: str | None = None, seconds: float = LONGEST_STRETCH,
    ) -> dict[str, Any]:  # fmt: skip
        """Say ``word`` of the next ``limit`` tasks at most, the newest first, those older than the task ``after``.

        Tells of how many it was ``done``, how many were ``skipped`` since they had come to another state by then,
        where it has ``failed`` and why, and the task to go on after, None where none is left. What carries the same
        stamp again is done once, and counted again. Raises like ``count``, and TaskNotFoundError for an unknown
        ``after``.
        """
        asked, tally = _asked(act, filters, word.stamp, from_step), Tally()
        say = ACTS[act] if from_step is None else _restart_from(from_step)
        deadline = time.monotonic() + seconds
        for row in self._matching(asked, None if after is None else self._number(after), limit):
            self._say(say, row, word, tally)
            if tally.tasks == limit or time.monotonic() > deadline:
                return tally.answer(row.uuid)
        return tally.answer(None)

    def _matching(self, asked: Mapping[str, Any], than: int | None, limit: int) -> Iterator[TaskRow]:
        while page := self._store.tasks.older(asked, min(PAGE, limit), than):
            yield from page
            than = page[-1].id

    def _say(self, act: Act, row: TaskRow, word: Word, tally: Tally) -> None:
        tally.tasks += 1
        try:
            act(self._operator, row.uuid, word)
        except TaskStateError as error:
            tally.skipped[error.state or row.state] += 1
        except TaskNotFoundError:
            tally.skipped[GONE] += 1
        except TaskerError as error:
            if isinstance(error, StoreError) and error.retryable:
                raise
            tally.failed.append({"task_uuid": row.uuid, "message": str(error)})

    def _number(self, task: str) -> int:
        numbers = self._store.tasks.numbers([task])
        if task not in numbers:
            raise TaskNotFoundError(f"there is no task {task}")
        return numbers[task]


def _restart_from(step: str) -> Act:
    def restart(operator: Operator, task: str, word: Word) -> None:
        operator.restart(task, step, word)

    return restart


def refuse_act(act: str, from_step: str | None) -> None:
    """Raise InvalidRequestError for what can't be said of many tasks."""
    known = (*ACTS, RESTART)
    if act not in known:
        raise InvalidRequestError(
            f"{act!r} can't be said of many tasks{did_you_mean(act, known)}; there are {', '.join(known)}", field="act"
        )
    if (act == RESTART) != (from_step is not None):
        raise InvalidRequestError(
            "say from which step the tasks are to be restarted" if act == RESTART else
            f"from_step goes with restart, not with {act}", field="from_step",
        )  # fmt: skip


def _asked(act: str, filters: Mapping[str, Any], stamp: int | None, from_step: str | None) -> dict[str, Any]:
    refuse_act(act, from_step)
    if not TaskFilter(**filters).asks_anything:
        raise InvalidRequestError(
            "say which tasks: give at least one filter, such as namespace or status", field="filters"
        )
    return {**filters, "act": act, "stamp": stamp, "from_step": from_step}
