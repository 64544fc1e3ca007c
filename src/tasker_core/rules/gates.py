"""Which ready steps a claim may take where limits and breakers hold some of them back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from tasker_core.words import KEY_MARK, Micros, namespace_of

CLOSED, OPEN, HALF_OPEN = "closed", "open", "half_open"

Step: TypeAlias = tuple[int, int]
"""A step by the numbers of its task and its own."""


class Standing(NamedTuple):
    """A gate under its lock: what it allows, what runs under it, how much of its rate is used."""

    name: str
    concurrency: int | None
    rate: int | None
    breaker: str
    probe_at: Micros
    running: int
    used: int
    probes: int
    period: Micros | None
    per_key: int | None
    since: Micros = 0
    by: str = ""
    failures: int = 0

    def room(self, now: Micros) -> int | None:
        """How many more may begin now; None is any number."""
        rooms = []
        if self.concurrency is not None:
            rooms.append(self.concurrency - self.running)
        if self.rate is not None:
            rooms.append(self.rate - self.used)
        if self.breaker != CLOSED:
            rooms.append(1 if self.probes == 0 and self.probe_at <= now else 0)
        return max(0, min(rooms)) if rooms else None

    def holds(self, now: Micros) -> str | None:
        """What lets nothing begin now, if something does: breaker, concurrency or rate."""
        if self.room(now) != 0:
            return None
        if self.breaker != CLOSED and (self.probes or self.probe_at > now):
            return "breaker"
        return "concurrency" if self.concurrency is not None and self.running >= self.concurrency else "rate"


class Waiting(NamedTuple):
    """How many steps of a lane are ready; ``aside`` are those of them whose keys have no places."""

    ready: int
    aside: int = 0


def held_back(waiting: Mapping[str, Waiting], standings: Iterable[Standing], now: Micros) -> dict[tuple[str, str], int]:
    """How many ready steps of each lane wait for a limit or a breaker alone, and for which: by (lane, kind).

    >>> full = Standing("shop/pay", 5, None, "closed", 0, 5, 0, 0, None, None)
    >>> held_back({"shop/pay": Waiting(9), "shop/ship": Waiting(4, 3)}, [full], 0)
    {('shop/pay', 'concurrency'): 9, ('shop/ship', 'per_key'): 3}
    """
    by_name = {standing.name: standing for standing in standings}
    held = {}
    for lane, (ready, aside) in waiting.items():
        gates = [by_name[name] for name in (lane, namespace_of(lane)) if name in by_name]
        kind = next((kind for gate in gates if (kind := gate.holds(now))), None)
        if kind is not None:
            held[lane, kind] = ready
        elif aside:
            held[lane, "per_key"] = aside
    return held


class Front(NamedTuple):
    """One of the first steps of a lane that is limited by keys; "" is no key, and not limited by it."""

    task: int
    no: int
    rank: int
    key: str


class Line(NamedTuple):
    """The steps of a key that stand aside: the rank of the first, None where there is none, and how many, as far as
    they were counted."""

    key: str
    rank: int | None
    waiting: int


@dataclass(frozen=True, slots=True)
class Keyed:
    """What waits in a lane that is limited by keys, and how many run of each."""

    running: Mapping[str, int]
    front: Sequence[Front]
    lines: Sequence[Line]


@dataclass(slots=True)
class Choice:
    """What a claim takes from one lane: ``most`` of it, or of its front ``chosen``, of the lines so many of each key.

    ``aside`` are those that make room for who stands behind; ``emptied`` are lines of which nothing may be left.
    """

    lane: str
    most: int = 0
    chosen: list[Front] = field(default_factory=list)
    called: dict[str, int] = field(default_factory=dict)
    aside: list[Front] = field(default_factory=list)
    emptied: list[str] = field(default_factory=list)


def choose(
    lanes: Iterable[str], room: int, standings: Collection[Standing], waits: Mapping[str, int],
    keyed: Mapping[str, Keyed], now: Micros,
) -> list[Choice]:  # fmt: skip
    """For each of ``lanes``, in their order, what may be taken of it, ``room`` in all at most.

    ``waits`` tells how many wait in a lane, ``keyed`` has the lanes that are limited by keys.

    >>> gate = Standing("shop/pay", 5, None, "closed", 0, 3, 0, 0, None, None)
    >>> [choice.most for choice in choose(["shop/pay"], 10, [gate], {"shop/pay": 9}, {}, 0)]
    [2]
    """
    by_name = {standing.name: standing for standing in standings}
    left = {name: standing.room(now) for name, standing in by_name.items()}
    choices = []
    for lane in lanes:
        names = [name for name in (namespace_of(lane), lane) if left.get(name) is not None]
        most = min([room, *(left[name] or 0 for name in names)])
        if lane in keyed:
            gate = by_name.get(lane)
            choice = _choose_keys(lane, most, keyed[lane], gate.per_key if gate else None)
            taken = len(choice.chosen) + sum(choice.called.values())
        else:
            taken = min(most, waits.get(lane, 0))
            choice = Choice(lane, most=taken)
        for name in names:
            left[name] = (left[name] or 0) - taken
        choices.append(choice)
    return choices


def _choose_keys(lane: str, most: int, keyed: Keyed, per_key: int | None) -> Choice:
    choice, taken = Choice(lane), Counter[str]()
    choice.emptied = [line.key for line in keyed.lines if line.rank is None]
    candidates: list[tuple[int, int, str, Front | None]] = [(step.rank, 1, step.key, step) for step in keyed.front]
    for line in keyed.lines:
        if line.rank is not None:
            candidates += [(line.rank, 0, line.key, None)] * min(line.waiting, most)
    for _, _, key, step in sorted(candidates, key=lambda candidate: candidate[:3]):
        full = per_key is not None and bool(key) and keyed.running.get(key, 0) + taken[key] >= per_key
        if full:
            if step is not None:
                choice.aside.append(step)
        elif most > 0:
            most -= 1
            taken[key] += 1
            if step is not None:
                choice.chosen.append(step)
            else:
                choice.called[key] = choice.called.get(key, 0) + 1
    choice.emptied += [key for key in choice.called if key not in choice.emptied]
    return choice


def bounds(name: str) -> tuple[str, str]:
    """Between which texts, the second one excluded, the slots of a gate lie.

    >>> bounds("shop")
    ('shop/', 'shop0')
    """
    if "/" in name:
        return f"{name}{KEY_MARK}", f"{name}{chr(ord(KEY_MARK) + 1)}"
    return f"{name}/", f"{name}0"
