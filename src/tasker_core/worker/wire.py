"""Leases and reports as the worker protocol writes them: docs/reference/worker-protocol.md."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tasker_core.rules.payload import decode
from tasker_core.rules.verdict import error_text
from tasker_core.words import Draft, Ending, Event, Lease, LeaseKey, Report, StepError, lane_of

_json = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode


def lease_of(said: Mapping[str, Any], worker: int) -> Lease:
    """The lease that a server hands to ``worker``."""
    inputs, checkpoint = said["inputs"], said["checkpoint"]
    return Lease(
        key=LeaseKey(*said["key"]),
        task_uuid=said["task_uuid"],
        worker=worker,
        template=said["template"]["id"],
        step=said["step"],
        lane=lane_of(said["namespace"], said["handler"]),
        rank=said["rank"],
        attempt=said["attempt"],
        crashes=said["crashes"],
        claimed_at=0,
        context="",
        correlation_id=said["correlation_id"],
        dependency_results={},
        traceparent=said["traceparent"],
        inputs=None if inputs is None else _json(inputs),
        checkpoint=None if checkpoint is None else _json(checkpoint),
        decoded=(said["context"], said["dependency_results"]),
    )


def report_text(report: Report, lease_id: str, token: str) -> str:
    """A report, as one of many in a request."""
    outcome, events = report.outcome, ""
    if report.drafts is not None:
        events = f',"events":[{",".join(map(_draft_text, report.drafts))}]'
    head = f'"lease_id":{_json(lease_id)},"token":{_json(token)}'
    match outcome.ending:
        case Ending.OK:
            # What is kept of a success is an object, {"result": ..., "metadata": ...}: its inside is said as it is.
            return f'{{"op":"complete",{head}{events},{(outcome.result or _NOTHING)[1:]}'
        case Ending.YIELDED:
            kept = decode(outcome.result or "{}")
            said = {name: kept.get(name) for name in ("cursor", "items_processed", "accumulated_results")}
            return f'{{"op":"checkpoint",{head},{_json(said)[1:]}'
        case Ending.RELEASED:
            return f'{{"op":"release",{head},"reason":{_json(outcome.reason)}}}'
        case _:
            error = error_text(outcome.error or StepError("the attempt failed without a word", "handler_error"))
            pause = outcome.retry_after_us
            asked = "" if pause is None else f',"retry_after_ms":{-(-pause // 1_000)}'
            return f'{{"op":"fail",{head}{events},"error":{error[:-1]}{asked}}}}}'


_NOTHING = '{"result":null}'


def _draft_text(draft: Draft) -> str:
    payload = "" if draft.payload is None else f',"payload":{draft.payload}'
    said = f'"position":{draft.position},"publisher":{_json(draft.publisher)},"trouble":{_json(draft.trouble)}'
    return f'{{{said},"metadata":{draft.metadata}{payload}}}'


def events_of(said: Sequence[Mapping[str, Any]], keys: Mapping[str, LeaseKey]) -> list[Event]:
    """The events that reports published; ``keys`` are the leases by what the server calls them."""
    rest = Event._fields[1:]
    return [Event(keys[event["lease_id"]], *(event[name] for name in rest)) for event in said]
