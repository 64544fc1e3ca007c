"""How much waits in the store, at this moment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from tasker_core.store.database import Access, Call
from tasker_core.words import KEY_MARK, Micros

MOST = 10_000
"""Nothing is counted any further."""


class Queue(NamedTuple):
    """A lane in which steps are ready. ``since`` is when the one that has waited longest became ready; ``aside`` are
    those of them whose keys have no places."""

    depth: int
    since: Micros
    aside: int = 0


class Standing(NamedTuple):
    """What is unfinished, each number counted up to MOST."""

    queues: Mapping[str, Queue]
    in_progress: int
    waiting_for_retry: int
    tasks: Mapping[str, int]
    workers: Mapping[str, int]
    dead_letters: int


class Gauges:
    """What can be said about what waits."""

    def __init__(self, database: Access) -> None:
        self._database = database

    def deepest(self, most: int) -> tuple[str, int] | None:
        """The lane in which most steps wait, and how many, counted up to ``most``; None where nothing waits."""
        (rows,) = self._database.read(Call("gauge_deepest", {"most": most}))
        found: dict[str, int] = {}
        for lane, depth in rows:
            home = lane.partition(KEY_MARK)[0]
            found[home] = found.get(home, 0) + depth
        return max(found.items(), key=lambda each: each[1], default=None)

    def read(self) -> Standing:
        """All of it, in one round trip."""
        most = {"most": MOST}
        queues, ((running, waiting),), tasks, workers, ((letters,),) = self._database.read(
            Call("gauge_queues", most),
            Call("gauge_steps", most),
            Call("gauge_tasks", most),
            Call("gauge_workers", {}),
            Call("gauge_dead_letters", most),
        )
        lanes: dict[str, Queue] = {}
        for lane, depth, since in queues:
            # What stands aside for a limit waits for the same handler.
            home, aside, _ = lane.partition(KEY_MARK)
            before = lanes.get(home, Queue(0, since))
            lanes[home] = Queue(
                min(before.depth + depth, MOST),
                min(before.since, since),
                min(before.aside + (depth if aside else 0), MOST),
            )
        return Standing(lanes, running, waiting, dict(tasks), dict(workers), letters)
