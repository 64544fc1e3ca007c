"""Decisions and analyzers settled: which steps their outcome brings about, in the words of the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tasker_core.engine.catalog import Known
from tasker_core.rules import batch_outcome, expand
from tasker_core.rules.batch_outcome import NewBatch
from tasker_core.rules.batches import FAIL_FAST, FIRST_INSTANCE, ISOLATE, BatchPlan, Slots
from tasker_core.rules.expand import NewStep
from tasker_core.store.batching import NO_ENDS, BatchEnds, BornBatch
from tasker_core.store.settling import Birth, Born, Ruling
from tasker_core.words import Ending, LeaseKey, Outcome, StepState


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
        ended = ended or state in (StepState.COMPLETE, StepState.ERROR)
        if state is StepState.ERROR and plan.strategy == ISOLATE:
            aside.append(key)
        may_hold_back = may_hold_back or (plan.strategy == FAIL_FAST and state is not StepState.COMPLETE)
    return BatchEnds(ended, aside, may_hold_back)


def is_instance(no: int) -> bool:
    """May the step of this number be an instance of a batch? Only its template tells for certain."""
    return no >= FIRST_INSTANCE
