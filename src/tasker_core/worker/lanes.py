"""In which order a worker asks its lanes for steps: by urgency, then fairly over the namespaces, then by age."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping

from tasker_core.rules.rank import urgencies

MOST_LANES_A_CLAIM = 8
COMPANY_LASTS = 1.0
"""Seconds after a namespace's last step for which the worker is still shared with it."""


class Lanes:
    """The lanes that a worker serves, and what it believes of each: the rank of the first step that waits there.

    ``weights`` gives namespaces their share (1 where silent). Fairness is stride scheduling: each claimed step moves
    its namespace's turn on by 1 / weight, and the namespace whose turn is earliest goes first.
    """

    def __init__(self, served: Iterable[str] = (), weights: Mapping[str, float] | None = None) -> None:
        self.served: tuple[str, ...] = tuple(sorted(served))
        self._weights = weights or {}
        self._waiting: dict[str, int] = {}
        self._turns: dict[str, float] = {}
        self._last_taken: dict[str, float] = {}

    def serve(self, lanes: Iterable[str]) -> None:
        self.served = tuple(sorted(lanes))
        self._waiting = {lane: rank for lane, rank in self._waiting.items() if lane in self.served}

    @property
    def expects_any(self) -> bool:
        """Is anything believed to wait?"""
        return bool(self._waiting)

    @property
    def are_shared(self) -> bool:
        """Have several namespaces had steps taken lately?"""
        since = time.monotonic() - COMPANY_LASTS
        return sum(taken > since for taken in list(self._last_taken.values())) > 1

    def expect(self, lane: str, rank: int) -> None:
        """Believe that something of this rank waits in ``lane``."""
        if rank < self._waiting.get(lane, rank + 1):
            self._waiting[lane] = rank

    def order(self) -> list[str]:
        """The lanes to claim from, the first to be asked first."""
        if len(self._waiting) > 1:
            urgent, turns = urgencies(self._waiting), self._turns

            def precedence(waiting: tuple[str, int]) -> tuple[int, float, int]:
                lane, rank = waiting
                return -urgent[lane], turns.get(lane.partition("/")[0], 0.0), rank

            best = sorted(self._waiting.items(), key=precedence)
            return [lane for lane, _ in best[:MOST_LANES_A_CLAIM]]
        return list(self._waiting)

    def learn(self, waiting: Mapping[str, int]) -> None:
        """After a look: what waits is what was seen."""
        self._waiting = dict(waiting)

    def emptied(self, lanes: Iterable[str]) -> None:
        """A claim from ``lanes`` found less than there was room for: nothing waits there any more."""
        for lane in lanes:
            self._waiting.pop(lane, None)

    def took(self, steps_by_lane: Mapping[str, int]) -> None:
        """So many steps of these lanes were claimed: their namespaces have had a turn."""
        floor = min(self._turns.values(), default=0.0)
        for lane, steps in steps_by_lane.items():
            namespace = lane.partition("/")[0]
            turn = max(self._turns.get(namespace, floor), floor)
            self._turns[namespace] = turn + steps / self._weights.get(namespace, 1.0)
            self._last_taken[namespace] = time.monotonic()
