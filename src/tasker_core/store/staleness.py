"""Tasks that stand still, in the store: what is unfinished walked in slices, and the end of one that is stale."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from tasker_core.rules.mend import Mend, Situation
from tasker_core.rules.payload import decode
from tasker_core.rules.staleness import Course, Pace
from tasker_core.store import burial
from tasker_core.store.burial import Letter
from tasker_core.store.database import Access, Call, Row
from tasker_core.store.repairs import Mended, Saying, look, mend_calls, told
from tasker_core.words import HELD, Micros, StepState, TaskState

MOST_STEPS_SEEN = 10_000

Cursor = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Walk:
    """A way along what is unfinished: the statement, where it begins, and which columns say how far it is."""

    statement: str
    start: Cursor
    columns: Mapping[str, int]

    def behind(self, rows: Sequence[Row], cursor: Cursor) -> Cursor:
        """Where it goes on after ``rows``, read from ``cursor`` on: at the place of the last one, behind so many."""
        place = {name: rows[-1][column] for name, column in self.columns.items()}
        seen = 0
        for row in reversed(rows):
            if any(row[column] != place[name] for name, column in self.columns.items()):
                break
            seen += 1
        if seen == len(rows) and all(cursor[name] == value for name, value in place.items()):
            seen += cursor["seen"]
        return {**place, "seen": seen}


WALKS = (
    Walk("standing_ready", {"lane": "", "rank": -(1 << 62), "no": 0, "seen": 0}, {"lane": 11, "rank": 17, "no": 8}),
    Walk("standing_waiting", {"run_at": 0, "seen": 0}, {"run_at": 13}),
    Walk("standing_running", {"worker": -1, "stamp": -(1 << 62), "seen": 0}, {"worker": 18, "stamp": 19}),
)
TASKS = Walk("standing_pending", {"task": 0, "seen": 0}, {"task": 0})


class Standing(NamedTuple):
    """An unfinished task, and how far it is, as far as it was looked at."""

    number: int
    uuid: str
    template_id: str
    namespace: str
    name: str
    course: Course

    @property
    def is_held(self) -> bool:
        """A pause of the task stands on its steps."""
        return any(step.lane.startswith(HELD) for step in self.course.steps)


class Slice(NamedTuple):
    """A part of a walk: what stands there, where the next part begins, and whether this was the last one."""

    tasks: Sequence[Standing]
    next: Cursor
    is_last: bool


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of a task that stands still: a letter, an end, or both; and why, for the audit."""

    letter: Letter | None
    mend: Mend | None
    reason: str


@dataclass(frozen=True, slots=True)
class Fallen:
    """What was done: the letter that was written, if one was, and what the task's end changed."""

    letter: Letter | None
    mended: Mended | None


class Staleness:
    """What can be said about tasks that stand still."""

    def __init__(self, database: Access) -> None:
        self._database = database

    def walk(self, walk: Walk, cursor: Cursor, page: int) -> Slice:
        """The next ``page`` steps (or tasks) of ``walk`` from ``cursor`` on. Locks nothing."""
        (rows,) = self._database.read(Call(walk.statement, {**cursor, "page": page}))
        if not rows:
            return Slice((), walk.start, is_last=True)
        if walk is TASKS:
            waiting = (TaskState.PENDING, TaskState.WAITING_FOR_DEPENDENCIES)
            return Slice([_standing(row, ()) for row in rows if row[5] in waiting], walk.behind(rows, cursor), False)
        return Slice([_standing(row, [_pace(row)]) for row in rows], walk.behind(rows, cursor), len(rows) < page)

    def oldest(self, limit: int) -> list[Standing]:
        """Unfinished tasks that have something to run, with those steps; those first that moved the longest ago."""
        (rows,) = self._database.read(Call("paces_of_tasks", {"limit": limit, "most": MOST_STEPS_SEEN}))
        paces: dict[int, list[Pace]] = {}
        for row in rows:
            paces.setdefault(row[0], []).append(_pace(row))
        heads = {row[0]: row for row in rows}
        return [_standing(heads[task], steps) for task, steps in paces.items()]

    def served(self, since: Micros) -> dict[str, Micros | None]:
        """Until when each lane was served by a worker that was heard of since ``since``; None where one serves it."""
        (rows,) = self._database.read(Call("served_lanes", {"since": since}))
        lanes: dict[str, Micros | None] = {}
        for text, state, beat_at in rows:
            for lane in decode(text):
                before = lanes.get(lane, 0)
                lanes[lane] = None if state == "live" or before is None else max(before, beat_at)
        return lanes

    def judge(self, saying: Saying, judge: Callable[[Situation, Course], Fate | None]) -> Fallen | None:
        """Do to a task, as it stands under its lock, what ``judge`` says; None where it says that nothing is to be."""
        with self._database.transaction() as transaction:
            there = look(transaction, saying)
            if there is None:
                return None
            steps, pending = transaction.run(
                Call("course_of_task", {"task": saying.task}), Call("pending_letter", {"task": saying.task})
            )
            paces = [Pace(row[4], row[5], StepState(row[6]), row[7], row[8], row[9], max(row[10:13])) for row in steps]
            course = Course(there.state, steps[0][0], max(steps[0][1:4]), paces)
            fate = judge(there, course)
            if fate is None or (pending and fate.mend is None):
                return None
            letter = fate.letter if fate.letter and burial.write(transaction, fate.letter, saying.now) else None
            if fate.mend is None:
                return Fallen(letter, None)
            transaction.run(*mend_calls(replace(saying, reason=fate.reason), there, fate.mend))
            return Fallen(letter, told(there, fate.mend))


def _standing(row: Row, steps: Sequence[Pace]) -> Standing:
    number, uuid, template, namespace, name, state, created_at, updated_at = row[:8]
    return Standing(
        number, str(uuid), str(template), namespace, name, Course(TaskState(state), created_at, updated_at, steps)
    )


def _pace(row: Row) -> Pace:
    return Pace(row[8], row[9], StepState(row[10]), row[11], row[12], row[13], max(row[14:17]))
