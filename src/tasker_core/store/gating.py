"""The statements of a claim of steps that limits or breakers concern: what is looked at, and what is taken."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from pydantic_core import from_json

from tasker_core.rules.breaker import BreakerPolicy, Notes
from tasker_core.rules.gates import CLOSED, Choice, Front, Keyed, Line, Standing, bounds, choose
from tasker_core.rules.limits import LARGEST
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


class Seen(NamedTuple):
    """What was seen under the gates' locks: how they stand, and of which lanes steps stand aside."""

    standings: Sequence[Standing]
    lines: frozenset[str]


def look_calls(gated: Mapping[str, Gated], now: Micros) -> list[Call]:
    """The statements that lock the gates of these lanes and see how they stand; ``seen`` is what they answer."""
    names = as_json(sorted({name for lane in gated for name in (lane, namespace_of(lane))}))
    calls = [Call("lock_gates", {"names": names})]
    new = [lane for lane, gate in gated.items() if gate.new]
    calls += [Call("adopt_running", {"lane": lane, "prefix": lane + KEY_MARK}) for lane in new]
    calls.append(Call("gate_standings", {"names": names, "now": now}))
    if keyed := _keyed(gated):
        calls.append(Call("lanes_with_lines", {"lanes": as_json(keyed)}))
    return calls


def seen(gated: Mapping[str, Gated], answers: Sequence[Rows]) -> Seen:
    """What the answers to ``look_calls`` mean."""
    standings, *lines = answers[1 + sum(gate.new for gate in gated.values()) :]
    return Seen([Standing._make(row) for row in standings], frozenset(lane for rows in lines for (lane,) in rows))


def closer_calls(gated: Mapping[str, Gated], room: int) -> list[Call]:
    """The statements that count what waits, where not all of it may begin; ``choices`` is what their answers mean."""
    plain = [lane for lane, gate in gated.items() if not gate.keyed]
    calls = [waits_call(plain, room)]
    for lane in _keyed(gated):
        low, high = bounds(lane)
        calls += [
            Call("slots_of_lane", {"low": low, "high": high}),
            Call("front_of_lane", {"lane": lane, "window": max(LEAST_WINDOW, 2 * room)}),
            Call("lines_of_lane", {"lane": lane, "prefix": low, "room": room}),
        ]
    return calls


def waits_call(lanes: Sequence[str], most: int) -> Call:
    """How many wait in each of ``lanes``, as far as ``most``."""
    return Call("lane_waits", {"lanes": as_json(lanes), "room": most})


def choices(
    gated: Mapping[str, Gated], found: Seen, answers: Sequence[Rows], room: int, now: Micros
) -> Sequence[Choice]:
    """What is to be taken, by the answers to ``closer_calls``."""
    waits: dict[str, int] = dict(answers[0])
    keyed, rest = dict[str, Keyed](), iter(answers[1:])
    for lane in _keyed(gated):
        running, front, lines = (_listed(next(rest)) for _ in range(3))
        prefix = len(lane) + len(KEY_MARK)
        keyed[lane] = Keyed(
            {slot[prefix:]: n for slot, n in running},
            [Front._make(row) for row in front],
            [Line._make(row) for row in lines],
        )
    return choose(gated, room, found.standings, waits, keyed, now)


def is_open(found: Seen, room: int, now: Micros) -> bool:
    """May ``room`` steps begin whichever these are, as far as their keys allow it?"""
    return not found.lines and all(left is None or left >= room for left in (g.room(now) for g in found.standings))


def open_calls(gated: Mapping[str, Gated], found: Seen, who: Mapping[str, object]) -> dict[str, Sequence[Call]]:
    """The statements that take whatever there is room for, where no gate has less; by lane."""
    per_key = {gate.name: gate.per_key for gate in found.standings}
    room = who["room"]
    return {
        lane: [
            Call(
                "claim_keyed", {**who, "lane": lane, "prefix": lane + KEY_MARK, "per_key": per_key.get(lane) or LARGEST}
            )
        ]
        if gate.keyed
        else [_gated_call(lane, lane, lane + KEY_MARK, room, who)]
        for lane, gate in gated.items()
    }


def chosen_calls(
    chosen: Sequence[Choice], gated: Mapping[str, Gated], who: Mapping[str, object]
) -> dict[str, Sequence[Call]]:
    """The statements that take what was chosen, by lane; ``who`` are the parameters of the claim."""
    return {
        choice.lane: _keyed_calls(choice, who) if gated[choice.lane].keyed else _plain_calls(choice, who)
        for choice in chosen
    }


def after_calls(standings: Sequence[Standing], who: Mapping[str, object], now: Micros) -> list[Call]:
    """The statements that write down what began, where a rate or a breaker asks for it."""
    calls: list[Call] = []
    rates = []
    for gate in standings:
        if gate.rate is not None and gate.period is not None:
            low, high = bounds(gate.name)
            grain = max(1, gate.period // GRAIN)
            # Counted at the end of its stretch, so that what is forgotten then is really as old as the period.
            rates.append({"name": gate.name, "low": low, "high": high, "at": -(-now // grain) * grain})
        if gate.breaker != CLOSED and gate.room(now):
            calls.append(Call("begin_probe", {**who, "lane": gate.name}))
    if rates:
        calls.append(Call("use_rates", {**who, "rates": as_json(rates)}))
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


def _plain_calls(choice: Choice, who: Mapping[str, object]) -> list[Call]:
    if not choice.most:
        return []
    lane = choice.lane
    return [_gated_call(lane, lane, lane + KEY_MARK, choice.most, who)]


def _gated_call(lane: str, from_lane: str, slot: str, most: object, who: Mapping[str, object]) -> Call:
    return Call("claim_gated", {**who, "lane": lane, "from_lane": from_lane, "slot": slot, "most": most})


def _keyed_calls(choice: Choice, who: Mapping[str, object]) -> list[Call]:
    lane, prefix, calls = choice.lane, choice.lane + KEY_MARK, list[Call]()
    for key, most in choice.called.items():
        calls.append(_gated_call(lane, prefix + key, prefix + key, most, who))
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
