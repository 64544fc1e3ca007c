"""Create tasks that have nothing to do with each other in one transaction: each one succeeds or fails for itself."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeAlias

from tasker_core.engine.counting import count_requested
from tasker_core.engine.create import Created, Creator
from tasker_core.engine.identity import duplicate, same_content, taken
from tasker_core.engine.known import Known
from tasker_core.engine.requests import TaskRequest
from tasker_core.errors import ClientError, StoreDataError, StoreError
from tasker_core.store.creating import NewTask
from tasker_core.telemetry import metrics, spans, tracing

Answer: TypeAlias = Created | ClientError
"""The error that the request alone would have raised; DuplicateTaskError for a task that another request made."""


def create_each(creator: Creator, requests: Sequence[TaskRequest]) -> list[Answer]:
    """Create a task per request, as many callers at once would; the answers in the requests' order.

    Raises StoreError where the store can't be written: then no task was created.
    """
    tracer = tracing.tracer()
    if tracer is None:
        return _create(creator, requests)
    with spans.creating_each(tracer, [(each.name, each.namespace, each.traceparent) for each in requests]) as each_span:
        traced = zip(requests, each_span, strict=True)
        answers = _create(creator, [replace(request, traceparent=span.traceparent) for request, span in traced])
        for span, answer in zip(each_span, answers, strict=True):
            if isinstance(answer, ClientError):
                span.fail(type(answer).__name__)
    return answers


def _create(creator: Creator, requests: Sequence[TaskRequest]) -> list[Answer]:
    began = time.perf_counter()
    answers: dict[int, Answer] = {}
    prepared: dict[int, tuple[NewTask, Known]] = {}
    now = creator.now()
    for position, request in enumerate(requests):
        try:
            prepared[position] = creator.prepare(request, now)
        except StoreError:
            raise
        except ClientError as error:
            answers[position] = error
    count_requested([known for _, known in prepared.values()])
    _write(creator, requests, prepared, answers)
    if not all(isinstance(answer, ClientError) for answer in answers.values()):
        metrics.TASK_INITIALIZATION.of().note(time.perf_counter() - began)
    return [answers[position] for position in range(len(requests))]


def _write(
    creator: Creator,
    requests: Sequence[TaskRequest],
    prepared: dict[int, tuple[NewTask, Known]],
    answers: dict[int, Answer],
) -> None:
    # One request per identity and per id; their twins are answered from what was written.
    distinct: dict[str, int] = {}
    ids: set[str] = set()
    for position, (task, _) in prepared.items():
        if task.identity not in distinct and task.id not in ids:
            distinct[task.identity] = position
            ids.add(task.id)
    chosen = [prepared[position] for position in distinct.values()]
    if not chosen:
        return
    try:
        written = creator.write([task for task, _ in chosen], [known for _, known in chosen], all_or_none=False)
    except StoreDataError as error:
        _halve(creator, requests, prepared, answers, error)
        return
    left = {}
    for position, (task, known) in prepared.items():
        if task.id in written and distinct.get(task.identity) == position:
            answers[position] = Created(task.id, new=True, fresh=(task, known))
        else:
            left[position] = task
    if left:
        _explain(creator, requests, left, answers)


def _halve(
    creator: Creator,
    requests: Sequence[TaskRequest],
    prepared: dict[int, tuple[NewTask, Known]],
    answers: dict[int, Answer],
    error: StoreDataError,
) -> None:
    """The database refused a value of one of them: look for it, so that only its request suffers."""
    if len(prepared) == 1:
        answers[next(iter(prepared))] = error
        return
    positions = list(prepared)
    middle = len(positions) // 2
    for half in (positions[:middle], positions[middle:]):
        _write(creator, requests, {position: prepared[position] for position in half}, answers)


def _explain(
    creator: Creator, requests: Sequence[TaskRequest], left: dict[int, NewTask], answers: dict[int, Answer]
) -> None:
    """Why these weren't written: they exist already, or their template was replaced meanwhile."""
    existing, known = creator.look_up(list(left.values()))
    for position, task in left.items():
        own, found = known.get(task.id), existing.get(task.identity)
        if own is not None and own.was_made_for(task.identity):
            same = same_content(own.context, task.context)
            answers[position] = Created(own.id, new=False) if same else duplicate(task, own.id, same)
        elif found is not None and found.bars(task):
            answers[position] = duplicate(task, found.id, same_content(found.context, task.context))
        elif own is not None:
            answers[position] = taken(task)
        else:
            try:
                (answers[position],) = creator.create([requests[position]], refuse_duplicates=True)
            except StoreError:
                raise
            except ClientError as error:
                answers[position] = error
