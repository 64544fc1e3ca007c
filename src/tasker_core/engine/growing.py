"""Decisions and analyzers settled: which steps their outcome brings about, in the words of the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tasker_core.engine.known import Known
from tasker_core.rules import batch_outcome, expand
from tasker_core.rules.batch_outcome import NewBatch
from tasker_core.rules.batches import FAIL_FAST, FIRST_INSTANCE, ISOLATE, BatchPlan, Slots
from tasker_core.rules.expand import NewStep
from tasker_core.rules.payload import encode
from tasker_core.store.batching import NO_ENDS, BatchEnds, BornBatch
from tasker_core.store.settling import Birth, Born, Ruling
from tasker_core.words import Ending, LeaseKey, Outcome, StepState

NOTHING_CHOSEN = encode({"result": {"decision_point_outcome": {"type": "no_branches"}}}, "result")
NOTHING_CUT = encode({"result": {"batch_processing_outcome": {"type": "no_batches"}}}, "result")


def brings_about(known: Known, outcome: Outcome) -> bool:
    """Does this end of an attempt decide how its task goes on?"""
    return outcome.key.no in known.growth.openers and outcome.ending is Ending.OK


def carry_out(known: Known, outcome: Outcome, states: Mapping[int, str]) -> tuple[Outcome, Birth]:
    """What a decision or an analyzer brings about, and its outcome, which is a failure where that can't be done."""
    growth = known.growth
    grown: Sequence[NewStep]
    batch: NewBatch | None = None
    if outcome.key.no in growth.decisions:
        outcome, grown = expand.carry_out(growth, outcome, states)
    else:
        outcome, grown, batch = batch_outcome.carry_out(growth, known.template, outcome, states)
    names = batch.names if batch else {}
    steps = [
        Born(new.no, names.get(new.no) or growth.names[new.no - 1], known.lane(new.no), new.parents, new.waits)
        for new in grown
    ]
    return outcome, Birth(steps, _born(batch) if batch else None)


def pass_over(known: Known, key: LeaseKey, states: Mapping[int, str]) -> tuple[Outcome, Birth | None]:
    """What a step brings about that somebody resolves without a result: it chose nothing, or cut nothing."""
    if key.no in known.growth.openers:
        result = NOTHING_CHOSEN if key.no in known.growth.decisions else NOTHING_CUT
        return carry_out(known, Outcome(key, Ending.OK, result), states)
    return Outcome(key, Ending.OK), None


def _born(batch: NewBatch) -> BornBatch:
    plan, slots = batch.plan, Slots.of(len(batch.names), batch.plan.parallelism)
    return BornBatch(plan.worker, plan.strategy, plan.parallelism, slots.total, slots.next, slots.free, batch.inputs)


def batch_ends(rulings: Sequence[Ruling], plans: Mapping[LeaseKey, BatchPlan]) -> BatchEnds:
    """What ``rulings`` mean for batches, of which ``plans`` has those that concern instances."""
    if not plans:
        return NO_ENDS
    ended, aside, may_hold_back = False, [], False
    for ruling in rulings:
        key, state = ruling.verdict.key, ruling.verdict.state
        if (plan := plans.get(key)) is None:
            continue
        ended = ended or state.satisfies or state is StepState.ERROR
        if state is StepState.ERROR and plan.strategy == ISOLATE:
            aside.append(key)
        may_hold_back = may_hold_back or (plan.strategy == FAIL_FAST and not state.satisfies)
    return BatchEnds(ended, aside, may_hold_back)


def is_instance(no: int) -> bool:
    """May the step of this number be an instance of a batch? Only its template tells for certain."""
    return no >= FIRST_INSTANCE
