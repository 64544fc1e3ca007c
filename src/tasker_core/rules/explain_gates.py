"""Why a ready step isn't handed out though a worker would take it: a limit, or a breaker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tasker_core.rules.explanation import Reason, ReasonKind, at, counted
from tasker_core.rules.facts import StepFact
from tasker_core.rules.gates import CLOSED, HALF_OPEN, Standing
from tasker_core.rules.limits import Rate
from tasker_core.words import KEY_MARK, Micros, namespace_of


def held(step: StepFact, gates: Mapping[str, Standing], now: Micros) -> Reason | None:
    """Which gate holds ``step`` back, if one does. ``gates`` has those of its handler and its namespace, by name."""
    lane, aside, key = step.lane.partition(KEY_MARK)
    there = [gates[name] for name in (lane, namespace_of(lane)) if name in gates]
    for gate in there:
        if gate.breaker != CLOSED and gate.room(now) == 0:
            return _breaker(step, gate, now)
    if aside:
        most = gates[lane].per_key if lane in gates else None
        details = {"limit": "per_key", "of": lane, "key": key, "most": most}
        text = f"limit reached: {counted(most or 1, 'step')} of handler {lane} may run at once for key {key}"
        return Reason(ReasonKind.LIMIT_REACHED, text, step.enqueued_at, details)
    for gate in there:
        if gate.room(now) == 0:
            return _limit(step, gate)
    return None


def _breaker(step: StepFact, gate: Standing, now: Micros) -> Reason:
    details: dict[str, Any] = {"breaker": gate.breaker, "of": gate.name, "by": gate.by}
    text = f"the breaker of handler {gate.name} is open since {at(gate.since)}"
    if gate.by:
        text += f", by {gate.by}: until somebody closes it"
    elif gate.breaker == HALF_OPEN and gate.probes:
        text += ": one step tries whether it works again"
    else:
        text += f"; one step may try {'now' if gate.probe_at <= now else f'at {at(gate.probe_at)}'}"
        details["probe_at"] = gate.probe_at
    return Reason(ReasonKind.BREAKER_OPEN, text, max(gate.since, step.enqueued_at), details)


def _limit(step: StepFact, gate: Standing) -> Reason:
    what = f"handler {gate.name}" if "/" in gate.name else f"namespace {gate.name}"
    if gate.concurrency is not None and gate.running >= gate.concurrency:
        text = f"limit reached: {counted(gate.running, 'step')} of {what} run, {gate.concurrency:,} may at once"
        details = {"limit": "concurrency", "of": gate.name, "most": gate.concurrency, "running": gate.running}
    else:
        rate = str(Rate(gate.rate or 0, gate.period or 1))
        text = f"limit reached: {what} may begin {rate}, and as many have"
        details = {"limit": "rate", "of": gate.name, "most": rate, "running": gate.running}
    return Reason(ReasonKind.LIMIT_REACHED, text, step.enqueued_at, details)


def advice(reasons: Sequence[Reason]) -> list[str]:
    """What an operator can do about them."""
    limits = sorted({str(reason.details["of"]) for reason in reasons if reason.kind is ReasonKind.LIMIT_REACHED})
    breakers = sorted({str(reason.details["of"]) for reason in reasons if reason.kind is ReasonKind.BREAKER_OPEN})
    return [
        *(f"if more may run at once: tasker limits set {name}" for name in limits[:3]),
        *(f"if the handler works again: tasker breakers close {name}" for name in breakers[:3]),
    ]
