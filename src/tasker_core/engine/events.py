"""Reads the outbox: in order, by filter, from any place on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from tasker_core.engine.catalog import Catalog
from tasker_core.engine.envelopes import Envelopes
from tasker_core.errors import InvalidRequestError, TaskNotFoundError
from tasker_core.rules.patterns import fits, like, wrong_with
from tasker_core.store import Store
from tasker_core.store.outbox import EventRow, Wanted

WINDOW, MOST_WINDOWS = 5_000, 20
"""Numbers that one statement walks through, and statements for one answer: a filter that fits few events is answered
with those that were found so far, and where to go on."""
LARGEST_PAGE = 100
BEHIND_ALL = (1 << 63) - 1


class Told(NamedTuple):
    """An event, by its number in the order of all."""

    number: int
    name: str
    namespace: str
    task: str
    mode: str
    envelope: dict[str, Any]


class Asked(NamedTuple):
    """Which events are asked for: of one namespace, of one task by its UUID, those whose names fit a pattern."""

    namespace: str | None = None
    task: str | None = None
    patterns: Sequence[str] = ()

    def wants(self, event: Told) -> bool:
        return (
            (self.namespace is None or event.namespace == self.namespace)
            and (self.task is None or event.task == self.task)
            and fits(event.name, self.patterns)
        )


ANY = Asked()


class Events:
    """Domain events of one store."""

    def __init__(self, store: Store, catalog: Catalog) -> None:
        self._store, self._envelopes = store, Envelopes(store, catalog)

    def last(self) -> int:
        """The number of the last event that has been committed; those that had none have got theirs."""
        return self._store.outbox.number()

    def after(self, number: int, most: int, asked: Asked = ANY) -> tuple[list[Told], int]:
        """At most ``most`` events after ``number``, and up to which number there are no others that fit."""
        last, wanted, rows = self.last(), self.check(asked), list[EventRow]()
        for _ in range(MOST_WINDOWS):
            if number >= last or len(rows) == most:
                break
            until = last if wanted.task is not None else min(number + WINDOW, last)
            found = self._store.outbox.after(number, until, most - len(rows), wanted)
            rows += found
            number = found[-1].number if len(rows) == most else until
        return self._told(rows, asked), number

    def page(self, asked: Asked, limit: int, *, after: int | None = None, before: int | None = None) -> dict[str, Any]:
        """A page of events, ``after`` one in their order, else backwards from ``before`` one or the last.

        ``next`` is the number to go on with in the same direction, None at the end. Raises TaskNotFoundError.
        """
        if after is not None:
            told, reached = self.after(after, limit, asked)
            more = reached < self.last()
        else:
            told, reached = self._before(before, limit, asked)
            more = reached > 1
        return {"events": [shown(event) for event in told], "next": reached if more else None}

    def _before(self, before: int | None, most: int, asked: Asked) -> tuple[list[Told], int]:
        number, wanted, rows = self.last() + 1, self.check(asked), list[EventRow]()
        number = number if before is None else min(number, before)
        for _ in range(MOST_WINDOWS):
            if number <= 1 or len(rows) == most:
                break
            since = 1 if wanted.task is not None else max(number - WINDOW, 1)
            found = self._store.outbox.before(number, since, most - len(rows), wanted)
            rows += found
            number = found[-1].number if len(rows) == most else since
        return self._told(rows, asked), number

    def check(self, asked: Asked) -> Wanted:
        """What is asked for, as the store knows it. Raises InvalidRequestError, TaskNotFoundError."""
        for pattern in asked.patterns:
            if wrong := wrong_with(pattern):
                raise InvalidRequestError(wrong, field="name")
        task = None
        if asked.task is not None:
            numbers = self._store.tasks.numbers([asked.task])
            if asked.task not in numbers:
                raise TaskNotFoundError(f"there is no task {asked.task}")
            task = numbers[asked.task]
        return Wanted(asked.namespace, task, like(asked.patterns))

    def _told(self, rows: Sequence[EventRow], asked: Asked) -> list[Told]:
        rows = [row for row in rows if fits(row.name, asked.patterns)]
        envelopes = self._envelopes.of(rows)
        return [
            Told(row.number, row.name, row.namespace, row.task, row.mode, envelope)
            for row, envelope in zip(rows, envelopes, strict=True)
        ]


def shown(event: Told) -> dict[str, Any]:
    """An event in a list: its place in the order of all, and its envelope."""
    return {"sequence": event.number, "delivery_mode": event.mode, **event.envelope}
