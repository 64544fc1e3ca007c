"""Looking for tasks that match among very many: back from the newest, for only so long."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from tasker_core.clock import Clock
from tasker_core.store import Store
from tasker_core.store.filters import UNFINISHED
from tasker_core.store.rows import TaskRow
from tasker_core.words import Micros

FIRST_STRETCH, WIDER = 2_000, 8
"""Numbers of tasks that are looked at first, and how many times more at most each time after that."""


class Found(NamedTuple):
    """The newest that match; ``newer_than`` is the number down to which was looked, 0 when that was all."""

    rows: list[TaskRow]
    newer_than: int


def look_back(
    store: Store, clock: Clock, filters: Mapping[str, Any], limit: int, than: int | None, patience: Micros
) -> Found:
    """The newest ``limit`` tasks that match ``filters`` and are older than the one of the number ``than``.

    No index knows of most of what can be asked for, so what is rare would be looked for through the whole history:
    that ends after about ``patience``. Tasks of an unfinished state are found by their steps, however old they are.
    """
    top = first = store.analytics.newest() + 1 if than is None else than
    rows: list[TaskRow] = []
    width, began = FIRST_STRETCH, clock.now()
    while True:
        newer_than = max(0, top - 1 - width)
        rows += store.tasks.older(filters, limit - len(rows), top, newer_than)
        if len(rows) >= limit or newer_than == 0:
            return Found(rows, 0)
        if filters.get("state") in UNFINISHED:
            return Found(rows + store.tasks.older(filters, limit - len(rows), newer_than + 1, unfinished=True), 0)
        took = clock.now() - began
        if took >= patience:
            return Found(rows, newer_than)
        rate = (first - newer_than) / max(took, 1)
        width = max(FIRST_STRETCH, min(width * WIDER, int(rate * (patience - took))))
        top = newer_than + 1
