"""Tools that change something: called once they tell what they would do, called again with that word they do it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from tasker_core.client import TaskerClient
from tasker_core.mcp_server.answer import as_text
from tasker_core.server.redaction import Redact


class Acting:
    """The word of a preview stands for what was asked and for what it was asked about as it stood then: once either is
    another, the word is worth nothing, and there is a new preview."""

    def __init__(self, connect: Callable[[], TaskerClient], redact: Redact) -> None:
        self._connect, self._redact = connect, redact

    def tools(self) -> Mapping[str, Callable[..., Any]]:
        """The tools by name."""
        names = [name for name in vars(type(self)) if not name.startswith("_") and name != "tools"]
        return {name: getattr(self, name) for name in names}

    def task_submit(
        self, name: str, context: dict[str, Any], namespace: str | None = None, version: str | None = None,
        idempotency_key: str | None = None, reason: str = "Task requested", confirm: str | None = None,
    ) -> str:  # fmt: skip
        """Create a task. Without ``confirm`` only tells what would be created."""
        asked: dict[str, Any] = {
            "name": name, "context": context, "namespace": namespace, "version": version,
            "idempotency_key": idempotency_key, "reason": reason,
        }  # fmt: skip
        with self._connect() as client:
            there = [
                each for each in client.list_templates(namespace)
                if each["name"] == name and version in (None, "latest", each["version"])
            ]  # fmt: skip
            told = {"would": f"create a task of {name}", "templates": there}
            return self._do("task_submit", asked, told, confirm, partial(client.create_task, **asked))

    def task_cancel(self, task_uuid: str, reason: str, confirm: str | None = None) -> str:
        """Cancel a task: what hasn't begun never will. Without ``confirm`` only tells what would be cancelled."""
        with self._connect() as client:
            told = {"would": "cancel the task", "task": _task(client, task_uuid)}
            asked = {"task_uuid": task_uuid, "reason": reason}
            return self._do("task_cancel", asked, told, confirm, partial(client.cancel_task, task_uuid, reason))

    def step_retry(self, task_uuid: str, step_uuid: str, reason: str, confirm: str | None = None) -> str:
        """Have a failed step run again from its first attempt. Without ``confirm`` only tells which."""
        with self._connect() as client:
            told = {"would": "have the step run again", **_step(client, task_uuid, step_uuid)}
            asked = {"task_uuid": task_uuid, "step_uuid": step_uuid, "reason": reason}
            do = partial(client.reset_step, task_uuid, step_uuid, reason)
            return self._do("step_retry", asked, told, confirm, do)

    def step_resolve(self, task_uuid: str, step_uuid: str, reason: str, confirm: str | None = None) -> str:
        """Let what waits for a step go on without its result. Without ``confirm`` only tells which."""
        with self._connect() as client:
            told = {"would": "let the task go on without the step's result", **_step(client, task_uuid, step_uuid)}
            asked = {"task_uuid": task_uuid, "step_uuid": step_uuid, "reason": reason}
            do = partial(client.resolve_step, task_uuid, step_uuid, reason)
            return self._do("step_resolve", asked, told, confirm, do)

    def step_complete(
        self, task_uuid: str, step_uuid: str, result: dict[str, Any], reason: str, confirm: str | None = None
    ) -> str:
        """Complete a step by hand, with a result that the steps after it read. Without ``confirm`` only tells which."""
        with self._connect() as client:
            told = {"would": "complete the step", "result": result, **_step(client, task_uuid, step_uuid)}
            asked = {"task_uuid": task_uuid, "step_uuid": step_uuid, "result": result, "reason": reason}
            do = partial(client.complete_step, task_uuid, step_uuid, result, reason)
            return self._do("step_complete", asked, told, confirm, do)

    def dlq_update(
        self, dlq_entry_uuid: str, status: str = "manually_resolved", notes: str | None = None,
        confirm: str | None = None,
    ) -> str:  # fmt: skip
        """Write down what became of a dead letter; it moves no task. Without ``confirm`` only tells which."""
        with self._connect() as client:
            letter = client.get_dead_letter(dlq_entry_uuid)
            told = {
                "would": f"write down {status}", "letter": letter.title, "status": letter.resolution_status,
                "task_uuid": letter.task_uuid,
            }  # fmt: skip
            asked = {"dlq_entry_uuid": dlq_entry_uuid, "status": status, "notes": notes}
            do = partial(client.resolve_dead_letter, dlq_entry_uuid, status, notes=notes)
            return self._do("dlq_update", asked, told, confirm, do)

    def _do(
        self, tool: str, asked: Mapping[str, Any], told: Mapping[str, Any], confirm: str | None, do: Callable[[], Any]
    ) -> str:
        said = json.dumps([tool, asked, told], sort_keys=True, default=str)
        word = hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()[:16]
        if confirm == word:
            return as_text({"done": self._redact(_plain(do()))})
        preview = {"preview": self._redact(dict(told)), "confirm": word}
        if confirm is not None:
            preview["refused"] = "this word isn't that of what would be done now; look at the preview again"
        return as_text(preview)


def _plain(done: Any) -> Any:
    """What the client answered, as values that JSON has."""
    return done.__dict__ if hasattr(done, "__dict__") else done


def _task(client: TaskerClient, task_uuid: str) -> dict[str, Any]:
    task = client.get_task(task_uuid)
    return {
        "task_uuid": task.task_uuid, "template": f"{task.namespace}/{task.name} {task.version}", "status": task.status,
        "completed_steps": task.completed_steps, "total_steps": task.total_steps,
    }  # fmt: skip


def _step(client: TaskerClient, task_uuid: str, step_uuid: str) -> dict[str, Any]:
    step = client.get_step(task_uuid, step_uuid)
    return {
        "task": _task(client, task_uuid),
        "step": {"name": step.name, "state": step.current_state, "attempts": step.attempts},
    }
