"""The outbox of domain events: written by settlements, put in order and read by whoever delivers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tasker_core.store.database import Access, Call, as_json
from tasker_core.words import Event, JsonText, Micros

FAST = "fast"
"""The mode of events that are told in the worker's process alone, and kept nowhere."""
MOST_NUMBERED = 1_000
"""Events that get their numbers in one transaction."""


class EventRow(NamedTuple):
    """An event, with what its envelope is made of."""

    number: int
    uuid: str
    task_id: int
    task: str
    no: int
    fence: int
    namespace: str
    step: str
    name: str
    mode: str
    publisher: str
    at: Micros
    payload: JsonText
    metadata: JsonText
    template_id: str
    task_name: str
    version: str
    context: JsonText
    correlation_id: str
    attempt: int
    state: str
    claimed_at: Micros
    ended_at: Micros
    result: JsonText | None
    error: JsonText | None
    inputs: JsonText | None
    checkpoint: JsonText | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events are asked for: of a namespace, of a task by its number, whose name fits a pattern of LIKE."""

    namespace: str | None = None
    task: int | None = None
    pattern: str | None = None

    @property
    def params(self) -> dict[str, object]:
        return {"namespace": self.namespace, "task": self.task, "pattern": self.pattern}


EVERYTHING = Wanted()


class Outbox:
    """What can be said about domain events."""

    def __init__(self, database: Access) -> None:
        self._database = database

    def number(self) -> int:
        """Give all committed events that have none their numbers; the last number given."""
        while True:
            unnumbered, ((last,),) = self._database.read(Call("any_unnumbered_event", {}), Call("last_event", {}))
            if not unnumbered:
                return int(last)
            self._database.write(
                Call("lock_event_order", {}),
                Call("number_events", {"most": MOST_NUMBERED}),
                Call("advance_event_order", {}),
            )

    def after(self, number: int, until: int, most: int, wanted: Wanted = EVERYTHING) -> list[EventRow]:
        """The events after this number, up to ``until``, in their order; of one task, without ``until``."""
        name = "events_after" if wanted.task is None else "events_of_task"
        (rows,) = self._database.read(Call(name, {**wanted.params, "after": number, "until": until, "most": most}))
        return [EventRow(*row) for row in rows]

    def before(self, number: int, since: int, most: int, wanted: Wanted = EVERYTHING) -> list[EventRow]:
        """The events before this number, down to ``since``, the latest first; of one task, without ``since``."""
        name = "events_before" if wanted.task is None else "events_of_task_before"
        (rows,) = self._database.read(Call(name, {**wanted.params, "before": number, "since": since, "most": most}))
        return [EventRow(*row) for row in rows]


def insert_events(events: Sequence[Event], stamp: int) -> Call:
    """The statement of a settling transaction that writes ``events``."""
    rows = [
        {
            "place": place, "id": event.id, "task": event.key.task, "of_step": event.key.no, "held": event.key.fence,
            "of_event": event.position, "in_namespace": event.namespace, "called": event.step, "event": event.name,
            "how": event.mode, "by_whom": event.publisher, "fired": event.at, "content": event.payload,
            "more": event.metadata,
        }
        for place, event in enumerate(events)
    ]  # fmt: skip
    return Call("insert_events", {"events": as_json(rows), "tx": stamp})
