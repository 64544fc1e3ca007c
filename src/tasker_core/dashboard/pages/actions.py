"""What an operator can do from a task's page: the same verbs as the API's, each written into the audit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from fastapi import Request, Response

from tasker_core.dashboard import forms
from tasker_core.dashboard.route import pages
from tasker_core.dashboard.schema_form import context_of, fields_of
from tasker_core.dashboard.visit import Visit
from tasker_core.engine import Engine
from tasker_core.engine.requests import read_request
from tasker_core.errors import ClientError, InvalidRequestError
from tasker_core.rules.payload import parse
from tasker_core.server.callers import actor_of, requires, word_of
from tasker_core.server.errors import ApiError, as_api_error
from tasker_core.words import Word

router = pages()

LONGEST_REASON = 500
DONE = {
    "cancel": "The task is cancelled.",
    "retry_failed": "All failed steps run again.",
    "pause": "The task is paused: none of its steps begins, what runs goes on to its end.",
    "resume": "The task goes on.",
    "restart": "The task runs again from {step}.",
    "give_up": "The task was given up.",
    "resolve_manually": "The task is resolved.",
    "undo": "The task is being undone: its compensations run.",
    "reset": "{step} runs again from its first attempt.",
    "resolve": "{step} is resolved: what waits for it goes on without its result.",
    "complete": "{step} is complete with your result.",
}
"""What is said once an action is done."""

Fields = Mapping[str, str]


@router.post("/tasks/{task_uuid}/cancel", dependencies=[requires("tasks:cancel")])
async def cancel_task(request: Request, task_uuid: UUID) -> Response:
    """Cancel a task."""

    def act(engine: Engine, _: Fields, word: Word) -> str:
        engine.cancel(str(task_uuid), actor=actor_of(request, None), reason=word.reason)
        return DONE["cancel"]

    return await act_and_go(request, f"/tasks/{task_uuid}", act)


@router.post("/tasks/{task_uuid}/mend", dependencies=[requires("tasks:operate")])
async def mend_task(request: Request, task_uuid: UUID) -> Response:
    """Retry what failed, restart from a step, give up, resolve."""

    def act(engine: Engine, fields: Fields, word: Word) -> str:
        task, operator, action = str(task_uuid), engine.operator, fields.get("action", "")
        match action:
            case "retry_failed":
                operator.retry(task, word)
            case "pause":
                operator.pause(task, word)
            case "resume":
                operator.resume(task, word)
            case "restart":
                operator.restart(task, fields.get("step", ""), word, context=_edited(fields))
            case "undo":
                operator.undo(task, word)
            case "give_up":
                operator.give_up(task, word)
            case "resolve_manually":
                operator.resolve(task, word)
            case _:
                raise InvalidRequestError(f"there is no action {action!r}", field="action")
        return DONE[action].format(step=fields.get("step", ""))

    return await act_and_go(request, f"/tasks/{task_uuid}", act)


@router.post("/tasks/{task_uuid}/steps/{step_uuid}", dependencies=[requires("steps:resolve")])
async def mend_step(request: Request, task_uuid: UUID, step_uuid: UUID) -> Response:
    """Reset a step, resolve it, complete it with a result."""

    def act(engine: Engine, fields: Fields, word: Word) -> str:
        task, operator, action = str(task_uuid), engine.operator, fields.get("action", "")
        name = engine.views.step(task, str(step_uuid))["name"]
        match action:
            case "reset":
                operator.reset(task, name, word)
            case "resolve":
                operator.resolve_step(task, name, word)
            case "complete":
                operator.complete_step(task, name, _json(fields.get("result", ""), "result"), word)
            case _:
                raise InvalidRequestError(f"there is no action {action!r}", field="action")
        return DONE[action].format(step=name)

    return await act_and_go(request, f"/tasks/{task_uuid}?step={step_uuid}", act)


@router.post("/templates/{namespace}/{name}/{version}/start", dependencies=[requires("tasks:create")])
async def start_task(request: Request, namespace: str, name: str, version: str) -> Response:
    """Create a task of a template from a filled form."""
    visit, fields = Visit(request), await forms.read_form(request)

    def create() -> str:
        schema = visit.engine.listings.template(namespace, name, version)["configuration"].get("input_schema")
        asked = fields_of(schema)
        if "context" in fields or asked is None:
            context = _json(fields.get("context", ""), "context")
        else:
            context = context_of(asked, fields)
        wish = {"namespace": namespace, "name": name, "version": version, "context": context,
                "initiator": actor_of(request, None)}  # fmt: skip
        for field in ("reason", "idempotency_key"):
            if said := fields.get(field, "").strip():
                wish[field] = said
        return visit.engine.create([read_request(wish, task_uuid=visit.engine.ids.new())])[0].task

    try:
        task = await visit.call(create)
    except (ClientError, ApiError) as error:
        return visit.refused(f"/templates/{namespace}/{name}/{version}", _why(error))
    return visit.done(f"/tasks/{task}", "The task is created.")


async def act_and_go(request: Request, to: str, act: Callable[[Engine, Fields, Word], str]) -> Response:
    visit, fields = Visit(request), await forms.read_form(request)
    to = fields.get("back") or to
    reason = fields.get("reason", "").strip()[:LONGEST_REASON]

    def do() -> str:
        word = word_of(request, None, reason, _action_id(fields))
        return act(visit.engine, fields, word)

    try:
        return visit.done(to, await visit.call(do))
    except (ClientError, ApiError) as error:
        return visit.refused(to, _why(error))


def _action_id(fields: Fields) -> UUID | None:
    try:
        return UUID(fields["action_id"]) if fields.get("action_id") else None
    except ValueError:
        raise InvalidRequestError("action_id must be a UUID", field="action_id") from None


def _edited(fields: Fields) -> dict[str, Any] | None:
    """The context that was edited; None where it wasn't, so that what is masked for this visitor stays as it is."""
    text, before = fields.get("context", "").strip(), fields.get("context_before", "").strip()
    if not text or text.replace("\r\n", "\n") == before.replace("\r\n", "\n"):
        return None
    context = _json(text, "context")
    if not isinstance(context, dict):
        raise InvalidRequestError("context must be a JSON object {...}", field="context")
    return context


def _json(text: str, field: str) -> Any:
    return parse(text, field, field=field)


def _why(error: Exception) -> str:
    told = as_api_error(error)
    details = told.details or {}
    violations = [f"{each['path'] or 'the whole'}: {each['message']}" for each in details.get("violations", ())]
    return ". ".join([told.message, *violations])
