"""``TaskerClient``: create tasks and look at them."""

from __future__ import annotations

import getpass
import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from tasker_core.client.call import ask_through
from tasker_core.client.calls import Calls, OnDuplicate, unhealthy
from tasker_core.client.dead_letter_calls import DeadLetterCalls
from tasker_core.client.dead_letters import Burying
from tasker_core.client.event_calls import EventCalls
from tasker_core.client.events import Eventful
from tasker_core.client.limit_calls import LimitCalls
from tasker_core.client.limiting import Limiting
from tasker_core.client.local import Local
from tasker_core.client.operator import Operating
from tasker_core.client.operator_calls import OperatorCalls
from tasker_core.client.place import Place
from tasker_core.client.survey_calls import SurveyCalls
from tasker_core.client.surveying import Surveying
from tasker_core.errors import StoreError
from tasker_core.rules.diagnosis import Diagnosis
from tasker_core.rules.explanation import Explanation
from tasker_core.types import HealthResponse, StepAuditResponse, StepResponse, TaskListResponse, TaskResponse

if TYPE_CHECKING:
    from tasker_core.client.http import Http

R = TypeVar("R")


class TaskerClient(Operating, Burying, Eventful, Limiting, Surveying):
    """Creates tasks and tells what became of them: in the store itself, or of a server. Safe to share between threads.

    Args:
        initiator: who creates the tasks; stored with each.
        source_system: the application that creates them; stored with each.
        url: the server to ask, ``http://tasker.internal:8080`` say. Without it: TASKER_URL.
        database_url: without a server, where the tasks are: ``sqlite:///tasker.db`` say. Without it:
            TASKER_DATABASE_URL, DATABASE_URL, else ``sqlite:///tasker.db`` in the working directory.
        api_key: for a server that wants one. Without it: TASKER_ORCHESTRATION_AUTH_TOKEN or TASKER_AUTH_TOKEN (a
            token), TASKER_API_KEY, TASKER_JWT_PRIVATE_KEY_PATH (to sign tokens with).
        token: a bearer token instead.
        timeout: seconds that a call of a server may take, 30 without it; a ``wait`` takes what it takes.
        retries: how often a call is repeated, later and later, when the server or the way to it fails; 3 without it.
            Each may be: what a repeated call asks is done once.

    Each argument wins over the environment, and that over ``tasker.toml``. Every error is a TaskerError *and* a
    RuntimeError; a malformed argument is a ValueError too.

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
        url: str | None = None,
        database_url: str | None = None,
        api_key: str | None = None,
        token: str | None = None,
        timeout: float | None = None,
        retries: int | None = None,
    ) -> None:
        self.initiator = initiator
        self.source_system = source_system
        place = Place.of(url, database_url, api_key=api_key, token=token, timeout=timeout, retries=retries)
        self._door: Local | Http = place.http(initiator) if place.is_server else place.local()
        self._calls = Calls(initiator, source_system, self._door.longest_wait)
        self._operator, self._limit_calls = OperatorCalls(initiator), LimitCalls(initiator)
        self._dead_letters = DeadLetterCalls(initiator)
        self._events = EventCalls()
        self._survey = SurveyCalls()

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
            context: what the steps work on; stored exactly as given, over what the template says by default.
                At most 1 MiB as JSON.
            version: the template's version, or ``latest``; without one 1.0.0, else the newest.
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
        wish = {"name": name, "namespace": namespace, "context": context, "version": version, "reason": reason}
        return self._door.do(self._calls.create_task({**wish, **kwargs}, on_duplicate, connection))

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
        call = self._calls.create_tasks(requests, on_duplicate, connection)
        return self._door.do(call) if requests else []

    def get_task(self, task_uuid: str) -> TaskResponse:
        """The task with its state and its steps' readiness. Raises TaskNotFoundError."""
        return self._door.do(self._calls.get_task(task_uuid))

    def list_tasks(
        self, *, limit: int = 50, offset: int = 0, namespace: str | None = None, status: str | None = None,
        name: str | None = None, version: str | None = None, tag: str | None = None, initiator: str | None = None,
        source_system: str | None = None, correlation_id: str | UUID | None = None,
        parent_correlation_id: str | UUID | None = None, created_after: datetime | str | None = None,
        created_before: datetime | str | None = None, updated_after: datetime | str | None = None,
        updated_before: datetime | str | None = None, context_path: str | None = None,
        context_value: str | float | None = None,
    ) -> TaskListResponse:  # fmt: skip
        """The newest tasks, those that match where something is given. ``limit`` is at most 1,000.

        Args:
            limit: so many at most.
            offset: pass over so many.
            namespace, name, version: of the template.
            status: the state that they are in.
            tag: one that they have.
            initiator, source_system, correlation_id, parent_correlation_id: as they were created with.
            created_after, created_before, updated_after, updated_before: datetimes, or texts in ISO 8601; the first
                of a pair is included. One without a zone is this machine's.
            context_path: a field of the context, ``customer.id`` or ``items[0].sku``, and with it
            context_value: what that field is. 42 is the number and the text; what can't be what the field is doesn't
                match. The contexts of all tasks that the other filters leave are looked through.
        """
        wanted = {
            "namespace": namespace, "status": status, "name": name, "version": version, "tag": tag,
            "initiator": initiator, "source_system": source_system, "correlation_id": correlation_id,
            "parent_correlation_id": parent_correlation_id, "created_after": created_after,
            "created_before": created_before, "updated_after": updated_after, "updated_before": updated_before,
            "context_path": context_path, "context_value": context_value,
        }  # fmt: skip
        return self._door.do(self._calls.list_tasks(limit, offset, wanted))

    def cancel_task(self, task_uuid: str, reason: str = "") -> dict[str, Any]:
        """Cancel a task: what hasn't begun never will, what runs is told, its result refused.

        Raises TaskNotFoundError, and TaskStateError for a task that is final already.
        """
        return self._door.do(self._calls.cancel_task(task_uuid, reason))

    def list_task_steps(self, task_uuid: str, limit: int | None = None, offset: int = 0) -> list[StepResponse]:
        """A task's steps in the template's order, then the instances of its batches, with their results.

        All of them, or ``limit`` behind the first ``offset``. Raises TaskNotFoundError.
        """
        return self._door.do(self._calls.list_task_steps(task_uuid, limit, offset))

    def get_step(self, task_uuid: str, step_uuid: str) -> StepResponse:
        """One step. Raises TaskNotFoundError, StepNotFoundError."""
        return self._door.do(self._calls.get_step(task_uuid, step_uuid))

    def get_step_audit_history(self, task_uuid: str, step_uuid: str) -> list[StepAuditResponse]:
        """Every attempt of a step that has ended, the newest first. Raises TaskNotFoundError, StepNotFoundError."""
        return self._door.do(self._calls.get_step_audit_history(task_uuid, step_uuid))

    def explain(self, task_uuid: str) -> Explanation:
        """Why a task isn't finished: for each unfinished step the reason, since when, and what can be done.

        Reads only. For a task at rest it tells which steps failed, with which error, after how many attempts.
        Raises TaskNotFoundError.
        """
        return self._door.do(self._calls.explain(task_uuid))

    def doctor(self, *, deep: bool = False) -> Diagnosis:
        """Whether all is well with the store, its workers and what waits for them; what to do where it isn't.

        Reads only, and takes no longer for a long history. A store that can't be reached is a finding, not an error.
        With ``deep`` each unfinished task is looked at as well, for what can't be: a second or so for a million tasks.

        >>> import tempfile
        >>> with TaskerClient(database_url=f"sqlite:///{tempfile.mkdtemp()}/tasker.db") as client:
        ...     {str(check.kind): str(check.level) for check in client.doctor().checks}["schema"]
        'ok'
        """
        return self._door.do(self._calls.doctor(deep))

    def wait(self, task_uuid: str, timeout: float | None = None) -> TaskResponse:
        """Return the task as soon as it is final or ``blocked_by_failures`` (nothing of it moves without an operator).

        ``timeout`` is in seconds; TimeoutError (the builtin) when the task isn't at rest by then.
        """
        return ask_through(self._door.do, self._calls.wait(task_uuid, timeout))

    def register_template(self, template: str | Path | Mapping[str, Any]) -> None:
        """Put a template into the store: a YAML file, or the same as a mapping.

        Other content of a registered version replaces it for new tasks where TASKER_ENV is unset or ``development``;
        elsewhere it is refused with TemplateError, which shows the difference. TemplateError too for a template that
        is wrong, with file and line.
        """
        self._door.do(self._calls.register_template(template))

    def health_check(self) -> HealthResponse:
        """Whether the store answers."""
        try:
            return self._door.do(self._calls.health_check())
        except StoreError:
            return unhealthy()

    def close(self) -> None:
        """Let go of the store. A client that is closed isn't used again."""
        self._door.close()

    def __enter__(self) -> TaskerClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def operator() -> str:
    """Who sits at this terminal, for the record."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"
