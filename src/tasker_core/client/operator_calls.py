"""What a client says as an operator: its arguments checked, and made into calls."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

from tasker_core.client.call import Call, Request
from tasker_core.client.filters import known_filters, task_filters
from tasker_core.clock import RandomIds, stamp_of
from tasker_core.engine.bulk import refuse_act
from tasker_core.engine.namespaces import Namespaces
from tasker_core.engine.operator import Operator
from tasker_core.engine.requests import as_mapping, as_text, as_uuid, as_whole
from tasker_core.rules.payload import encode
from tasker_core.types import BulkResponse, NamespaceResponse, StepResponse, TaskResponse
from tasker_core.words import Word

MOST_SAMPLED = 100
ACTION_TYPES = {"retry": "retry_failed", "resolve": "resolve_manually"}
"""Where the REST API calls an act otherwise."""


class OperatorCalls:
    """The calls of a client that operates as ``initiator``.

    Each word carries an id of its own: asked again because the answer was lost, it is done once.
    """

    def __init__(self, initiator: str) -> None:
        self._initiator, self._ids = initiator, RandomIds()

    def reset_step(self, task_uuid: str, step_uuid: str, reason: str, by: str | None) -> Call[StepResponse]:
        return self._on_step(task_uuid, step_uuid, "reset_for_retry", "reset_by", reason, by, Operator.reset)

    def resolve_step(self, task_uuid: str, step_uuid: str, reason: str, by: str | None) -> Call[StepResponse]:
        return self._on_step(task_uuid, step_uuid, "resolve_manually", "resolved_by", reason, by, Operator.resolve_step)

    def complete_step(
        self, task_uuid: str, step_uuid: str, result: Any, metadata: Mapping[str, Any] | None, reason: str,
        by: str | None,
    ) -> Call[StepResponse]:  # fmt: skip
        def complete(operator: Operator, task: str, step: str, word: Word) -> None:
            operator.complete_step(task, step, result, word, by=by or self._initiator, metadata=metadata)

        data = {"completion_data": {"result": result, "metadata": dict(metadata or {})}}
        return self._on_step(
            task_uuid, step_uuid, "complete_manually", "completed_by", reason, by, complete, lambda: data
        )

    def restart_task(
        self, task_uuid: str, from_step: str, reason: str, context: Mapping[str, Any] | None, by: str | None
    ) -> Call[TaskResponse]:
        as_text(from_step, "from_step", 255)
        given = None if context is None else as_mapping(context, "context")

        def restart(operator: Operator, task: str, word: Word) -> None:
            operator.restart(task, from_step, word, context=given)

        data = {"from_step": from_step} if given is None else {"from_step": from_step, "context": given}
        return self._on_task(task_uuid, "restart", reason, by, restart, data)

    def retry_task(self, task_uuid: str, reason: str, by: str | None) -> Call[TaskResponse]:
        return self._on_task(task_uuid, "retry_failed", reason, by, Operator.retry)

    def give_up_task(self, task_uuid: str, reason: str, by: str | None) -> Call[TaskResponse]:
        return self._on_task(task_uuid, "give_up", reason, by, Operator.give_up)

    def resolve_task(self, task_uuid: str, reason: str, by: str | None) -> Call[TaskResponse]:
        return self._on_task(task_uuid, "resolve_manually", reason, by, Operator.resolve)

    def pause_task(self, task_uuid: str, reason: str, by: str | None) -> Call[TaskResponse]:
        return self._on_task(task_uuid, "pause", reason, by, Operator.pause)

    def resume_task(self, task_uuid: str, reason: str, by: str | None) -> Call[TaskResponse]:
        return self._on_task(task_uuid, "resume", reason, by, Operator.resume)

    def change_tasks(
        self,
        act: str,
        reason: str,
        by: str | None,
        dry_run: bool,
        sample: int,
        from_step: str | None,
        wanted: Mapping[str, Any],
    ) -> Generator[Call[BulkResponse], BulkResponse, BulkResponse]:
        """Yields questions until all tasks that match had it said of them; what came of it."""
        refuse_act(act, from_step)
        as_whole(sample, "sample", 0, MOST_SAMPLED)
        filters, query = task_filters(known_filters(wanted))
        who, action = self._who(by, reason), self._ids.new()
        word = Word(f"client {who}", reason, stamp_of(action))
        said = {"action_type": ACTION_TYPES.get(act, act), "reason": reason, "by": who, "action_id": action}
        if from_step is not None:
            said["from_step"] = from_step

        def question(after: str | None) -> Call[BulkResponse]:
            body = {**said, "dry_run": dry_run, "sample": sample, "after": after}
            return Call(
                lambda local: local.change_tasks(
                    act, filters, word, dry_run=dry_run, sample=sample, after=after, from_step=from_step
                ),
                lambda: Request("/v1/tasks", "PATCH", query, encode(body, "request")),
                BulkResponse.from_dict,
            )

        found = yield question(None)
        while found.next is not None:
            found += yield question(found.next)
        return found

    def list_namespaces(self) -> Call[list[NamespaceResponse]]:
        return Call(
            lambda local: local.namespaces(),
            lambda: Request("/v1/namespaces"),
            lambda found: [NamespaceResponse.from_dict(each) for each in found],
        )

    def get_namespace(self, namespace: str) -> Call[NamespaceResponse]:
        name = as_text(namespace, "namespace", 255)
        return Call(lambda local: local.namespace(name), lambda: Request(_namespace(name)), NamespaceResponse.from_dict)

    def pause_namespace(self, namespace: str, reason: str, by: str | None) -> Call[NamespaceResponse]:
        return self._on_namespace(namespace, "pause", reason, by, Namespaces.pause)

    def resume_namespace(self, namespace: str, reason: str, by: str | None) -> Call[NamespaceResponse]:
        return self._on_namespace(namespace, "resume", reason, by, Namespaces.resume)

    def _on_namespace(
        self, namespace: str, kind: str, reason: str, by: str | None, do: Callable[[Namespaces, str, Word], None]
    ) -> Call[NamespaceResponse]:
        name, who, action = as_text(namespace, "namespace", 255), self._who(by, reason), self._ids.new()
        word = Word(f"client {who}", reason, stamp_of(action))
        said = {"action_type": kind, "reason": reason, "by": who, "action_id": action}
        return Call(
            lambda local: local.on_namespace(name, lambda namespaces: do(namespaces, name, word)),
            lambda: Request(_namespace(name), "PATCH", body=encode(said, "request")),
            NamespaceResponse.from_dict,
        )

    def undo_task(self, task_uuid: str, reason: str, by: str | None) -> Call[TaskResponse]:
        return self._on_task(task_uuid, "undo", reason, by, Operator.undo)

    def drain_worker(self, worker_uuid: str, reason: str, by: str | None) -> Call[dict[str, Any]]:
        worker, who, action = as_uuid(worker_uuid, "worker_uuid"), self._who(by, reason), self._ids.new()
        word = Word(f"client {who}", reason, stamp_of(action))
        said = {"reason": reason, "by": who, "action_id": action}
        return Call(
            lambda local: local.ask(lambda engine: engine.workers.drain(worker, word)),
            lambda: Request(f"/v1/workers/{worker}/drain", "POST", body=encode(said, "request")),
            dict,
        )

    def _on_task(
        self, task_uuid: str, kind: str, reason: str, by: str | None, do: Callable[[Operator, str, Word], None],
        data: Mapping[str, Any] = MappingProxyType({}),
    ) -> Call[TaskResponse]:  # fmt: skip
        task, who, action = as_uuid(task_uuid, "task_uuid"), self._who(by, reason), self._ids.new()
        word = Word(f"client {who}", reason, stamp_of(action))
        said = {"action_type": kind, "reason": reason, "by": who, "action_id": action, **data}
        return Call(
            lambda local: local.on_task(task, lambda operator: do(operator, task, word)),
            lambda: Request(f"/v1/tasks/{task}", "PATCH", body=encode(said, "request")),
            TaskResponse.from_dict,
        )

    def _on_step(
        self, task_uuid: str, step_uuid: str, kind: str, by_key: str, reason: str, by: str | None,
        do: Callable[[Operator, str, str, Word], None], data: Callable[[], Mapping[str, Any]] = dict,
    ) -> Call[StepResponse]:  # fmt: skip
        task, step = as_uuid(task_uuid, "task_uuid"), as_uuid(step_uuid, "step_uuid")
        who, action = self._who(by, reason), self._ids.new()
        word = Word(f"client {who}", reason, stamp_of(action))
        said = {"action_type": kind, "reason": reason, by_key: who, "action_id": action}
        return Call(
            lambda local: local.on_step(task, step, lambda operator, name: do(operator, task, name, word)),
            lambda: Request(
                f"/v1/tasks/{task}/workflow_steps/{step}", "PATCH", body=encode({**said, **data()}, "request")
            ),
            StepResponse.from_dict,
        )

    def _who(self, by: str | None, reason: str) -> str:
        as_text(reason, "reason", 500, may_be_empty=True)
        return self._initiator if by is None else as_text(by, "by", 255)


def _namespace(name: str) -> str:
    return f"/v1/namespaces/{quote(name, safe='')}"
