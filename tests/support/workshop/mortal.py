"""The flows whose every commit a process dies at, on each database; ``zygote`` plays them in children."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from tests.support.events import event
from tests.support.workshop.zygote import Zygote

Graph = Mapping[str, Sequence[str]]

CHAIN: Graph = {"a": [], "b": ["a"], "c": ["b"], "d": ["c"], "e": ["d"]}
FAN: Graph = {"a": [], "b1": ["a"], "b2": ["a"], "b3": ["a"], "b4": ["a"], "c": ["b1", "b2", "b3", "b4"]}
ROUTE: Graph = {"a": [], "b": ["a"], "c": ["b"]}
DECIDING = {"a": {"type": "decision", "handler": {"callable": "route"}}, "c": {"type": "deferred_convergence"}}
"""Of ``ROUTE`` only ``a`` exists at first."""
BATCH: Graph = {"a": [], "b": ["a"], "c": ["b"]}
CUTTING = {
    "a": {
        "type": "batchable",
        "handler": {"callable": "cut_in_two"},
        "batch_config": {"worker_template": "b", "parallelism": 1},
    },
    "b": {"type": "batch_worker", "handler": {"callable": "note_at_second"}},
}
"""Of ``BATCH`` only ``a`` exists at first; ``b`` runs twice, once at a time, and yields at a checkpoint each time."""
PIECES: Graph = {"a": [], "b_001": ["a"], "b_002": ["a"], "c": ["b_001", "b_002"]}
BOOK: Graph = {"a": [], "b": ["a"]}
ENTERING = {step: {"handler": {"callable": "enter"}} for step in BOOK}
"""The steps of ``BOOK`` write into the store's database, in the transactions that settle them."""
TELLING: Graph = {"a": [], "b": ["a"]}
EVENTS = [event("note.done"), event("note.failed", "failure")]
PUBLISHING = {step: {"publishes_events": EVENTS} for step in TELLING}
SPECIAL: Mapping[int, Mapping[str, Any]] = {
    id(ROUTE): DECIDING,
    id(BATCH): CUTTING,
    id(BOOK): ENTERING,
    id(TELLING): PUBLISHING,
}
MOST_COMMITS = 60


@pytest.fixture(scope="module")
def zygote(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zygote]:
    with Zygote(tmp_path_factory.mktemp("zygote") / "stderr.log") as zygote:
        yield zygote


def grown(graph: Graph) -> Graph:
    """The steps that a task of ``graph`` has in the end."""
    return PIECES if graph is BATCH else graph


def declared(graph: Graph) -> dict[str, Any]:
    """What the template says of each step of ``graph`` beside its parents."""
    retry = {"max_attempts": 5, "backoff": "none", "backoff_base_ms": 1}
    special = SPECIAL.get(id(graph), {})
    return {name: {"handler": {"callable": "note"}, "retry": retry, **special.get(name, {})} for name in graph}
