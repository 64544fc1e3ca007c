"""Limits and breakers in the store: how they stand, and what changes them."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from tasker_core.rules.gates import Standing, bounds
from tasker_core.rules.limits import Limits, Rate, declared_limits
from tasker_core.store.database import Access, Call, Row, Transaction, as_json
from tasker_core.words import KEY_MARK, Micros

Declared: TypeAlias = Mapping[str, Mapping[str, Any]]
Word: TypeAlias = Mapping[str, Any] | None


class GateSaying(NamedTuple):
    """A word on a limit or breaker as it is written down."""

    stamp: int
    now: Micros
    actor: str
    reason: str

    def params(self, name: str, said: str) -> dict[str, Any]:
        return {
            "name": name,
            "tx": self.stamp,
            "now": self.now,
            "actor": self.actor,
            "reason": self.reason,
            "said": said,
        }


class GateRow(NamedTuple):
    """A handler's or a namespace's gate. ``declared`` is what each template says, ``word`` what an operator said."""

    name: str
    declared: Declared
    word: Word
    limits: Limits
    failures: int
    breaker: str
    since: Micros
    probe_at: Micros
    by: str
    changed_at: Micros
    version: int
    keyed: int
    """Is or was it limited by keys? Then steps may stand aside."""


class Gates:
    """What can be said about limits and breakers."""

    def __init__(self, database: Access) -> None:
        self._database = database

    def read(self, workers: Collection[int] = ()) -> tuple[list[GateRow], dict[int, int]]:
        """All gates, and up to which change of them each of ``workers`` then knows them."""
        heeds, rows = self._database.read(Call("heeds_of", {"workers": as_json(list(workers))}), Call("gates", {}))
        return [_gate(row) for row in rows], dict(heeds)

    def change(
        self, name: str, judge: Callable[[Declared, Word], tuple[Declared, Word] | None], now: Micros,
        saying: GateSaying | None = None,
    ) -> GateRow | None:  # fmt: skip
        """Give the gate ``name`` what ``judge`` makes of what was declared and said; None where that is nothing new.

        From the commit on no worker gets a step that doesn't know of the change.
        """
        with self._database.transaction() as transaction:
            before = _locked(transaction, name)
            if saying is not None and _is_said(transaction, name, saying):
                return before
            decided = judge(before.declared if before else {}, before.word if before else None)
            if decided is None:
                return before
            declared, word = decided
            limits = declared_limits(declared, word)
            low, high = bounds(name)
            said = {
                "name": name, "low": low, "high": high, "declared": as_json(declared),
                "word": as_json(word) if word is not None else "", "now": now, "concurrency": limits.concurrency,
                "keyed": int((before is not None and before.keyed) or limits.per_key is not None),
                "per_key": limits.per_key, "rate": limits.rate.most if limits.rate else None,
                "period": limits.rate.period if limits.rate else None,
            }  # fmt: skip
            transaction.run(Call("set_gate", said), Call("have_heeded", {}))
            if saying is not None:
                transaction.run(Call("record_gate_word", saying.params(name, as_json(word))))
            return _locked(transaction, name)

    def say(self, name: str, word: Word, saying: GateSaying) -> GateRow | None:
        """Have an operator's ``word`` stand above what templates say of the limits of ``name``; None takes it back."""

        def judge(declared: Declared, _: Word) -> tuple[Declared, Word]:
            return declared, word

        return self.change(name, judge, saying.now, saying)

    def set_breaker(self, name: str, breaker: str, until: Micros, saying: GateSaying) -> GateRow | None:
        """Open or close a breaker by hand."""
        low, high = bounds(name)
        said = {**saying.params(name, breaker), "low": low, "high": high, "breaker": breaker, "until": until}
        with self._database.transaction() as transaction:
            before = _locked(transaction, name)
            if _is_said(transaction, name, saying):
                return before
            transaction.run(
                Call("set_breaker", said),
                Call("have_heeded", {}),
                Call("record_gate_word", said),
            )
            return _locked(transaction, name)

    def words(self, limit: int) -> list[Row]:
        """What operators said, the newest first: (name, time, actor, reason, what)."""
        (rows,) = self._database.read(Call("gate_words", {"limit": limit}))
        return rows

    def standings(self, now: Micros) -> list[Standing]:
        """How all gates stand, looked at without a lock."""
        (rows,) = self._database.read(Call("all_standings", {"now": now}))
        return [Standing._make(row) for row in rows]

    def call_forward(self) -> int:
        """Put steps that stand aside in a line that nobody knows back into their lanes; how many lines there were."""
        ready, lines = self._database.read(Call("lanes_ready", {}), Call("known_lines", {}))
        known = {lane + KEY_MARK + key for lane, key in lines}
        lost = [lane for (lane,) in ready if KEY_MARK in lane and lane not in known]
        if lost:
            self._database.write(
                *(Call("step_forward", {"aside": lane, "lane": lane.partition(KEY_MARK)[0]}) for lane in lost)
            )
        return len(lost)

    def forget_uses(self, now: Micros) -> None:
        """Forget what began so long ago that no rate counts it any more."""
        self._database.write(Call("forget_uses", {"now": now}))

    def waiting(self, lanes: Sequence[str]) -> dict[str, int]:
        """Of which of ``lanes`` something stands aside, and the rank of the first."""
        (rows,) = self._database.read(Call("waiting_keys", {"lanes": as_json(list(lanes)), "mark": KEY_MARK}))
        return {lane: rank for lane, rank in rows if rank is not None}


def _locked(transaction: Transaction, name: str) -> GateRow | None:
    _, rows = transaction.run(Call("lock_gates", {"names": as_json([name])}), Call("gates", {}))
    return next((_gate(row) for row in rows if row[0] == name), None)


def _is_said(transaction: Transaction, name: str, saying: GateSaying) -> bool:
    (((count,),),) = transaction.run(Call("gate_word_said", {"name": name, "tx": saying.stamp}))
    return bool(count)


def _gate(row: Row) -> GateRow:
    name, declared, word, concurrency, per_key, rate, period, *rest = row
    limits = Limits(concurrency, per_key, Rate(rate, period) if rate is not None else None)
    return GateRow(name, json.loads(declared), json.loads(word) if word else None, limits, *rest)
