"""``TaskerClient``: create tasks and look at them."""

from __future__ import annotations

import getpass
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from tasker_core.client.local import Local
from tasker_core.client.templates import read_any
from tasker_core.engine.open import database_url as choose_database
from tasker_core.engine.requests import TaskRequest, as_uuid
from tasker_core.errors import InvalidRequestError, TemplateError
from tasker_core.rules.diagnosis import Diagnosis
from tasker_core.rules.explanation import Explanation
from tasker_core.settings import load_settings
from tasker_core.types import HealthResponse, StepAuditResponse, StepResponse, TaskListResponse, TaskResponse
from tasker_core.words import TaskState

OnDuplicate = Literal["raise", "return"]
LARGEST_PAGE = 1_000


class TaskerClient:
    """Creates tasks in Tasker's store and tells what became of them. Safe to share between threads.

    Args:
        initiator: who creates the tasks; stored with each.
        source_system: the application that creates them; stored with each.
        database_url: where the tasks are, ``sqlite:///tasker.db`` say. Without it: TASKER_DATABASE_URL, DATABASE_URL,
            else ``sqlite:///tasker.db`` in the working directory.

    Every error is a TaskerError *and* a RuntimeError; a malformed argument is a ValueError too.

    >>> import tempfile
    >>> client = TaskerClient(database_url=f"sqlite:///{tempfile.mkdtemp()}/tasker.db")
    >>> client.register_template({
    ...     "name": "greet", "namespace_name": "demo", "version": "1.0.0",
    ...     "steps": [{"name": "hello", "handler": {"callable": "hello"}}]})
    >>> task = client.create_task("greet", namespace="demo", context={"name": "Ann"}, idempotency_key="ann-1")
    >>> client.get_task(task.task_uuid).status
    'steps_in_process'
    >>> client.close()
    """

    def __init__(
        self,
        initiator: str = "tasker-core-python",
        source_system: str = "tasker-core",
        *,
        database_url: str | None = None,
    ) -> None:
        self.initiator = initiator
        self.source_system = source_system
        self._backend = Local(choose_database(database_url))

    def create_task(
        self,
        name: str,
        *,
        namespace: str | None = "default",
        context: Mapping[str, Any] | None = None,
        version: str | None = None,
        reason: str = "Task requested",
        on_duplicate: OnDuplicate = "raise",
        connection: object | None = None,
        **kwargs: Any,
    ) -> TaskResponse:
        """Create a task of the template ``name`` and return it; it is stored when this returns.

        Args:
            name: the template's name.
            namespace: its namespace. A name that ``default`` hasn't is taken from the one namespace that has it.
            context: what the steps work on; stored exactly as given. At most 1 MiB as JSON.
            version: the template's version; without one 1.0.0, else the newest.
            reason: why, for the record.
            on_duplicate: "raise" a DuplicateTaskError for a task that exists already, or "return" that task.
            connection: your own connection to the store's database, with a transaction open on it: the task is created
                in that transaction, and is there when you commit. psycopg's Connection, sqlite3's Connection, or
                SQLAlchemy's Session or Connection over one of these. Nothing of yours is committed or rolled back,
                whatever happens here; workers find the task by looking, within a second of your commit.
            **kwargs: idempotency_key (unique per namespace and name, over all versions), priority (-100..100, the
                highest first), tags, correlation_id, parent_correlation_id, requested_at, options, initiator,
                source_system, task_uuid.

        Raises:
            DuplicateTaskError: the same task exists; it carries its ``task_uuid``.
            UnknownTemplateError: no such template; the message names what is near.
            InvalidRequestError: a malformed argument, named in ``field``; a ``connection`` to another database, or one
                on which no transaction can be joined.
            PayloadError: a context that isn't JSON, or too large.
            SchemaViolationError: a context that doesn't fit the template's ``input_schema``, where that is enforced;
                elsewhere the answer has ``warnings``.
        """
        _one_of(on_duplicate)
        wish = {"name": name, "namespace": namespace, "context": context, "version": version, "reason": reason}
        request = self._request({**wish, **kwargs})
        made = self._backend.create(request, refuse_duplicates=on_duplicate == "raise", connection=connection)
        return TaskResponse.from_dict(made)

    def create_tasks(
        self,
        requests: Sequence[Mapping[str, Any]],
        *,
        on_duplicate: OnDuplicate = "raise",
        connection: object | None = None,
    ) -> list[TaskResponse]:
        """Create many tasks in one transaction: all of them, or none.

        ``requests`` are mappings of ``create_task``'s arguments. The answers, in their order, carry each task's id,
        name and state but not its steps: ask ``get_task`` for those. With ``on_duplicate="return"`` existing tasks are
        answered, as they are, in the place of those that would repeat them. ``connection`` is as for ``create_task``.
        """
        _one_of(on_duplicate)
        wishes = [self._request(request) for request in requests]
        tasks = self._backend.create_many(wishes, refuse_duplicates=on_duplicate == "raise", connection=connection)
        return [TaskResponse.from_dict(task) for task in tasks]

    def get_task(self, task_uuid: str) -> TaskResponse:
        """The task with its state and its steps' readiness. Raises TaskNotFoundError."""
        return TaskResponse.from_dict(self._backend.task(as_uuid(task_uuid, "task_uuid")))

    def list_tasks(
        self, *, limit: int = 50, offset: int = 0, namespace: str | None = None, status: str | None = None,
        name: str | None = None,
    ) -> TaskListResponse:  # fmt: skip
        """The newest tasks, those of a namespace, name or state where given. ``limit`` is at most 1,000."""
        if not 1 <= limit <= LARGEST_PAGE:
            raise InvalidRequestError(f"limit must lie between 1 and {LARGEST_PAGE:,}, not {limit}", field="limit")
        if offset < 0:
            raise InvalidRequestError(f"offset must not be negative, not {offset}", field="offset")
        if status is not None and status not in TaskState.__members__.values():
            raise InvalidRequestError(f"{status!r} is no task state; there are {', '.join(TaskState)}", field="status")
        filters = {"namespace": namespace, "state": status, "name": name}
        return TaskListResponse.from_dict(self._backend.tasks(filters, limit, offset))

    def cancel_task(self, task_uuid: str, reason: str = "") -> dict[str, Any]:
        """Cancel a task: what hasn't begun never will, what runs is told, its result refused.

        Raises TaskNotFoundError, and TaskStateError for a task that is final already.
        """
        self._backend.cancel(as_uuid(task_uuid, "task_uuid"), f"client {self.initiator}", reason)
        return {"cancelled": True}

    def list_task_steps(self, task_uuid: str) -> list[StepResponse]:
        """A task's steps in the template's order, with their results. Raises TaskNotFoundError."""
        return [StepResponse.from_dict(step) for step in self._backend.steps(as_uuid(task_uuid, "task_uuid"))]

    def get_step(self, task_uuid: str, step_uuid: str) -> StepResponse:
        """One step. Raises TaskNotFoundError, StepNotFoundError."""
        task, step = as_uuid(task_uuid, "task_uuid"), as_uuid(step_uuid, "step_uuid")
        return StepResponse.from_dict(self._backend.step(task, step))

    def get_step_audit_history(self, task_uuid: str, step_uuid: str) -> list[StepAuditResponse]:
        """Every attempt of a step that has ended, the newest first. Raises TaskNotFoundError, StepNotFoundError."""
        task, step = as_uuid(task_uuid, "task_uuid"), as_uuid(step_uuid, "step_uuid")
        return [StepAuditResponse.from_dict(entry) for entry in self._backend.audit(task, step)]

    def explain(self, task_uuid: str) -> Explanation:
        """Why a task isn't finished: for each unfinished step the reason, since when, and what can be done.

        Reads only. For a task at rest it tells which steps failed, with which error, after how many attempts.
        Raises TaskNotFoundError.
        """
        return Explanation.from_dict(self._backend.explain(as_uuid(task_uuid, "task_uuid")))

    def doctor(self, *, deep: bool = False) -> Diagnosis:
        """Whether all is well with the store, its workers and what waits for them; what to do where it isn't.

        Reads only, and takes no longer for a long history. A store that can't be reached is a finding, not an error.
        With ``deep`` each unfinished task is looked at as well, for what can't be: a second or so for a million tasks.

        >>> import tempfile
        >>> with TaskerClient(database_url=f"sqlite:///{tempfile.mkdtemp()}/tasker.db") as client:
        ...     {str(check.kind): str(check.level) for check in client.doctor().checks}["schema"]
        'ok'
        """
        return Diagnosis.from_dict(self._backend.doctor(deep=deep))

    def wait(self, task_uuid: str, timeout: float | None = None) -> TaskResponse:
        """Return the task as soon as it is final or ``blocked_by_failures`` (nothing of it moves without an operator).

        ``timeout`` is in seconds; TimeoutError (the builtin) when the task isn't at rest by then.
        """
        task = as_uuid(task_uuid, "task_uuid")
        if not self._backend.wait(task, timeout):
            now = self.get_task(task)
            raise TimeoutError(f"task {task} is {now.status} after {timeout:g} s ({now.execution_status})")
        return self.get_task(task)

    def register_template(self, template: str | Path | Mapping[str, Any]) -> None:
        """Put a template into the store: a YAML file, or the same as a mapping.

        Other content of a registered version replaces it for new tasks where TASKER_ENV is unset or ``development``;
        elsewhere it is refused with TemplateError, which shows the difference. TemplateError too for a template that
        is wrong, with file and line.
        """
        read = read_any(template)
        refused = self._backend.register(read, replace=load_settings().env == "development")
        if refused:
            raise TemplateError(
                f"{read.identity} is registered with other content and isn't replaced outside development; raise its "
                "version. Differences:\n  " + "\n  ".join(refused)
            )

    def health_check(self) -> HealthResponse:
        """Whether the store answers."""
        healthy = self._backend.is_healthy()
        status = "healthy" if healthy else "unhealthy"
        return HealthResponse(healthy=healthy, status=status, timestamp=datetime.now(UTC).isoformat())

    def close(self) -> None:
        """Let go of the store. A client that is closed isn't used again."""
        self._backend.close()

    def __enter__(self) -> TaskerClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _request(self, wish: Mapping[str, Any]) -> TaskRequest:
        known = TaskRequest.__dataclass_fields__
        for key in wish:
            if key not in known:
                raise InvalidRequestError(f"a task has no {key!r}; there are {', '.join(sorted(known))}", field=key)
        given = {key: value for key, value in wish.items() if value is not None}
        defaults = {
            "initiator": self.initiator,
            "source_system": self.source_system,
            "task_uuid": self._backend.new_id(),
        }
        return TaskRequest(**{**defaults, **given})


def operator() -> str:
    """Who sits at this terminal, for the record."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def _one_of(on_duplicate: str) -> None:
    if on_duplicate not in ("raise", "return"):
        raise InvalidRequestError(
            f'on_duplicate must be "raise" or "return", not {on_duplicate!r}', field="on_duplicate"
        )
