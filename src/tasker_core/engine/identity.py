"""What makes two requests the same task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tasker_core.engine.known import Known
from tasker_core.engine.requests import TaskRequest
from tasker_core.errors import DuplicateTaskError, InvalidRequestError
from tasker_core.rules.payload import decode, digest
from tasker_core.store.creating import NewTask


def identity(request: TaskRequest, known: Known, context: Mapping[str, Any]) -> str:
    """What makes ``request`` the same task as another one (SHA-256, hex); ``context`` is the whole one.

    An idempotency key is unique per namespace and name, over all versions. Without one the template's strategy
    counts: ``strict`` is the same namespace, name, version and context; ``always_unique`` is never the same, but for
    a request that is repeated. Raises InvalidRequestError where ``caller_provided`` wants a key.
    """
    template = known.template
    if request.idempotency_key is not None:
        return digest(["key", template.namespace_name, template.name, request.idempotency_key])
    content = [template.namespace_name, template.name, template.version, context]
    match template.identity_strategy:
        case "caller_provided":
            raise InvalidRequestError(
                f"idempotency_key is missing: template {template.identity} has identity_strategy caller_provided, so "
                "each task needs a key of yours",
                field="idempotency_key",
            )
        case "always_unique":
            return digest(["unique", request.task_uuid, *content])
        case _:
            return digest(["strict", *content])


def same_content(one: str, other: str) -> bool:
    return one == other or digest(decode(one)) == digest(decode(other))


def duplicate(task: NewTask, existing: str, same_context: bool) -> DuplicateTaskError:
    """The refusal of ``task``, which the task ``existing`` is already."""
    by = f"idempotency key {task.idempotency_key!r}" if task.idempotency_key is not None else "context"
    other = "" if same_context else ", with a different context"
    return DuplicateTaskError(
        f"{task.namespace}/{task.name} exists already for this {by}{other}: task {existing}",
        task_uuid=existing, same_context=same_context,
    )  # fmt: skip


def taken(task: NewTask) -> InvalidRequestError:
    """The refusal of ``task``, whose id is that of a task that was asked for otherwise."""
    return InvalidRequestError(f"task_uuid {task.id} is another task's already", field="task_uuid")
