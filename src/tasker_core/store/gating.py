"""The statements of a claim of steps that limits or breakers concern: what is looked at, and what is taken."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from pydantic_core import from_json

from tasker_core.rules.breaker import BreakerPolicy, Notes
from tasker_core.rules.gates import CLOSED, Choice, Front, Keyed, Line, Standing, bounds, choose
from tasker_core.store.database import Call, Rows, as_json
from tasker_core.words import KEY_MARK, Micros, namespace_of

LEAST_WINDOW = 200
"""So many steps of a lane that is limited by keys are looked at at least, before those behind them."""
GRAIN = 1_000
"""What begins under a rate is counted in stretches of this part of its period."""


class Gated(NamedTuple):
    """What is known beforehand of a lane that something concerns: is it limited by keys, and is that so new that what
    runs may not have its slot yet?"""

    keyed: bool
    new: bool


class Noted(NamedTuple):
    """What a settlement notes for breakers, and by which policy."""

    notes: Notes
    policy: BreakerPolicy


class Looked(NamedTuple):
    """What was found under the gates' locks, and what was chosen."""

    standings: Sequence[Standing]
    choices: Sequence[Choice]
    now: Micros


class Taking(NamedTuple):
    """The statements by lane, and those that come after all of them."""

    lanes: Mapping[str, Sequence[Call]]
    after: Sequence[Call]


def look_calls(gated: Mapping[str, Gated], room: int, now: Micros) -> list[Call]:
    """The statements that lock the gates of these lanes and see how they stand; see ``looked`` for the order."""
    names = as_json(sorted({name for lane in gated for name in (lane, namespace_of(lane))}))
    plain = [lane for lane, gate in gated.items() if not gate.keyed]
    calls = [Call("lock_gates", {"names": names})]
    new = [lane for lane, gate in gated.items() if gate.new]
    calls += [Call("adopt_running", {"lane": lane, "prefix": lane + KEY_MARK}) for lane in new]
    calls += [
        Call("gate_standings", {"names": names, "now": now}),
        Call("lane_waits", {"lanes": as_json(plain), "room": room}),
    ]
    for lane in _keyed(gated):
        low, high = bounds(lane)
        calls += [
            Call("slots_of_lane", {"low": low, "high": high}),
            Call("front_of_lane", {"lane": lane, "window": max(LEAST_WINDOW, 2 * room)}),
            Call("lines_of_lane", {"lane": lane, "prefix": low, "room": room}),
        ]
    return calls


def note_calls(noted: Noted, gated: Iterable[str], stamp: int, now: Micros) -> list[Call]:
    """The statements that write notes down. Those of a claim that follows concern ``gated`` lanes: one lock for all."""
    notes, (threshold, open_for) = noted
    lanes = as_json(notes.lanes)
    locked = {name for lane in gated for name in (lane, namespace_of(lane))}.union(notes.lanes)
    when = {"tx": stamp, "now": now, "until": now + open_for, "names": lanes, "threshold": threshold}
    calls = [Call("lock_gates", {"names": as_json(sorted(locked))})]
    if notes.good:
        calls.append(Call("forgive_failures", {"names": as_json(sorted(notes.good))}))
    if notes.failed:
        failed = [
            {"name": lane, "low": low, "high": high, "task": key.task, "step": key.no, "held": key.fence}
            for lane, key in notes.failed
            for low, high in [bounds(lane)]
        ]
        calls += [Call("add_failures", {**when, "failed": as_json(failed)}), Call("open_breakers", when)]
    if notes.probes:
        probes = [
            {"name": lane, "task": key.task, "step": key.no, "held": key.fence, "good": int(good)}
            for lane, key, good in notes.probes
        ]
        calls.append(Call("judge_probes", {**when, "probes": as_json(probes)}))
    if notes.failed:
        calls.append(Call("heed_breakers", when))
    return calls


def looked(gated: Mapping[str, Gated], answers: Sequence[Rows], room: int, now: Micros) -> Looked:
    """What the answers to ``look_calls`` mean."""
    first = 1 + sum(gate.new for gate in gated.values())
    standings = [Standing._make(row) for row in answers[first]]
    waits: dict[str, int] = dict(answers[first + 1])
    keyed, rest = dict[str, Keyed](), iter(answers[first + 2 :])
    for lane in _keyed(gated):
        running, front, lines = (_listed(next(rest)) for _ in range(3))
        prefix = len(lane) + len(KEY_MARK)
        keyed[lane] = Keyed(
            {slot[prefix:]: n for slot, n in running},
            [Front._make(row) for row in front],
            [Line._make(row) for row in lines],
        )
    return Looked(standings, choose(gated, room, standings, waits, keyed, now), now)


def chosen_calls(found: Looked, gated: Mapping[str, Gated], who: Mapping[str, object]) -> Taking:
    """The statements that take what was chosen; ``who`` are the parameters of the claim."""
    lanes = {
        choice.lane: _keyed_calls(choice, who) if gated[choice.lane].keyed else _plain_calls(choice, who)
        for choice in found.choices
    }
    after: list[Call] = []
    for gate in found.standings:
        low, high = bounds(gate.name)
        if gate.rate is not None and gate.period is not None:
            grain = max(1, gate.period // GRAIN)
            # Counted at the end of its stretch, so that what is forgotten then is really as old as the period.
            uses = {**who, "name": gate.name, "low": low, "high": high, "at": -(-found.now // grain) * grain}
            after += [
                Call("use_rate", uses),
                Call("forget_uses", {"name": gate.name, "before": found.now - 2 * gate.period}),
            ]
        if gate.breaker != CLOSED and gate.room(found.now):
            after.append(Call("begin_probe", {**who, "lane": gate.name}))
    return Taking(lanes, after)


def _plain_calls(choice: Choice, who: Mapping[str, object]) -> list[Call]:
    if not choice.most:
        return []
    lane = choice.lane
    return [Call("claim_gated", {**who, "lane": lane, "from_lane": lane, "slot": lane + KEY_MARK, "most": choice.most})]


def _keyed_calls(choice: Choice, who: Mapping[str, object]) -> list[Call]:
    lane, prefix, calls = choice.lane, choice.lane + KEY_MARK, list[Call]()
    for key, most in choice.called.items():
        slot = prefix + key
        calls.append(Call("claim_gated", {**who, "lane": lane, "from_lane": slot, "slot": slot, "most": most}))
    if choice.chosen:
        chosen = [
            {"i": i, "task": step.task, "step": step.no, "slot": prefix + step.key}
            for i, step in enumerate(choice.chosen)
        ]
        calls.append(Call("claim_chosen", {**who, "chosen": as_json(chosen)}))
    if choice.aside:
        aside = [{"task": step.task, "step": step.no, "lane": prefix + step.key} for step in choice.aside]
        keys = sorted({step.key for step in choice.aside})
        calls += [
            Call("stand_aside", {"aside": as_json(aside)}),
            Call("open_lines", {"lane": lane, "keys": as_json(keys)}),
        ]
    if choice.emptied:
        calls.append(Call("close_lines", {"lane": lane, "prefix": prefix, "keys": as_json(choice.emptied)}))
    return calls


def _keyed(gated: Mapping[str, Gated]) -> list[str]:
    return [lane for lane, gate in gated.items() if gate.keyed]


def _listed(answer: Rows) -> list[list[Any]]:
    ((text,),) = answer
    return from_json(text) if text else []
