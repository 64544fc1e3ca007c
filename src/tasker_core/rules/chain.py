"""Transitions in the order in which they happened, also where two of them bear the same time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Protocol, TypeVar

from tasker_core.words import Micros, TaskState

MOST_TOGETHER = 8
"""Transitions of one step or task within a microsecond that are put in order; no clock brings about so many."""


class Transition(Protocol):
    """A change of a task (``no`` is 0) or of one of its steps."""

    @property
    def no(self) -> int: ...
    @property
    def from_state(self) -> str: ...
    @property
    def to_state(self) -> str: ...
    @property
    def at(self) -> Micros: ...


T = TypeVar("T", bound=Transition)


def in_order(transitions: Iterable[T]) -> list[T]:
    """``transitions``, which come in the order of their times: those that share one follow from state to state.

    What happens to the task within a microsecond comes before what happens to its steps.
    """
    ordered: list[T] = []
    states: dict[int, str] = {0: TaskState.STEPS_IN_PROCESS}  # as nearly every task is created
    for _, together in groupby(transitions, key=lambda change: change.at):
        for no, own in groupby(sorted(together, key=lambda change: change.no), key=lambda change: change.no):
            linked = _linked(list(own), states.get(no))
            ordered += linked
            states[no] = linked[-1].to_state
    return ordered


def _linked(changes: Sequence[T], state: str | None) -> Sequence[T]:
    """``changes`` so that each begins where the one before ended, the first at ``state``; as they are if none fits."""
    if 1 < len(changes) <= MOST_TOGETHER:
        return _path(changes, state) or (_path(changes, None) if state is not None else None) or changes
    return changes


def _path(changes: Sequence[T], state: str | None) -> list[T] | None:
    if not changes:
        return []
    for n, change in enumerate(changes):
        if state in (None, change.from_state):
            rest = _path([*changes[:n], *changes[n + 1 :]], change.to_state)
            if rest is not None:
                return [change, *rest]
    return None
