"""What an analyzer's result brings about: the instances of a batch, with what each of them is to work on."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tasker_core.rules.batches import MOST_INSTANCES, NO_WORK, BatchPlan, instance_no, worker_for_no_work
from tasker_core.rules.expand import Growth, NewStep, is_done
from tasker_core.rules.payload import decode, encode
from tasker_core.rules.spelling import did_you_mean
from tasker_core.rules.template import LONGEST_STEP_NAME, Template
from tasker_core.words import Ending, JsonText, Outcome, StepError

INVALID_BATCH = "invalid_batch"
"""The error type of an analyzer whose outcome can't be carried out."""

CURSOR_KEYS = ("batch_id", "start_cursor", "end_cursor", "batch_size")

_NOTHING: Mapping[str, Any] = {"batch_id": NO_WORK, "start_cursor": 0, "end_cursor": 0, "batch_size": 0}
_SAYS = (
    'its result must hold "batch_processing_outcome": {"type": "create_batches", "worker_template_name": ..., '
    '"cursor_configs": [...], "total_items": ...} or {"type": "no_batches"}; batch_analyzer_success(...) makes one'
)


class BatchError(ValueError):
    """An analyzer's outcome that can't be carried out; the message says what would be right."""


class Pieces(NamedTuple):
    """What an analyzer cut its work into: the worker step's name, None for the one that stands for no work, and the
    cursors."""

    worker: str | None
    cursors: Sequence[Mapping[str, Any]]
    is_no_op: bool = False


class NewBatch(NamedTuple):
    """A batch that comes into being: its plan, its instances' names and inputs by their numbers."""

    plan: BatchPlan
    names: Mapping[int, str]
    inputs: Mapping[int, JsonText]


def pieces_of(result: object) -> Pieces:
    """What an analyzer's result says under ``batch_processing_outcome``. Raises BatchError.

    >>> pieces_of({"batch_processing_outcome": {"type": "no_batches"}}).is_no_op
    True
    """
    outcome: Any = result.get("batch_processing_outcome") if isinstance(result, Mapping) else None
    match outcome:
        case {"type": "no_batches"}:
            return Pieces(None, [_NOTHING], is_no_op=True)
        case {"type": "create_batches", "worker_template_name": str(worker), "cursor_configs": [*cursors]} if cursors:
            _check_counts(outcome, len(cursors))
            _check_cursors(cursors)
            return Pieces(worker, cursors)
    raise BatchError(_SAYS)


def _check_counts(outcome: Mapping[str, Any], there: int) -> None:
    if there > MOST_INSTANCES:
        raise BatchError(
            f"it has {there:,} cursor_configs; one batch can have {MOST_INSTANCES:,} at most: cut larger pieces"
        )
    if not _is_count(outcome.get("total_items")):
        raise BatchError(f"total_items must be a whole number, 0 or more; found {outcome.get('total_items')!r}")
    if outcome.get("worker_count", there) != there:
        raise BatchError(f"worker_count is {outcome['worker_count']!r}, but there are {there} cursor_configs")


def _check_cursors(cursors: Sequence[Any]) -> None:
    ids: set[str] = set()
    for place, cursor in enumerate(cursors):
        what = f"cursor_configs[{place}]"
        if not isinstance(cursor, Mapping):
            raise BatchError(f"{what} must be a mapping with {', '.join(CURSOR_KEYS)}; found {cursor!r:.100}")
        if missing := [key for key in CURSOR_KEYS if key not in cursor]:
            raise BatchError(f"{what} lacks {', '.join(map(repr, missing))}; it needs {', '.join(CURSOR_KEYS)}")
        of, size = cursor["batch_id"], cursor["batch_size"]
        if not isinstance(of, str) or not re.fullmatch(r"[A-Za-z0-9_-]+", of):
            raise BatchError(
                f"batch_id of {what} must be a text of letters, digits, _ and -, like '001'; found {of!r:.100}"
            )
        if of in ids:
            raise BatchError(f"batch_id {of!r} stands twice, the second time in {what}; each needs one of its own")
        if not _is_count(size):
            raise BatchError(f"batch_size of {what} must be a whole number, 0 or more; found {size!r:.100}")
        ids.add(of)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def carry_out(
    growth: Growth, template: Template, outcome: Outcome, states: Mapping[int, str]
) -> tuple[Outcome, Sequence[NewStep], NewBatch | None]:
    """What an analyzer's outcome brings about in a task whose steps are in ``states``.

    One that can't be carried out makes it a permanent failure, which says what would be right.
    """
    analyzer = outcome.key.no
    try:
        pieces = pieces_of(decode(outcome.result or "null").get("result"))
        plan = growth.batches[_worker(growth, template, analyzer, pieces.worker)]
        _refuse_gaps(growth, plan, states)
        batch = _batch(growth, plan, pieces)
        return outcome, growth.after_batch(plan.worker, len(pieces.cursors), states), batch
    except BatchError as error:
        refused = StepError(f"the batch can't be carried out: {error}", INVALID_BATCH, retryable=False)
        return Outcome(outcome.key, Ending.FAILED, error=refused), (), None


def _worker(growth: Growth, template: Template, analyzer: int, named: str | None) -> int:
    able = {growth.names[no - 1]: no for no, plan in growth.batches.items() if plan.analyzer == analyzer}
    name = worker_for_no_work(template.steps[analyzer - 1], list(able)) if named is None else named
    if name in able:
        return able[name]
    can = ", ".join(map(repr, able))
    if name is None:
        raise BatchError(f"nothing says which of {can} stands for no work; name it in batch_config.worker_template")
    raise BatchError(f"{name!r} is no worker step of this analyzer; it may name {can}{did_you_mean(name, able)}")


def _refuse_gaps(growth: Growth, plan: BatchPlan, states: Mapping[int, str]) -> None:
    """An instance begins as soon as there is a place for it, so nothing else may be waited for."""
    others = [parent for parent in growth.parents(plan.worker) if parent != plan.analyzer]
    missing = [growth.names[parent - 1] for parent in others if not is_done(states.get(parent))]
    if missing:
        lack, worker = ", ".join(map(repr, missing)), growth.names[plan.worker - 1]
        raise BatchError(f"its worker {worker!r} waits for {lack}, not done here; let the analyzer wait for that")


def _batch(growth: Growth, plan: BatchPlan, pieces: Pieces) -> NewBatch:
    worker, taken = growth.names[plan.worker - 1], set(growth.names)
    metadata: dict[str, Any] = {"cursor_field": plan.cursor_field, "failure_strategy": plan.strategy}
    if plan.checkpoint_interval is not None:
        metadata["checkpoint_interval"] = plan.checkpoint_interval
    names: dict[int, str] = {}
    inputs: dict[int, JsonText] = {}
    for no, cursor in enumerate(pieces.cursors, instance_no(plan.worker, 0)):
        name = names[no] = f"{worker}_{cursor['batch_id']}"
        if name in taken or len(name) > LONGEST_STEP_NAME:
            why = "is a declared step's" if name in taken else f"is longer than {LONGEST_STEP_NAME} characters"
            raise BatchError(
                f"the name {name!r:.200} of the step for batch_id {cursor['batch_id']!r:.100} {why}; choose another id"
            )
        inputs[no] = encode({"cursor": cursor, "batch_metadata": metadata, "is_no_op": pieces.is_no_op}, "inputs")
    return NewBatch(plan, names, inputs)
