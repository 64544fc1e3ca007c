"""Beat: a worker says that it lives and what it believes it holds, and hears what it really holds."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from tasker_core.clock import Clock
from tasker_core.store import Store
from tasker_core.words import LeaseKey, Micros, TaskState


@dataclass(frozen=True, slots=True)
class Heard:
    """The answer to a beat. ``unknown`` are leases recorded to the worker that it doesn't know of, with the time of
    their claim: an answer that was lost. ``known`` False: the worker was given up and must register again. ``drains``:
    it is to take nothing more. ``ends``: and to end."""

    known: bool
    lost: frozenset[LeaseKey] = frozenset()
    cancelled: frozenset[LeaseKey] = frozenset()
    unknown: Mapping[LeaseKey, Micros] = field(default_factory=dict)
    drains: bool = False
    ends: bool = False


def beat(store: Store, clock: Clock, worker: int, believed: Collection[LeaseKey]) -> Heard:
    """Renew ``worker``'s heartbeat and compare what it believes it holds with what is recorded."""
    state = store.workers.beat(worker, clock.now())
    if state is None:
        return Heard(known=False, lost=frozenset(believed))
    recorded = store.steps.held_by(worker)
    drains = state == "draining"
    missing = [key for key in believed if key not in recorded]
    believed = set(believed)
    unknown = {key: row.claimed_at for key, row in recorded.items() if key not in believed}
    if not missing:
        return Heard(True, unknown=unknown, drains=drains)
    states = store.tasks.states({key.task for key in missing})
    cancelled = frozenset(key for key in missing if states.get(key.task) == TaskState.CANCELLED)
    return Heard(True, frozenset(missing) - cancelled, cancelled, unknown, drains)
