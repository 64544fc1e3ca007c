"""Rank: where a task's steps stand in line. The lower, the sooner."""

from __future__ import annotations

from collections.abc import Mapping

from tasker_core.words import Micros

POINT: Micros = 600_000_000
"""How much age a point of priority is worth: so no stream of urgent tasks has another wait for ever."""
HIGHEST = 100
_BITS = 8


def rank(priority: int, created_at: Micros) -> int:
    """The rank of a task's steps: its time of creation in milliseconds, earlier by what its priority is worth.

    Whatever is created later by more than that comes later, whatever its priority. The last bits keep the priority.

    >>> day = 86_400_000_000
    >>> rank(9, day) < rank(0, day) < rank(5, 2 * day), rank(5, day + 49 * 60_000_000) < rank(0, day)
    (True, True)
    """
    return ((created_at - priority * POINT) // 1_000 << _BITS) + HIGHEST - priority


def priority_of(rank: int) -> int:
    """The priority that a rank was made of.

    >>> [priority_of(rank(priority, 1_800_000_000_000_000)) for priority in (-100, 0, 7, 100)]
    [-100, 0, 7, 100]
    """
    return HIGHEST - (rank & ((1 << _BITS) - 1))


def created_at(rank: int) -> Micros:
    """When the task was created, to the millisecond."""
    return (rank >> _BITS) * 1_000 + priority_of(rank) * POINT


def urgencies(ranks: Mapping[str, int]) -> dict[str, int]:
    """How urgent what waits is, by the rank of the first of each line: its priority, or that of a more urgent line
    whose first it would come before if both stood in one.

    >>> now = 1_800_000_000_000_000
    >>> urgencies({"urgent": rank(9, now), "new": rank(0, now), "old": rank(0, now - 100 * POINT)})
    {'old': 9, 'urgent': 9, 'new': 0}
    """
    urgent: dict[str, int] = {}
    highest = -HIGHEST
    for line, first in sorted(ranks.items(), key=lambda each: each[1], reverse=True):
        highest = max(highest, priority_of(first))
        urgent[line] = highest
    return dict(reversed(urgent.items()))
