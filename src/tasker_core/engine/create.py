"""Create tasks: the same order is the same task, however often it is asked for."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from tasker_core.clock import Clock, Ids
from tasker_core.engine.catalog import Catalog
from tasker_core.engine.claim import Claimer
from tasker_core.engine.counting import count_moved, count_requested
from tasker_core.engine.identity import duplicate, identity, same_content, taken
from tasker_core.engine.known import Known
from tasker_core.engine.memory import Memory, TaskMemory
from tasker_core.engine.requests import TaskRequest
from tasker_core.engine.schemas import check_context
from tasker_core.engine.wake import Listener, Wake
from tasker_core.errors import InvalidRequestError
from tasker_core.rules.limits import key_of
from tasker_core.rules.payload import encode
from tasker_core.rules.rank import rank
from tasker_core.store import Store
from tasker_core.store.creating import NewTask
from tasker_core.store.tasks import Existing
from tasker_core.telemetry import metrics, spans, tracing
from tasker_core.words import ClaimRequest, Micros, TaskState

MOST_TASKS_A_CALL = 10_000


@dataclass(frozen=True, slots=True)
class Created:
    """The answer to one request: the task's UUID, whether this call made it, and whether an existing one has this
    context. ``fresh`` is the task as it was written, if it was."""

    task: str
    new: bool
    same_context: bool = True
    fresh: tuple[NewTask, Known] | None = None


class Creator:
    """The verb ``create``."""

    def __init__(
        self, store: Store, catalog: Catalog, memory: Memory, claimer: Claimer, wake: Wake, clock: Clock, ids: Ids
    ) -> None:
        self._store, self._catalog, self._memory, self._claimer = store, catalog, memory, claimer
        self._wake, self._clock, self._ids = wake, clock, ids

    def create(self, requests: Sequence[TaskRequest], *, refuse_duplicates: bool) -> list[Created]:
        """Create a task per request in one transaction; the answers in the requests' order.

        With ``refuse_duplicates`` all are created or none: DuplicateTaskError names the first that exists. A request
        whose own task exists already (its answer was lost) is answered with that task. An idle worker of this process
        is handed the first steps in the same transaction.
        """
        if not requests:
            return []
        if len(requests) > MOST_TASKS_A_CALL:
            raise InvalidRequestError(f"at most {MOST_TASKS_A_CALL:,} tasks a call, not {len(requests):,}")
        tracer = tracing.tracer()
        if tracer is None:
            return self._create(requests, refuse_duplicates=refuse_duplicates)
        first = requests[0]
        with spans.creating(tracer, first.name, first.namespace, len(requests), first.traceparent) as traceparent:
            traced = [replace(request, traceparent=traceparent) for request in requests]
            return self._create(traced, refuse_duplicates=refuse_duplicates)

    def _create(self, requests: Sequence[TaskRequest], *, refuse_duplicates: bool) -> list[Created]:
        began = time.perf_counter()
        answers = self._attempt(requests, refuse_duplicates=refuse_duplicates)
        if answers is None:
            # A content that was current when it was looked up isn't any more: look again, once.
            self._catalog.refresh()
            answers = self._attempt(requests, refuse_duplicates=refuse_duplicates)
        if answers is None:
            raise InvalidRequestError(
                "the template is being replaced again and again, or was registered after this transaction began; "
                "try once more, in a new transaction"
            )
        metrics.TASK_INITIALIZATION.of().note(time.perf_counter() - began)
        return answers

    def _attempt(self, requests: Sequence[TaskRequest], *, refuse_duplicates: bool) -> list[Created] | None:
        now = self.now()
        prepared = [self.prepare(request, now) for request in requests]
        tasks, known = [task for task, _ in prepared], [template for _, template in prepared]
        count_requested(known)
        distinct = list({task.identity: task for task in reversed(tasks)}.values())
        if len({task.id for task in distinct}) < len(distinct):
            raise InvalidRequestError("two of these tasks have the same task_uuid", field="task_uuid")
        twice = len(distinct) < len(tasks)
        written: Mapping[str, int] = {}
        if not (twice and refuse_duplicates):
            written = self.write(distinct, known, all_or_none=refuse_duplicates)
        if len(written) == len(tasks):
            fresh = zip(tasks, known, strict=True)
            return [Created(task.id, new=True, fresh=(task, template)) for task, template in fresh]
        return self._explain(tasks, written, refuse_duplicates=refuse_duplicates)

    def now(self) -> Micros:
        return self._clock.now()

    def prepare(self, request: TaskRequest, now: Micros) -> tuple[NewTask, Known]:
        """The task that ``request`` asks for, as it would be written now, and its template."""
        known = self._catalog.choose(request.name, request.namespace, request.version)
        return self._task(request, known, now), known

    def write(self, tasks: Sequence[NewTask], known: Sequence[Known], *, all_or_none: bool) -> Mapping[str, int]:
        """Write ``tasks``, none of them twice, made at the same time of the templates ``known``; the numbers of those
        that were written.

        A task whose UUID or identity exists already isn't; with ``all_or_none`` then none is.
        """
        now = tasks[0].created_at
        lanes = {lane: tasks[0].rank for template in known for lane in template.first_lanes}
        taker, wish = self._taker(lanes)
        claim = self._claimer.as_claim(wish) if wish else None
        done = self._store.tasks.create(tasks, self._ids.stamp(), now, all_or_none=all_or_none, claim=claim)
        if self._wake.listeners:
            for task in tasks:
                if (number := done.written.get(task.id)) is not None:
                    self._memory.remember(number, _memory_of(task))
        count_moved([task.state for task in tasks if task.id in done.written])
        if taker is not None and wish is not None and done.claimed:
            taker.take(self._claimer.leases(done.claimed, wish, now))
            lanes = {} if len(tasks) == 1 else lanes
        if done.written and lanes:
            self._wake.ready(lanes)
        return done.written

    def _taker(self, lanes: Collection[str]) -> tuple[Listener, ClaimRequest] | tuple[None, None]:
        """A worker of this process that would take the first steps at once."""
        for listener in self._wake.listeners:
            if (wish := listener.wish(lanes)) is not None:
                return listener, wish
        return None, None

    def _explain(
        self, tasks: Sequence[NewTask], written: Collection[str], *, refuse_duplicates: bool
    ) -> list[Created] | None:
        """What the tasks are that weren't written; None when it was for a content that isn't current any more."""
        existing, known = self.look_up(tasks)
        answers: list[Created] = []
        first: dict[str, NewTask] = {}
        for task in tasks:
            twin = first.setdefault(task.identity, task)
            if task.id in written:
                answers.append(Created(task.id, new=True))
                continue
            own, found = known.get(task.id), existing.get(task.identity)
            found = found if found is not None and found.bars(task) else None
            if own is not None and own.was_made_for(task.identity):
                answers.append(Created(own.id, new=False, same_context=same_content(own.context, task.context)))
            elif found is not None and not refuse_duplicates:
                answers.append(Created(found.id, new=False, same_context=same_content(found.context, task.context)))
            elif found is not None:
                raise duplicate(task, found.id, same_content(found.context, task.context))
            elif twin is not task and refuse_duplicates:
                raise duplicate(task, twin.id, same_content(twin.context, task.context))
            elif own is not None:
                raise taken(task)
        if any(answer.new is False for answer in answers) and refuse_duplicates and len(answers) < len(tasks):
            # Some of these tasks exist as the very ones asked for, others don't: they can't have come from one call.
            raise duplicate(tasks[0], next(a.task for a in answers if not a.new), True)
        return answers if len(answers) == len(tasks) else None

    def look_up(self, tasks: Sequence[NewTask]) -> tuple[Mapping[str, Existing], Mapping[str, Existing]]:
        """The tasks that hold the identities of these, by identity, and those that have their ids, by id."""
        identities, ids = [task.identity for task in tasks], [task.id for task in tasks]
        return self._store.tasks.existing(identities), self._store.tasks.holders(ids)

    def _task(self, request: TaskRequest, known: Known, now: Micros) -> NewTask:
        template = known.template
        said = {**(template.default_context or {}), **request.context}
        context = encode(said, "context")
        return NewTask(
            id=str(request.task_uuid),
            template=known.id,
            namespace=template.namespace_name,
            name=template.name,
            version=template.version,
            identity=identity(request, known, said),
            state=TaskState.STEPS_IN_PROCESS if known.first_lanes else TaskState.PENDING,
            priority=request.priority,
            rank=rank(request.priority, now),
            total_steps=len(known.rows),
            context=context,
            initiator=request.initiator,
            source_system=request.source_system,
            reason=request.reason,
            tags=encode(list(request.tags), "tags"),
            correlation_id=str(request.correlation_id or self._ids.new()),
            parent_correlation_id=str(request.parent_correlation_id) if request.parent_correlation_id else None,
            idempotency_key=request.idempotency_key,
            requested_at=_moment(request.requested_at, now),
            created_at=now,
            violations=check_context(known, context) if template.input_schema is not None else (),
            traceparent=request.traceparent,
            window=known.identity_window,
            keys={no: key_of(said, path) for no, path in known.keys.items()},
        )


def _memory_of(task: NewTask) -> TaskMemory:
    return TaskMemory(task.id, task.template, task.context, task.correlation_id, traceparent=task.traceparent)


def _moment(value: datetime | str | None, now: Micros) -> Micros:
    if value is None:
        return now
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        return int(moment.timestamp() * 1_000_000)
    except (ValueError, AttributeError, TypeError, OverflowError):
        raise InvalidRequestError(
            f"requested_at must be a time in ISO 8601, not {value!r}", field="requested_at"
        ) from None
