"""Decisions settled: which steps their outcome brings about, or why it can't be carried out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tasker_core.engine.catalog import Known
from tasker_core.rules.expand import ChoiceError, choice_of
from tasker_core.rules.payload import decode
from tasker_core.store.steps import Born
from tasker_core.words import Ending, Outcome, StepError

INVALID_DECISION = "invalid_decision"


def is_decision(known: Known, outcome: Outcome) -> bool:
    """Does this end of an attempt decide how its task goes on?"""
    return outcome.key.no in known.growth.decisions and outcome.ending is Ending.OK


def carry_out(known: Known, outcome: Outcome, states: Mapping[int, str]) -> tuple[Outcome, Sequence[Born]]:
    """The steps that a decision brings about in a task whose steps are in ``states``.

    A choice that can't be carried out makes the outcome a permanent failure that says what could have been chosen.
    """
    no = outcome.key.no
    try:
        choice = choice_of(decode(outcome.result or "null").get("result"))
        grown = known.growth.after(no, choice, states)
    except ChoiceError as error:
        refused = StepError(f"the decision can't be carried out: {error}", INVALID_DECISION, retryable=False)
        return Outcome(outcome.key, Ending.FAILED, error=refused), ()
    names, lanes = known.growth.names, known.lanes
    return outcome, [Born(new.no, names[new.no - 1], lanes[new.no - 1], new.parents, new.waits) for new in grown]
