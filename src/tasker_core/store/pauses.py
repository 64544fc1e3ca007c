"""Pauses in the store: of a task, written on its steps, and of a whole namespace."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from tasker_core.rules.mend import Situation
from tasker_core.store.database import Access, Call
from tasker_core.store.repairs import Mended, Saying, look, record_call
from tasker_core.words import Micros, Pause, StepState


class NamespaceWord(NamedTuple):
    """What an operator said of a namespace."""

    verb: str
    at: Micros
    actor: str
    reason: str


class Pauses:
    """What is held, and by whom. A word whose stamp has been said already changes nothing; then the answer is None."""

    def __init__(self, database: Access) -> None:
        self._database = database

    def pause(self, saying: Saying, judge: Callable[[Situation], None]) -> Mended | None:
        """No step of the task is claimed from here on, unless ``judge`` raises. What was claimed runs on."""
        return self._say(saying, judge, "pause_task", "hold_steps")

    def resume(self, saying: Saying, judge: Callable[[Situation], None]) -> Mended | None:
        """The task's steps may be claimed again, unless ``judge`` raises."""
        return self._say(saying, judge, "resume_task", "let_steps_go")

    def _say(self, saying: Saying, judge: Callable[[Situation], None], *statements: str) -> Mended | None:
        with self._database.transaction() as transaction:
            there = look(transaction, saying)
            if there is None:
                return None
            judge(there)
            said = saying.params
            told = [{"no": 0, "was": there.state, "state": there.state}]
            transaction.run(*(Call(name, said) for name in statements), record_call(saying, told))
        ready = [step for step in there.steps.values() if step.state is StepState.ENQUEUED]
        return Mended(moved=None, ready={step.lane: step.rank for step in ready})

    def pause_namespace(self, namespace: str, saying: Saying, judge: Callable[[Pause | None], None]) -> bool:
        """Nothing of the namespace is claimed once this returns, unless ``judge`` raises. What was claimed runs on.

        False where the word had been said already. Raises StoreLockedError where a claim stays under way for long.
        """
        return self._say_of(namespace, saying, judge, "pause_namespace")

    def resume_namespace(self, namespace: str, saying: Saying, judge: Callable[[Pause | None], None]) -> bool:
        """The namespace is claimed from again, unless ``judge`` raises. False where the word had been said already."""
        return self._say_of(namespace, saying, judge, "resume_namespace")

    def _say_of(self, namespace: str, saying: Saying, judge: Callable[[Pause | None], None], statement: str) -> bool:
        said = {**saying.params, "namespace": namespace}
        with self._database.transaction() as transaction:
            names = ("bound_patience", "lock_pauses", "namespace_word", "paused_namespaces")
            _, _, before, paused = transaction.run(*(Call(name, said) for name in names))
            if before:
                return False
            judge({name: Pause(*pause) for name, *pause in paused}.get(namespace))
            transaction.run(Call(statement, said), Call("record_namespace_word", said))
        return True

    def namespaces(self) -> tuple[dict[str, int], dict[str, Pause]]:
        """How many templates for new tasks each namespace has, and which are paused."""
        known, paused = self._database.read(Call("namespaces", {}), Call("paused_namespaces", {}))
        return {name: int(count) for name, count in known}, {name: Pause(*pause) for name, *pause in paused}

    def words(self, namespace: str, limit: int) -> Sequence[NamespaceWord]:
        """What was said of a namespace, the latest first."""
        (rows,) = self._database.read(Call("namespace_words", {"namespace": namespace, "limit": limit}))
        return [NamespaceWord(*row) for row in rows]
