"""Snapshots: what a task was like when a dead letter was written, kept with it, however the task goes on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from tasker_core.rules.payload import decode
from tasker_core.words import JsonText, Micros

LARGEST_CONTEXT, LARGEST_ERROR, LARGEST_RESULT = 65_536, 8_192, 4_096
"""Characters of a payload up to which it is kept; of a larger one its size is."""
MOST_STEPS, MOST_ATTEMPTS, MOST_TRANSITIONS = 200, 20, 100
"""So many are kept: the steps that went wrong or aren't done first, the newest attempts and transitions."""


class Payload(NamedTuple):
    """A payload as it is stored, None where it is too large (or there is none), and its size in characters."""

    text: JsonText | None
    size: int | None


class TaskThen(NamedTuple):
    task_uuid: str
    namespace: str
    name: str
    version: str
    state: str
    priority: int
    steps: int
    created_at: Micros
    updated_at: Micros
    initiator: str
    source_system: str
    reason: str
    tags: JsonText
    correlation_id: str
    context: JsonText | None
    context_size: int


class StepThen(NamedTuple):
    no: int
    name: str
    state: str
    attempt: int
    crashes: int
    worker: int
    run_at: Micros
    enqueued_at: Micros
    claimed_at: Micros
    ended_at: Micros


class AttemptThen(NamedTuple):
    no: int
    attempt: int
    ending: str
    state: str
    worker: int
    claimed_at: Micros
    ended_at: Micros
    reason: str
    error: JsonText | None
    error_size: int | None
    result: JsonText | None
    result_size: int | None


class TransitionThen(NamedTuple):
    no: int
    from_state: str
    to_state: str
    at: Micros
    actor: str
    reason: str


def snapshot(
    task: TaskThen, steps: Sequence[StepThen], attempts: Sequence[AttemptThen], transitions: Sequence[TransitionThen],
    now: Micros,
) -> JsonText:  # fmt: skip
    """The text of a snapshot. Payloads stay texts in it: whoever stored them knew how, and nothing is read twice."""
    names = {step.no: step.name for step in steps}
    body: dict[str, Any] = {
        "taken_at": now,
        "task": {key: value for key, value in task._asdict().items() if key not in ("context", "context_size")},
        "context": Payload(task.context, task.context_size),
        "steps": [step._asdict() for step in steps[:MOST_STEPS]],
        "attempts": [
            {
                **attempt._asdict(),
                "step": names.get(attempt.no),
                "error": Payload(attempt.error, attempt.error_size),
                "result": Payload(attempt.result, attempt.result_size),
            }
            for attempt in attempts[:MOST_ATTEMPTS]
        ],
        "transitions": [
            {**change._asdict(), "step": names.get(change.no)} for change in transitions[:MOST_TRANSITIONS]
        ],
    }
    for attempt in body["attempts"]:
        del attempt["error_size"], attempt["result_size"]
    return json.dumps(body, ensure_ascii=True, separators=(",", ":"))


def read(text: JsonText) -> dict[str, Any]:
    """The value of a snapshot, with its payloads as values; ``{}`` where none was taken.

    A payload that was too large is ``{"left_out": size}``, so that what isn't there can't leak what it held.
    """
    body: dict[str, Any] = json.loads(text)
    if not body:
        return {}
    body["context"] = _payload(body["context"])
    body["task"]["tags"] = decode(body["task"]["tags"])
    for attempt in body["attempts"]:
        attempt["error"] = _payload(attempt["error"])
        attempt["result"] = _payload(attempt["result"])
    return body


def _payload(kept: Sequence[Any]) -> Any:
    text, size = kept
    if text is None:
        return None if size is None else {"left_out": size}
    return decode(text)
