"""Figures over the tasks of the last hours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tasker_core.store.database import Access, Call
from tasker_core.words import Micros


class Sum(NamedTuple):
    """How many there are, and how long those that ended took together."""

    number: int
    took: Micros


class SlowStep(NamedTuple):
    """Attempts of one step that a template declares, by its number: durations in microseconds."""

    namespace: str
    name: str
    version: str
    template: str
    step: int
    average: float
    longest: Micros
    attempts: int
    failed: int
    last_at: Micros


class SlowTask(NamedTuple):
    """Finished tasks of one template: durations in microseconds."""

    namespace: str
    name: str
    version: str
    average: float
    longest: Micros
    tasks: int
    steps: float
    failed: int
    last_at: Micros


class SaidWord(NamedTuple):
    """A transition of a task, or of its step ``no``."""

    task: str
    namespace: str
    name: str
    no: int
    step: str | None
    from_state: str
    to_state: str
    at: Micros
    actor: str
    reason: str


class Analytics:
    """What can be said about how things went."""

    def __init__(self, database: Access) -> None:
        self._database = database

    def newest(self) -> int:
        """The number of the newest task, 0 where there is none."""
        (((newest,),),) = self._database.read(Call("newest_task", {}))
        return int(newest)

    def first_since(self, moment: Micros) -> int:
        """The number of the first task that was created at ``moment`` or later; one beyond all if there is none."""
        low, high = 0, self.newest() + 1
        while low < high:
            middle = (low + high) // 2
            (rows,) = self._database.read(Call("task_from", {"id": middle}))
            if rows and rows[0][1] < moment:
                low = rows[0][0] + 1
            else:
                high = middle
        return low

    def counts(self, first: int) -> tuple[Mapping[str, Sum], Sum]:
        """The tasks from this number on by state, and their attempts."""
        of = {"first": first}
        states, ((attempts, took),) = self._database.read(Call("count_states", of), Call("count_attempts", of))
        return {row[0]: Sum(row[1], int(row[2])) for row in states}, Sum(attempts, int(took))

    def ended(self, first: int, since: Micros, width: Micros) -> dict[int, tuple[int, int]]:
        """Attempts that ended at ``since`` or later, of the tasks from this number on: how many, and how many failed,
        by stretches of ``width`` microseconds since the epoch."""
        (rows,) = self._database.read(Call("attempts_by_time", {"first": first, "since": since, "width": width}))
        return {row[0]: (row[1], int(row[2])) for row in rows}

    def durations(self, first: int, since: Micros, most: int) -> Sequence[tuple[Micros, Micros]]:
        """Of the latest ``most`` attempts that ended since: how long each waited, and ran."""
        (rows,) = self._database.read(Call("newest_attempts", {"first": first, "since": since, "most": most}))
        return [(row[0], row[1]) for row in rows]

    def words(self, first: int, limit: int, *, everybody: bool) -> Sequence[SaidWord]:
        """The latest transitions of the tasks from this number on: those that clients caused, or all."""
        wanted = {"first": first, "limit": limit, "everybody": int(everybody)}
        (rows,) = self._database.read(Call("latest_words", wanted))
        return [SaidWord(*row) for row in rows]

    def slow(self, first: int, least: int, limit: int) -> tuple[Sequence[SlowStep], Sequence[SlowTask]]:
        """The steps and the templates that took longest on average, of those with at least ``least`` runs."""
        of = {"first": first, "least": least, "limit": limit}
        steps, tasks = self._database.read(Call("slow_steps", of), Call("slow_tasks", of))
        return (
            [SlowStep(*row)._replace(average=float(row[5])) for row in steps],
            [SlowTask(*row)._replace(average=float(row[3]), steps=float(row[6])) for row in tasks],
        )
