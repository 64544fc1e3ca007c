"""Dead letters in the store: list them, write down what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tasker_core.store.database import Access, Call
from tasker_core.words import JsonText, Micros

PENDING = "pending"
STATUSES = (PENDING, "manually_resolved", "permanently_failed", "cancelled")


class DeadLetterRow(NamedTuple):
    id: str
    task: str
    namespace: str
    name: str
    state: str
    no: int
    step: str
    reason: str
    detail: JsonText
    status: str
    created_at: Micros
    resolved_at: Micros
    resolved_by: str
    notes: str
    metadata: JsonText


class CountRow(NamedTuple):
    """Of one reason and status; ``took`` is the sum of the times to the resolution."""

    reason: str
    status: str
    letters: int
    oldest: Micros
    newest: Micros
    took: Micros


class StandingRow(NamedTuple):
    uuid: str
    template_id: str
    namespace: str
    name: str
    state: str
    updated_at: Micros


class DeadLetters:
    """What can be said about dead letters."""

    def __init__(self, database: Access) -> None:
        self._database = database

    def newest(self, status: str | None, limit: int, offset: int) -> list[DeadLetterRow]:
        wanted = {"status": status, "limit": limit, "offset": offset}
        return self._read(Call("list_dead_letters", wanted))

    def latest(self, task: str) -> DeadLetterRow | None:
        """The newest of the task with this UUID."""
        letters = self._read(Call("dead_letters_of_task", {"task": task}))
        return letters[0] if letters else None

    def find(self, letter: str) -> DeadLetterRow | None:
        letters = self._read(Call("dead_letter_by_id", {"id": letter}))
        return letters[0] if letters else None

    def update(
        self, letter: str, now: Micros, *, status: str | None, notes: str | None, resolved_by: str | None,
        metadata: JsonText | None,
    ) -> bool:  # fmt: skip
        """Write down what became of it; None leaves a field as it is. False when there is no such letter."""
        said = {
            "id": letter, "now": now, "status": status, "notes": notes, "resolved_by": resolved_by,
            "metadata": metadata,
        }  # fmt: skip
        return bool(self._database.write(Call("update_dead_letter", said))[0])

    def counts(self) -> Sequence[CountRow]:
        (rows,) = self._database.read(Call("count_dead_letters", {}))
        return [CountRow(*row)._replace(took=int(row[5])) for row in rows]

    def standing(self, limit: int) -> Sequence[StandingRow]:
        """Unfinished tasks that have something to run, those first that haven't moved for longest."""
        (rows,) = self._database.read(Call("standing_tasks", {"limit": limit}))
        return [StandingRow(*row) for row in rows]

    def _read(self, call: Call) -> list[DeadLetterRow]:
        (rows,) = self._database.read(call)
        return [DeadLetterRow(*row) for row in rows]
