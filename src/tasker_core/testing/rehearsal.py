"""``Rehearsal``: a store, a clock and a worker of a test's own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any

from tasker_core.client import TaskerClient
from tasker_core.clock import SECOND, ManualClock
from tasker_core.engine import Engine
from tasker_core.engine.open import close_engine, lay_open
from tasker_core.errors import HandlerNotFoundError
from tasker_core.registry import HandlerRegistry
from tasker_core.rules.spelling import did_you_mean
from tasker_core.rules.template_text import read_mapping
from tasker_core.template_files import read_file, template_files
from tasker_core.testing.crashes import Crash, End
from tasker_core.testing.performer import Performer, unserved
from tasker_core.testing.runs import StepRun, TaskRun
from tasker_core.testing.stand_ins import Cast, replayed, stand_in
from tasker_core.testing.store import throwaway_store
from tasker_core.types import StepContext, StepResponse, TaskResponse
from tasker_core.words import TaskState
from tasker_core.worker.worker import discover

LONG_ENOUGH = timedelta(days=3_660)
BEGINNING = datetime(2027, 1, 1, tzinfo=UTC)


class Rehearsal:
    """Plays tasks in this process: handlers run one after the other in the caller's thread, waits take no time.

    Args:
        templates: files, directories or mappings: what may be run.
        handlers: packages to import for the handlers in them, as a worker does.
        beginning: what the clock shows first.
        crash: where the worker dies; another one follows it.

    Retries, limits, decisions, batches, compensations and events are those of a worker; of two steps that are ready the
    one that a worker would take first runs first. No time limit ends a handler: the clock stands still while it runs.
    Everything in the process that opens ``database_url``, a TaskerClient of the application say, meets this store.
    """

    def __init__(
        self,
        templates: str | Path | Iterable[str | Path | Mapping[str, Any]] = (),
        handlers: Sequence[str] = (),
        *,
        beginning: datetime = BEGINNING,
        crash: Crash | None = None,
    ) -> None:
        self.clock = ManualClock(round(beginning.timestamp()) * SECOND)
        process = HandlerRegistry.instance(skip_bootstrap=True)
        for package in handlers:
            discover(process, package)
        self._cast = Cast(process)
        with ExitStack() as resources:
            path = Path(resources.enter_context(TemporaryDirectory(prefix="tasker-"))) / "rehearsal.db"
            self.database_url = f"sqlite:///{path}"
            """The store: what opens it sees the same tasks, on the same clock."""
            self._store = throwaway_store(path)
            self._engine = self._open_engine()
            lay_open(self.database_url, self._engine)
            resources.callback(close_engine, self._engine)
            self.client = resources.enter_context(TaskerClient("rehearsal", database_url=self.database_url))
            """Creates tasks and says what an operator says."""
            self._performer = Performer(self._open_engine, self.clock, self._cast, crash)
            for template in [templates] if isinstance(templates, str | Path) else templates:
                self.register(template)
            self._resources = resources.pop_all()

    def _open_engine(self) -> Engine:
        return Engine(self._store, clock=self.clock, roll=lambda: 0.5)

    def register(self, template: str | Path | Mapping[str, Any]) -> None:
        """Let tasks be made of a template: a file, each file of a directory, or the same as a mapping.

        Raises TemplateError, with file and line, for one that is wrong.
        """
        if isinstance(template, Mapping):
            found = [read_mapping(template, "the mapping").template]
        else:
            found = [read_file(file).template for file in template_files(template)]
        for each in found:
            self._engine.catalog.register(each, replace=True)
            self._performer.own |= {step.handler.callable for step in each.every_step}

    def replace(self, handler: str, by: Any) -> None:
        """Let something stand in for the handler that templates call ``handler``.

        Args:
            handler: the callable, as a template names it.
            by: a handler, decorated or a class; a function of the context, sync or async; an exception, which it
                raises; anything else is the result. A list has one of these for each attempt, the last for all after.
        """
        self._cast.register(handler, stand_in(handler, by, self._count_ended))

    def replay(self, attempts: Mapping[str, list[Any]]) -> None:
        """Let steps do again what they did once: for each by its name what each of its attempts came to.

        A step that isn't named has its own handler; where that isn't here, it mustn't come to it. Raises LookupError
        for a step that no registered template has.
        """
        callables = {
            step.name: step.handler.callable
            for known in self._engine.catalog.registered()
            for step in known.template.every_step
        }
        shared: dict[str, dict[str, list[Any]]] = {
            name: {} for name in callables.values() if not self._cast.can_find(name)
        }
        for name, acts in attempts.items():
            declared = name if name in callables else name.rpartition("_")[0]
            if declared not in callables:
                raise LookupError(f"no registered template has a step {name!r}{did_you_mean(name, callables)}")
            shared.setdefault(callables[declared], {})[name] = acts
        for handler, by_step in shared.items():
            self._cast.register(handler, replayed(handler, by_step, self._count_ended))

    def _count_ended(self, context: StepContext) -> int:
        return self._performer.ended[str(context.task_uuid), context.step_name]

    def run(
        self, name: str, context: Mapping[str, Any] | None = None, *, within: timedelta = LONG_ENOUGH, **more: Any
    ) -> TaskRun:
        """Create a task and work until it rests; what became of it.

        Args:
            name: the template's name.
            context: what the steps work on.
            within: the time on the clock after which it is left as it is.
            **more: what ``TaskerClient.create_task`` takes: namespace, version, idempotency_key, ...

        Raises:
            HandlerNotFoundError: a step of its template has no handler here.
            UnknownTemplateError, InvalidRequestError, PayloadError: the task can't be created.
        """
        return self.finish(self.client.create_task(name, context=context, **more).task_uuid, within=within)

    def finish(self, task_uuid: str, *, within: timedelta = LONG_ENOUGH) -> TaskRun:
        """Work until this task rests: one that the application under test has created, or an operator moved on.

        Raises HandlerNotFoundError, TaskNotFoundError.
        """
        task = self.client.get_task(task_uuid)
        missing = unserved(self._performer.serving, f"{task.namespace}/{task.name}")
        if missing:
            raise HandlerNotFoundError("; ".join(sorted(set(missing))), callable=task.name)
        number = self._engine.number(task_uuid)

        def is_over() -> bool:
            return TaskState(self._engine.store.tasks.states([number])[number]).is_at_rest

        self._performer.work(is_over, self.clock.now() + round(within.total_seconds() * SECOND))
        return self.look(task_uuid)

    def finish_all(self) -> list[TaskRun]:
        """Work until nothing moves any more; what became of every task, the first created first."""
        self.advance(LONG_ENOUGH)
        return self.runs()

    def advance(self, time: timedelta) -> None:
        """Let this much time pass at most, and everything happen that is due within it."""
        self._performer.work(lambda: False, self.clock.now() + round(time.total_seconds() * SECOND))

    def look(self, task_uuid: str) -> TaskRun:
        """What has become of a task so far. Raises TaskNotFoundError."""
        task = self.client.get_task(task_uuid)
        ended = self._performer.ended
        steps = {step.name: _step(step, ended[task_uuid, step.name]) for step in self.client.list_task_steps(task_uuid)}
        events = self.client.list_events(task_uuid=task_uuid, after=0, limit=100)["events"]
        ran = [step for uuid, step in self._performer.ran if uuid == task_uuid]
        why = "" if task.status == "complete" else self.client.explain(task_uuid).text
        return TaskRun(task_uuid, task.status, steps, ran, _took(task), why, events, task.compensated)

    def runs(self) -> list[TaskRun]:
        """What has become of every task so far, the first created first."""
        tasks: list[TaskResponse] = []
        while page := self.client.list_tasks(limit=100, offset=len(tasks)).tasks:
            tasks += page
        return [self.look(task.task_uuid) for task in reversed(tasks)]

    @property
    def ends(self) -> list[End]:
        """How every task ended, for a comparison."""
        return [run.end for run in self.runs()]

    @property
    def commits(self) -> int:
        """How many commits the worker has made."""
        return self._performer.commits

    @property
    def has_crashed(self) -> bool:
        """Has the crash that was asked for happened?"""
        return self._performer.has_crashed

    def close(self) -> None:
        """Drop the store."""
        self._resources.close()

    def __enter__(self) -> Rehearsal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _step(step: StepResponse, attempts: int) -> StepRun:
    said = step.results or {}
    failed = said.get("error") or {}
    return StepRun(
        step.name, step.current_state, attempts, said.get("result"),
        failed.get("message"), failed.get("error_type"),
    )  # fmt: skip


def _took(task: TaskResponse) -> timedelta:
    if task.created_at is None or task.completed_at is None:
        return timedelta()
    return datetime.fromisoformat(task.completed_at) - datetime.fromisoformat(task.created_at)
