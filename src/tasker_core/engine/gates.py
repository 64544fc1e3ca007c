"""Gates: which lanes limits and breakers concern, as this process knows it, and the words that change them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from tasker_core.clock import SECOND, Clock
from tasker_core.forks import renew_in_children
from tasker_core.rules.breaker import BreakerPolicy, take_notes
from tasker_core.rules.gates import CLOSED
from tasker_core.rules.limits import Limits, declare
from tasker_core.rules.template import Template
from tasker_core.store import Store
from tasker_core.store.claiming import Claim
from tasker_core.store.gates import Declared, GateRow, Word
from tasker_core.store.gating import Gated, Noted
from tasker_core.words import ClaimRequest, Ending, Micros, Report, lane_of, namespace_of

NEW_FOR: Micros = 10 * SECOND
"""For how long after a limit came the steps are looked through that may run without a slot of it."""


class Gates:
    """The gates of one store, as they were when this process last read them.

    That may be a moment ago: a worker that doesn't know of a change gets no step before it has read it (``learn``).
    """

    def __init__(self, store: Store, clock: Clock, policy: BreakerPolicy) -> None:
        self._store, self._clock, self._policy = store, clock, policy
        self._heeded: dict[int, int] = {}
        self._rows: Mapping[str, GateRow] = {}
        self._lanes: dict[str, Gated | None] = {}
        self._mark = 0
        self._are_any = False
        self._failing: Collection[str] = ()
        self._broken: Collection[str] = ()
        self.begin_anew()
        renew_in_children(self)

    def begin_anew(self) -> None:
        """What is known stays good in a child."""
        self._lock = threading.Lock()

    def attend(self, worker: int) -> None:
        """``worker`` runs in this process from now on."""
        self._heeded[worker] = 0
        self.refresh()

    def learn(self, mark: int) -> None:
        """``mark`` was seen in the store, which changes with every gate."""
        if mark != self._mark:
            self.refresh()

    def refresh(self) -> None:
        """Read how they stand."""
        with self._lock:
            rows, heeded = self._store.gates.read(self._heeded)
            self._rows, self._lanes = {row.name: row for row in rows}, {}
            self._are_any = any(_holds(row) for row in rows)
            self._failing = {row.name for row in rows if row.failures}
            self._broken = {row.name for row in rows if row.breaker != CLOSED}
            self._mark = sum(row.version for row in rows)
            # Last: a worker whose number is right claims by what was read with it, or later.
            self._heeded = heeded

    def as_claim(self, request: ClaimRequest) -> Claim:
        """What ``request`` asks the store for."""
        heeded = self._heeded.get(request.worker, 0)
        if not self._are_any:
            return Claim(request.worker, request.lanes, request.room, heeded=heeded, stamp=request.stamp)
        gated = {lane: gate for lane in request.lanes if (gate := self.gate(lane)) is not None}
        return Claim(request.worker, request.lanes, request.room, gated, heeded, self._clock.now, request.stamp)

    @property
    def are_any(self) -> bool:
        """Does anything hold any step back?"""
        return self._are_any

    def gate(self, lane: str) -> Gated | None:
        """What concerns the steps of ``lane``, if anything does."""
        if not self._are_any:
            return None
        lanes = self._lanes
        if lane not in lanes:
            rows = [row for name in (lane, namespace_of(lane)) if (row := self._rows.get(name)) is not None]
            holding = [row for row in rows if _holds(row)]
            keyed = any(row.keyed for row in rows)
            lanes[lane] = Gated(keyed, self._are_new(holding)) if holding else None
        known = lanes[lane]
        if known is not None and known.new and not self._are_new(self._rows.values()):
            known = lanes[lane] = known._replace(new=False)
        return known

    def noted(self, reports: Sequence[Report], lane: Callable[[Report], str]) -> Noted | None:
        """What these ends mean for breakers; nothing, and found out at once, where all goes well."""
        if not self._policy.failures and not self._broken:
            return None
        if not self._failing and not self._broken and all(r.outcome.ending is Ending.OK for r in reports):
            return None
        ends = ((lane(report), report.outcome) for report in reports)
        notes = take_notes(ends, self._failing, self._broken)
        if not self._policy.failures:
            notes.failed = []
        return Noted(notes, self._policy) if notes else None

    def waiting(self, lanes: Sequence[str]) -> Mapping[str, int]:
        """Of which of ``lanes`` something stands aside."""
        keyed = [lane for lane in lanes if (gate := self.gate(lane)) is not None and gate.keyed]
        return self._store.gates.waiting(keyed) if keyed else {}

    def let_through(self, waiting: Mapping[str, int]) -> dict[str, int]:
        """Those of the lanes in which something waits that aren't full, looked at without a lock."""
        held = [lane for lane in waiting if self.gate(lane) is not None]
        if not held:
            return dict(waiting)
        now = self._clock.now()
        rooms = {standing.name: standing.room(now) for standing in self._store.gates.standings(now)}
        full = {lane for lane in held if 0 in (rooms.get(lane), rooms.get(namespace_of(lane)))}
        return {lane: rank for lane, rank in waiting.items() if lane not in full}

    def keep(self) -> None:
        """See to it that nothing stands aside that nobody calls up, nor is kept for nothing: a chore of the sweeper."""
        rows = self._rows.values()
        if any(row.keyed for row in rows):
            self._store.gates.call_forward()
        if any(row.limits.rate for row in rows):
            self._store.gates.forget_uses(self._clock.now())

    def declare(self, template: Template) -> bool:
        """Let hold what ``template`` says of its handlers, before a task of it can be; whether anything changed."""
        self.refresh()
        said = limits_of(template)
        earlier = {name for name, row in self._rows.items() if template.name in row.declared}
        changed = False
        for lane in sorted(said.keys() | earlier):
            if namespace_of(lane) != template.namespace_name:
                continue

            def judge(declared: Declared, word: Word, lane: str = lane) -> tuple[Declared, Word] | None:
                new = declare(declared, template.name, template.version, said.get(lane, Limits()))
                return None if new is None else (new, word)

            before = self._rows.get(lane)
            after = self._store.gates.change(lane, judge, self._clock.now())
            changed = changed or after != before
        if changed:
            self.refresh()
        return changed

    def _are_new(self, rows: Iterable[GateRow]) -> bool:
        since = self._clock.now() - NEW_FOR
        return any(row.changed_at > since for row in rows)


def limits_of(template: Template) -> dict[str, Limits]:
    """What a template says of the lanes of its steps: of two steps with the same handler the lesser."""
    found: dict[str, Limits] = {}
    for step in template.steps:
        lane = lane_of(template.namespace_name, step.handler.callable)
        if step.limits:
            found[lane] = found[lane].and_also(step.limits) if lane in found else step.limits
    return found


def _holds(row: GateRow) -> bool:
    return bool(row.limits) or bool(row.keyed) or row.breaker != CLOSED
