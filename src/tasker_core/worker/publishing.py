"""Asks the publishers about the events of attempts that ended, in a thread of its own: no hook can hold up a step."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from queue import SimpleQueue
from typing import Any, TypeAlias

from tasker_core.domain_events import BasePublisher, DefaultPublisher, PublisherRegistry, channel
from tasker_core.domain_events.contexts import EventDeclaration, PublishContext, StepEventContext, StepResult
from tasker_core.domain_events.publisher import Prepared
from tasker_core.errors import PayloadError
from tasker_core.rules.payload import decode, encode
from tasker_core.rules.publishing import applies
from tasker_core.rules.template_blocks import Publication
from tasker_core.rules.verdict import decide
from tasker_core.telemetry import metrics
from tasker_core.telemetry.measures import error_label
from tasker_core.types import DomainEventMetadata, InProcessDomainEvent
from tasker_core.words import Attempted, Draft, Ending, Event, LeaseKey, Report, StepState
from tasker_core.worker.attempt import Attempt

log = logging.getLogger("tasker.worker")

LONGEST = 5.0
"""Seconds that the publishers of one attempt may take; then it is reported without what they say."""

Done: TypeAlias = Callable[[Attempt, Report], None]
_ENDS = frozenset({Ending.OK, Ending.FAILED, Ending.TIMED_OUT})


@dataclass
class Asked:
    """An attempt about whose events the publishers are asked: what they made of each, by its place."""

    attempt: Attempt
    report: Report
    done: Done
    began: float = 0.0
    is_over: bool = False
    step: StepEventContext | None = None
    result: StepResult | None = None
    made: dict[int, tuple[BasePublisher, Prepared]] = field(default_factory=dict)


class Publishing:
    """The publishers' side of a worker. ``ring`` is called when a report is ready."""

    def __init__(self, ring: Callable[[], None]) -> None:
        self._ring = ring
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._open: dict[LeaseKey, Asked] = {}
        self._answered: dict[LeaseKey, Asked] = {}
        self._busy_since: float | None = None
        self._missing: set[str] = set()

    @staticmethod
    def concerns(attempt: Attempt, report: Report) -> bool:
        """Whether the end of ``attempt`` may publish anything."""
        return bool(attempt.plan.publishes) and report.outcome.ending in _ENDS

    def hand_in(self, attempt: Attempt, report: Report, done: Done) -> None:
        """Call ``done`` with the report, once the publishers have been asked or have taken too long."""
        asked = Asked(attempt, report, done)
        self._open[report.outcome.key] = asked
        self._put(partial(self._ask, asked))

    def ask(self, attempt: Attempt, report: Report) -> Report:
        """The report with what the publishers say, for a step that is settled in its handler's transaction."""
        answered, answers = threading.Event(), list[Report]()

        def done(_: Attempt, report: Report) -> None:
            answers.append(report)
            answered.set()

        self.hand_in(attempt, report, done)
        return answers[0] if answered.wait(2 * LONGEST) else report

    def keys(self) -> Collection[LeaseKey]:
        """The leases of attempts that are over and not reported yet."""
        return list(self._open)

    def overdue(self) -> None:
        """Go on without a publisher that takes too long; its thread is left to it."""
        since = self._busy_since
        if since is None or time.monotonic() - since < LONGEST:
            return
        with self._lock:
            stuck = [asked for asked in self._open.values() if asked.began]
            self._thread, self._busy_since = None, None
            self._start()
        for asked in stuck:
            names = ", ".join(event.name for event in asked.attempt.plan.publishes)
            log.error("the publishers of %s took longer than %g s and are left behind", names, LONGEST)
            said = f"its publisher took longer than {LONGEST:g} s; the event isn't published"
            events = enumerate(asked.attempt.plan.publishes)
            drafts = [Draft(n, event.publisher or "default", trouble=said) for n, event in events]
            self._finish(asked, drafts)

    def settled(self, reports: Sequence[Report], events: Sequence[Event]) -> None:
        """Tell the subscribers of this process, and the publishers, what was published of ``reports``."""
        if not self._answered:
            return
        by_key: dict[LeaseKey, list[Event]] = {}
        for event in events:
            by_key.setdefault(event.key, []).append(event)
        for report in reports:
            asked = self._answered.pop(report.outcome.key, None)
            if asked is not None and (out := by_key.get(report.outcome.key)):
                self._put(partial(self._tell, asked, out))

    def stop(self, timeout: float) -> None:
        """Do what is still to be done, within ``timeout`` seconds, and end."""
        self._jobs.put(None)
        if self._thread is not None:
            self._thread.join(timeout)

    # -- its thread

    def _put(self, job: Callable[[], None]) -> None:
        self._jobs.put(job)
        with self._lock:
            self._start()

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="tasker-publishers", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        me = threading.current_thread()
        while self._thread is me:
            job = self._jobs.get()
            if self._thread is not me:
                # It was left behind, and this is another's to do.
                self._jobs.put(job)
                return
            if job is None:
                return
            self._busy_since = time.monotonic()
            try:
                job()
            except Exception:
                log.exception("events of a step can't be published")
            if self._thread is me:
                self._busy_since = None

    def _ask(self, asked: Asked) -> None:
        asked.began = time.monotonic()
        drafts: list[Draft] = []
        try:
            drafts = self._drafts(asked)
        except Exception as error:
            log.exception("the events of step %s can't be prepared", asked.report.step)
            said = f"isn't published: {error_label(type(error).__name__)}"
            events = enumerate(asked.attempt.plan.publishes)
            drafts = [Draft(n, event.publisher or "default", trouble=said) for n, event in events]
        metrics.EVENT_DURATION.of().note(time.monotonic() - asked.began)
        self._finish(asked, drafts)

    def _finish(self, asked: Asked, drafts: Sequence[Draft]) -> None:
        with self._lock:
            if asked.is_over:
                return
            asked.is_over = True
        key = asked.report.outcome.key
        if asked.made:
            self._answered[key] = asked
        asked.done(asked.attempt, asked.report._replace(drafts=tuple(drafts)))
        self._open.pop(key, None)
        self._ring()

    def _drafts(self, asked: Asked) -> list[Draft]:
        plan, outcome = asked.attempt.plan, asked.report.outcome
        attempted = Attempted(asked.report.attempt, plan.retry, asked.report.crashes, plan.max_crashes)
        state = decide(outcome, attempted, 0, 0.0).state
        applying = [
            (n, event) for n, event in enumerate(plan.publishes) if applies(event.condition, outcome.ending, state)
        ]
        if not applying:
            return []
        context = asked.attempt.context()
        asked.result = _result(asked, state)
        asked.step = StepEventContext.from_step_context(context, asked.result.result, asked.result.metadata)
        return [self._draft(asked, n, event) for n, event in applying]

    def _draft(self, asked: Asked, position: int, event: Publication) -> Draft:
        assert asked.result is not None
        publisher, trouble = self._publisher(event)
        declared = EventDeclaration(
            event.name, event.condition, event.delivery_mode, event.publisher, dict(event.payload_schema)
        )
        made = publisher.prepare(PublishContext(event.name, asked.result, declared, asked.step), event.name)
        name = publisher.publisher_name or type(publisher).__name__
        if made.error is not None:
            kind = error_label(type(made.error).__name__)
            return Draft(position, name, trouble=f"isn't published: its publisher {name!r} raised {kind}")
        if not made.is_to_go:
            return Draft(position, name)
        more = {key: value for key, value in made.metadata.items() if key not in DomainEventMetadata.model_fields}
        try:
            payload, metadata = encode(made.payload, "payload"), encode(more, "metadata")
        except PayloadError as error:
            return Draft(position, name, trouble=f"isn't published: {error}")
        asked.made[position] = publisher, made
        return Draft(position, name, payload, metadata, trouble)

    def _publisher(self, event: Publication) -> tuple[BasePublisher, str]:
        registry = PublisherRegistry.instance()
        if event.publisher is None:
            return registry.get("default") or _GENERIC, ""
        publisher = registry.get(event.publisher)
        if publisher is not None:
            return publisher, ""
        said = f"no publisher {event.publisher!r} is registered in the worker; the event is published as the step ended"
        if event.publisher not in self._missing:
            self._missing.add(event.publisher)
            log.warning("event %s: %s", event.name, said)
        return _GENERIC, said

    def _tell(self, asked: Asked, events: Sequence[Event]) -> None:
        for event in events:
            made = asked.made.get(event.position)
            if made is None:
                continue
            publisher, prepared = made
            if event.mode != "durable":
                channel.put(_in_process(asked, event))
            publisher.confirm(prepared)


def _result(asked: Asked, state: StepState) -> StepResult:
    attempt, outcome = asked.attempt, asked.report.outcome
    took = round((time.monotonic() - attempt.begun_at) * 1_000) if attempt.begun_at else 0
    if state is StepState.COMPLETE:
        kept: Mapping[str, Any] = decode(outcome.result) if outcome.result is not None else {}
        return StepResult(True, kept.get("result"), execution_time_ms=took, metadata=dict(kept.get("metadata") or {}))
    error = outcome.error
    return StepResult(
        False,
        error_message=error.message if error else None,
        error_type=error.error_type if error else None,
        error_code=error.error_code if error else None,
        retryable=state is not StepState.ERROR,
        execution_time_ms=took,
    )


def _in_process(asked: Asked, event: Event) -> InProcessDomainEvent:
    assert asked.step is not None
    assert asked.result is not None
    step, (_, prepared) = asked.step, asked.made[event.position]
    return InProcessDomainEvent(
        event_id=event.id,
        event_name=event.name,
        metadata=DomainEventMetadata(**prepared.metadata),
        payload={
            "task_sequence_step": step.task_sequence_step,
            "execution_result": asked.result.as_dict(),
            "payload": prepared.payload,
        },
    )


_GENERIC = DefaultPublisher()
