"""Dead letters in the store: list them, write down what became of them, have run again what they stand for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from tasker_core.errors import DeadLetterNotFoundError, TaskStateError
from tasker_core.rules.mend import Mend, Situation
from tasker_core.store import burial
from tasker_core.store.burial import Letter
from tasker_core.store.database import Access, Call
from tasker_core.store.repairs import Mended, Saying, look, mend_calls, told
from tasker_core.words import JsonText, Micros

PENDING, RESOLVED = "pending", "manually_resolved"
STATUSES = (PENDING, RESOLVED, "permanently_failed", "cancelled")


class DeadLetterRow(NamedTuple):
    """``state`` is the task's now, ``original_state`` what it was when the letter was written."""

    id: str
    task: str
    namespace: str
    name: str
    state: str
    no: int
    step: str | None
    reason: str
    detail: JsonText
    status: str
    created_at: Micros
    resolved_at: Micros
    resolved_by: str
    notes: str
    metadata: JsonText
    original_state: str
    fingerprint: str
    title: str
    runs_at: Micros


class GroupRow(NamedTuple):
    """Letters of one fault; ``no``, ``step`` and ``detail`` are those of one of them, ``example``."""

    fingerprint: str
    title: str
    reason: str
    namespace: str
    name: str
    no: int
    step: str | None
    letters: int
    first: Micros
    last: Micros
    example: str
    detail: JsonText


class CountRow(NamedTuple):
    """Of one reason and status; ``took`` is the sum of the times to the resolution."""

    reason: str
    status: str
    letters: int
    oldest: Micros
    newest: Micros
    took: Micros


class Requeued(NamedTuple):
    """What was done of a task, for how long its letter had waited, and when what waits may run."""

    mended: Mended
    waited: Micros
    runs_at: Micros


class DeadLetters:
    """What can be said about dead letters."""

    def __init__(self, database: Access) -> None:
        self._database = database

    def newest(self, filters: Mapping[str, str | None], limit: int, offset: int) -> list[DeadLetterRow]:
        """Those that match ``filters``: status, reason, fingerprint and namespace, each one or None."""
        return self._read(Call("list_dead_letters", {**filters, "limit": limit, "offset": offset}))

    def oldest(self, reasons: Sequence[str], limit: int) -> list[DeadLetterRow]:
        """The pending ones of each reason that wait for longest, at most ``limit`` of each."""
        calls = [Call("letters_of_reason", {"reason": reason, "limit": limit}) for reason in reasons]
        return [DeadLetterRow(*row) for rows in self._database.read(*calls) for row in rows]

    def groups(self, filters: Mapping[str, str | None], limit: int) -> list[GroupRow]:
        """The largest groups of letters that match and have one fingerprint."""
        (rows,) = self._database.read(Call("group_dead_letters", {**filters, "limit": limit}))
        return [GroupRow(*row) for row in rows]

    def alike(self, fingerprint: str, behind: DeadLetterRow | None, limit: int) -> list[DeadLetterRow]:
        """The pending letters of a fault, behind one of them, the oldest first."""
        since, after = (behind.created_at, behind.id) if behind else (0, "00000000-0000-0000-0000-000000000000")
        asked = {"fingerprint": fingerprint, "since": since, "after": after, "limit": limit}
        return self._read(Call("letters_alike", asked))

    def count_alike(self, fingerprint: str) -> int:
        """How many of a fault are pending."""
        (((pending,),),) = self._database.read(Call("count_alike", {"fingerprint": fingerprint}))
        return int(pending)

    def latest(self, task: str) -> DeadLetterRow | None:
        """The newest of the task with this UUID."""
        letters = self._read(Call("dead_letters_of_task", {"task": task}))
        return letters[0] if letters else None

    def find(self, letter: str) -> DeadLetterRow | None:
        letters = self._read(Call("dead_letter_by_id", {"id": letter}))
        return letters[0] if letters else None

    def snapshot(self, letter: str) -> JsonText:
        """What the task was like when ``letter`` was written."""
        (rows,) = self._database.read(Call("snapshot_of_letter", {"id": letter}))
        return str(rows[0][0]) if rows else "{}"

    def update(
        self, letter: str, now: Micros, *, status: str | None, notes: str | None, resolved_by: str | None,
        metadata: JsonText | None,
    ) -> bool:  # fmt: skip
        """Write down what became of it; None leaves a field as it is. False when there is no such letter, or when it
        can't be pending again because another one of its task is."""
        said = {
            "id": letter, "now": now, "status": status, "notes": notes, "resolved_by": resolved_by,
            "metadata": metadata,
        }  # fmt: skip
        return bool(self._database.write(Call("update_dead_letter", said))[0])

    def send(self, letter: Letter, now: Micros) -> bool:
        """Write a letter about a task by hand; False where it has a pending one."""
        with self._database.transaction() as transaction:
            transaction.run(Call("lock_tasks", {"tasks": f"[{letter.task}]"}))
            return burial.write(transaction, letter, now)

    def requeue(
        self, letter: str, saying: Saying, after: Micros, gap: Micros, judge: Callable[[Situation, Micros], Mend]
    ) -> Requeued | None:
        """Have run again what ``letter`` stands for, ``after`` so long, and resolve it, in one transaction.

        With a ``gap`` it is so long after the last of the same fault, though others are given their times at this
        moment. None when this word was said before. What ``judge`` makes of the task and of how long it is until then,
        is done; what it raises changes nothing.
        """
        with self._database.transaction() as transaction:
            there = look(transaction, saying)
            if there is None:
                return None
            ((status, _),) = transaction.run(Call("status_of_letter", {"id": letter}))[0] or [("gone", 0)]
            if status == "gone":
                raise DeadLetterNotFoundError(f"there is no dead letter {letter}")
            if status != PENDING:
                text = f"dead letter {letter} is {status} already; only a pending one is requeued"
                raise TaskStateError(text, state=status)
            runs_at = saying.now + after
            if gap:
                _, ((planned,),) = transaction.run(
                    Call("lock_fault", {"id": letter}), Call("last_planned", {"id": letter})
                )
                runs_at = max(runs_at, int(planned) + gap)
            mend = judge(there, runs_at - saying.now)
            settled = {
                "id": letter, "now": saying.now, "actor": saying.actor, "notes": saying.reason, "runs_at": runs_at
            }  # fmt: skip
            *_, ((since,),) = transaction.run(*mend_calls(saying, there, mend), Call("settle_letter", settled))
        return Requeued(told(there, mend), saying.now - int(since), runs_at)

    def counts(self) -> Sequence[CountRow]:
        (rows,) = self._database.read(Call("count_dead_letters", {}))
        return [CountRow(*row)._replace(took=int(row[5])) for row in rows]

    def _read(self, call: Call) -> list[DeadLetterRow]:
        (rows,) = self._database.read(call)
        return [DeadLetterRow(*row) for row in rows]


def filters(**wanted: Any) -> dict[str, str | None]:
    """Filters for letters; what isn't given is for any."""
    return {key: wanted.get(key) for key in ("status", "reason", "fingerprint", "namespace")}
