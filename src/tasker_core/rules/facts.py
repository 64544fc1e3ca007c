"""What is known of a task and its surroundings at one instant, for whoever explains it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from tasker_core.rules.gates import Standing
from tasker_core.rules.payload import decode
from tasker_core.words import JsonText, Micros, Pause

MOST_AHEAD = 1_000
"""Up to where the steps that wait before one in its queue are counted."""


class StepFact(NamedTuple):
    """A step's row, with the error of its last attempt that went wrong and what was decided then."""

    no: int
    name: str
    state: str
    lane: str
    run_at: Micros
    attempt: int
    worker: int
    enqueued_at: Micros
    claimed_at: Micros
    ended_at: Micros
    error: JsonText | None
    verdict: str


class WorkerFact(NamedTuple):
    """A worker: what it serves, how many handlers it runs at once, how many steps it holds."""

    id: int
    name: str
    host: str
    pid: int
    state: str
    beat_at: Micros
    slots: int
    held: int
    lanes: frozenset[str]


class BatchFact(NamedTuple):
    """A batch, by the number of its worker step: instances from the index ``next`` on wait for a place."""

    no: int
    strategy: str
    parallelism: int
    next: int
    halted: int


@dataclass(frozen=True, slots=True)
class Facts:
    """A task at one instant. ``last_word`` is (actor, reason) of its last transition; ``ahead`` tells, for each lane in
    which steps of this task wait, how many steps of older or more urgent tasks wait before them. A pause is that of the
    task, or of its namespace. ``gates`` are the limits and breakers that there are, by the name of the handler or
    namespace."""

    task_uuid: str
    template_id: str
    namespace: str
    state: str
    created_at: Micros
    updated_at: Micros
    last_word: tuple[str, str]
    steps: Sequence[StepFact]
    edges: Sequence[tuple[int, int]]
    workers: Sequence[WorkerFact]
    ahead: Mapping[str, int]
    batches: Sequence[BatchFact] = ()
    pause: Pause | None = None
    namespace_pause: Pause | None = None
    gates: Mapping[str, Standing] = field(default_factory=dict)


class StoredError(NamedTuple):
    """What is told of a stored error; empty where there is none."""

    type: str
    message: str

    def __bool__(self) -> bool:
        return bool(self.type or self.message)

    def __str__(self) -> str:
        return f"{self.type}: {self.message}"


def error_of(step: StepFact) -> StoredError:
    """The step's last error."""
    error = decode(step.error) if step.error is not None else {}
    return StoredError(error.get("error_type") or "", error.get("message") or "")
