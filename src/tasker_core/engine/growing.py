"""Decisions settled: which steps their outcome brings about, in the words of the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tasker_core.engine.catalog import Known
from tasker_core.rules import expand
from tasker_core.store.settling import Born
from tasker_core.words import Ending, Outcome


def is_decision(known: Known, outcome: Outcome) -> bool:
    """Does this end of an attempt decide how its task goes on?"""
    return outcome.key.no in known.growth.decisions and outcome.ending is Ending.OK


def carry_out(known: Known, outcome: Outcome, states: Mapping[int, str]) -> tuple[Outcome, Sequence[Born]]:
    """The steps that a decision brings about, and its outcome, which is a failure where that can't be done."""
    outcome, grown = expand.carry_out(known.growth, outcome, states)
    names, lanes = known.growth.names, known.lanes
    return outcome, [Born(new.no, names[new.no - 1], lanes[new.no - 1], new.parents, new.waits) for new in grown]
