"""The events that the end of an attempt publishes. Whatever is wrong with one of them, its step is as it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tasker_core.clock import Ids
from tasker_core.engine.known import Known, Published
from tasker_core.errors import PayloadError
from tasker_core.rules.payload import decode, encode
from tasker_core.rules.publishing import GENERIC, applies, generic_payload, returned
from tasker_core.store.warnings import EVENT_PUBLISHER, EVENT_SCHEMA, Note
from tasker_core.words import Draft, Event, JsonText, Micros, Outcome, Report, StepState, Verdict, Violation


def publish(
    known: Known,
    declared: Sequence[Published],
    report: Report,
    outcome: Outcome,
    verdict: Verdict,
    ids: Ids,
    now: Micros,
) -> tuple[list[Event], list[Note]]:
    """The events of a settled attempt, and warnings about those that aren't published.

    ``outcome`` is what the verdict was spoken on, which may be another one than the worker reported.
    """
    drafts = {draft.position: draft for draft in report.drafts or ()}
    events: list[Event] = []
    notes: list[Note] = []
    for position, event in enumerate(declared):
        said = event.declaration
        if not applies(said.condition, outcome.ending, verdict.state):
            continue
        draft = drafts.get(position) or _generic(position, said.publisher, outcome, verdict, report.drafts is not None)
        if draft.trouble:
            notes.append((EVENT_PUBLISHER, Violation("", f"event {said.name}: {draft.trouble}")))
        if draft.payload is None:
            continue
        payload, metadata, refused = _checked(event, draft.payload, draft.metadata)
        if refused:
            notes += [
                (EVENT_SCHEMA, Violation(path, f"event {said.name} isn't published: {message}"))
                for path, message in refused
            ]
            continue
        events.append(
            Event(
                verdict.key,
                position,
                ids.new(),
                known.template.namespace_name,
                report.step,
                said.name,
                said.delivery_mode,
                draft.publisher,
                payload,
                metadata,
                now,
            )
        )
    return events, notes


def _generic(position: int, publisher: str | None, outcome: Outcome, verdict: Verdict, was_asked: bool) -> Draft:
    """What is published where no publisher was asked, or not about this ending."""
    trouble = ""
    if publisher is not None and not was_asked:
        trouble = f"publisher {publisher!r} wasn't asked; the event is published as the step ended"
    try:
        error: dict[str, Any] | None = decode(verdict.error) if verdict.error is not None else None
        if error is not None:
            error["retryable"] = verdict.state is not StepState.ERROR
        result = returned(outcome.result) if error is None else None
        text = encode(generic_payload(result, error), "payload")
    except ValueError as refusal:
        return Draft(position, GENERIC, trouble=f"isn't published: {refusal}")
    return Draft(position, GENERIC, text, trouble=trouble)


def _checked(event: Published, payload: JsonText, metadata: JsonText) -> tuple[JsonText, JsonText, Sequence[Violation]]:
    """Both as they can be stored, and what doesn't fit: a worker may be of another make and send anything."""
    try:
        said, more = decode(payload), decode(metadata)
        if not isinstance(more, dict):
            return payload, metadata, (Violation("", "its metadata isn't an object"),)
        return encode(said, "payload"), encode(more, "metadata"), event.schema.violations(said)
    except PayloadError as error:
        return payload, metadata, (Violation("", str(error)),)
    except ValueError as error:
        return payload, metadata, (Violation("", f"what the worker sent isn't JSON: {error}"),)


def weight(report: Report) -> int:
    """Bytes that the events of a report add to a batch."""
    return sum(200 + len(draft.payload or "") + len(draft.metadata) for draft in report.drafts or ())
