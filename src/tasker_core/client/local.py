"""What a client asks, answered by the engine of this process."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from tasker_core.client.templates import not_replaced
from tasker_core.engine import Engine, TaskRequest
from tasker_core.engine.create import Creator
from tasker_core.engine.dead_letters import DeadLetters
from tasker_core.engine.limits import Limits
from tasker_core.engine.namespaces import Namespaces
from tasker_core.engine.open import close_engine, open_engine
from tasker_core.engine.operator import Operator
from tasker_core.engine.requeue import Requeuer
from tasker_core.engine.views import Views
from tasker_core.errors import TaskNotFoundError
from tasker_core.rules.template import Template
from tasker_core.settings import load_settings
from tasker_core.words import TaskState, Word

if TYPE_CHECKING:
    from tasker_core.client.call import Call

R = TypeVar("R")

A_STRETCH = 500
SHORTEST_POLL, LONGEST_POLL = 0.01, 0.05


class Local:
    """Opens the store that ``url`` names and keeps it open until ``close``."""

    longest_wait = 60.0
    """Seconds for which one question waits."""

    def __init__(self, url: str) -> None:
        self._engine: Engine = open_engine(url)
        self._alone = nullcontext((self._engine, self._engine.views))

    def do(self, call: Call[R]) -> R:
        """The answer to ``call``."""
        if call.pause:
            time.sleep(call.pause)
        return call.read(call.here(self))

    def create(
        self, request: TaskRequest, *, refuse_duplicates: bool, connection: object | None = None
    ) -> dict[str, Any]:
        with self._place(connection) as (creator, views):
            (created,) = creator.create([request], refuse_duplicates=refuse_duplicates)
            return views.task(created.task) if created.fresh is None else views.fresh(*created.fresh)

    def create_many(
        self, requests: Sequence[TaskRequest], *, refuse_duplicates: bool, connection: object | None = None
    ) -> dict[str, Any]:
        with self._place(connection) as (creator, views):
            made = creator.create(requests, refuse_duplicates=refuse_duplicates)
            briefs = [views.brief(new.fresh[0]) if new.fresh else views.briefly(new.task) for new in made]
            return {"tasks": briefs}

    def _place(self, connection: object | None) -> AbstractContextManager[tuple[Creator | Engine, Views]]:
        """Where a task is created: in a transaction of its own, or in the one that is open on ``connection``."""
        return self._alone if connection is None else self._engine.join(connection)

    def task(self, task: str, waiting: float = 0.0) -> dict[str, Any]:
        """The task, after it came to rest or after ``waiting`` seconds."""
        number = self._await_rest(task, waiting) if waiting else None
        return self._engine.views.task(task, number)

    def tasks(self, filters: Mapping[str, Any], limit: int, offset: int) -> dict[str, Any]:
        return self._engine.views.tasks(filters, limit, offset)

    def steps(self, task: str, limit: int | None = None, offset: int = 0) -> list[dict[str, Any]]:
        return self._engine.views.steps(task, limit, offset)

    def step(self, task: str, step: str) -> dict[str, Any]:
        return self._engine.views.step(task, step)

    def audit(self, task: str, step: str) -> list[dict[str, Any]]:
        return self._engine.views.audit(task, step)

    def explain(self, task: str) -> dict[str, Any]:
        return self._engine.explain(task).as_dict()

    def doctor(self, *, deep: bool) -> dict[str, Any]:
        return self._engine.doctor(deep=deep).as_dict()

    def ask(self, question: Callable[[Engine], R]) -> R:
        """What the engine says."""
        return question(self._engine)

    @property
    def limits(self) -> Limits:
        return self._engine.limits

    def cancel(self, task: str, actor: str, reason: str) -> None:
        self._engine.cancel(task, actor=actor, reason=reason)

    def on_task(self, task: str, do: Callable[[Operator], None]) -> dict[str, Any]:
        """The task, after the operator did something with it."""
        do(self._engine.operator)
        return self._engine.views.task(task)

    def on_step(self, task: str, step: str, do: Callable[[Operator, str], None]) -> dict[str, Any]:
        """The step with this UUID, after the operator did something with the step of its name."""
        do(self._engine.operator, self._engine.views.step(task, step)["name"])
        return self._engine.views.step(task, step)

    @property
    def dead_letters(self) -> DeadLetters:
        return self._engine.dead_letters

    @property
    def requeuer(self) -> Requeuer:
        return self._engine.requeuer

    def requeued(self, letter: str, word: Word) -> dict[str, Any]:
        """The dead letter, after what it stands for was put back."""
        self._engine.requeuer.requeue(letter, word)
        return self._engine.dead_letters.get(letter)

    def change_tasks(
        self, act: str, filters: Mapping[str, Any], word: Word, *, dry_run: bool, sample: int, after: str | None,
        from_step: str | None,
    ) -> dict[str, Any]:  # fmt: skip
        """What came of the next stretch of the tasks that match."""
        if dry_run:
            return self._engine.bulk.count(act, filters, sample, from_step)
        return self._engine.bulk.stretch(act, filters, word, after=after, limit=A_STRETCH, from_step=from_step)

    def namespaces(self) -> list[dict[str, Any]]:
        return self._engine.namespaces.all()

    def namespace(self, namespace: str) -> dict[str, Any]:
        return self._engine.namespaces.one(namespace)

    def on_namespace(self, namespace: str, do: Callable[[Namespaces], None]) -> dict[str, Any]:
        """The namespace, after something was said of it."""
        do(self._engine.namespaces)
        return self._engine.namespaces.one(namespace)

    def register(self, template: Template) -> None:
        done = self._engine.catalog.register(template, replace=load_settings().env == "development")
        if done.refused:
            raise not_replaced(
                f"{template.identity} is registered with other content and isn't replaced outside development; raise "
                "its version",
                done.refused,
            )

    def health(self) -> dict[str, Any]:
        """Raises StoreError where the store doesn't answer."""
        self._engine.store.templates.mark()
        return {"status": "healthy", "timestamp": datetime.now(UTC).isoformat()}

    def _await_rest(self, task: str, seconds: float) -> int:
        """Return as soon as ``task`` is at rest, or after ``seconds``; its number. Raises TaskNotFoundError.

        A worker of this process rings at once; one of another process is noticed by polling. A task that this process
        knew as unfinished a moment ago isn't asked about at once: the worker has the better use for the time.
        """
        deadline = time.monotonic() + seconds
        remembered = self._engine.remembered(task)
        number = self._engine.number(task) if remembered is None else remembered
        rung = threading.Event()
        unwatch = self._engine.wake.watch(number, rung.set)
        poll, mark = SHORTEST_POLL, None
        try:
            if remembered is not None:
                rung.wait(min(poll, seconds))
            while not rung.is_set():
                seen = self._engine.store.database.change_mark()
                if seen != mark or seen == -1:
                    mark = seen
                    if self._is_at_rest(task, number):
                        break
                left = deadline - time.monotonic()
                if left <= 0:
                    break
                rung.wait(min(poll, left))
                poll = min(poll * 1.5, LONGEST_POLL)
        finally:
            unwatch()
        return number

    def _is_at_rest(self, task: str, number: int) -> bool:
        states = self._engine.store.tasks.states([number])
        if number not in states:
            raise TaskNotFoundError(f"there is no task {task}")
        return TaskState(states[number]).is_at_rest

    def close(self) -> None:
        close_engine(self._engine)
