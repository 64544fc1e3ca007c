"""Claim: hand ready steps to a worker, with everything their handlers read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tasker_core.clock import Clock, Ids
from tasker_core.engine.catalog import Catalog
from tasker_core.engine.memory import Memory, TaskMemory
from tasker_core.store import Store
from tasker_core.store.rows import ClaimedRow
from tasker_core.store.steps import Claim
from tasker_core.words import ClaimRequest, Lease, LeaseKey, Micros


class Claimer:
    """The verb ``claim``."""

    def __init__(self, store: Store, catalog: Catalog, memory: Memory, clock: Clock, ids: Ids) -> None:
        self._store, self._catalog, self._memory, self._clock, self._ids = store, catalog, memory, clock, ids

    def claim(self, request: ClaimRequest) -> tuple[list[Lease], Mapping[str, int]]:
        """Ready steps for the worker, and what waits in the lanes that it asked about."""
        lease, now = self._ids.new(), self._clock.now()
        rows, waiting = self._store.steps.claim(as_claim(request), lease, now)
        return self.leases(rows, request, lease, now), waiting

    def leases(self, rows: Sequence[ClaimedRow], request: ClaimRequest, lease: str, now: Micros) -> list[Lease]:
        """The claimed rows as leases: what isn't remembered here is read from the store."""
        memories = self._memories(rows)
        plans = [(row, memories[row.task_id], self._inputs_of(row, memories[row.task_id], request)) for row in rows]
        missing = {(row.task_id, no) for row, memory, inputs in plans for no in inputs if no not in memory.results}
        if missing:
            _, fetched = self._store.steps.inputs((), missing)
            for (task, no), result in fetched.items():
                memories[task].results[no] = result
        return [
            Lease(
                LeaseKey(row.task_id, row.no, lease), request.worker, memory.template, row.name, row.lane, row.rank,
                row.attempt, row.fence, row.crashes, now, memory.context, memory.correlation_id,
                {name: memory.results[no] for no, name in inputs.items() if no in memory.results},
            )
            for row, memory, inputs in plans
        ]  # fmt: skip

    def _memories(self, rows: Sequence[ClaimedRow]) -> dict[str, TaskMemory]:
        epochs = {row.task_id: row.epoch for row in rows}
        found = {task: self._memory.recall(task, epoch) for task, epoch in epochs.items()}
        memories = {task: memory for task, memory in found.items() if memory is not None}
        if len(memories) < len(epochs):
            inputs, _ = self._store.steps.inputs(epochs.keys() - memories.keys(), ())
            for task, row in inputs.items():
                memory = TaskMemory(row.template_id, row.context, row.correlation_id, epochs[task])
                memories[task] = self._memory.remember(task, memory)
        return memories

    def _inputs_of(self, row: ClaimedRow, memory: TaskMemory, request: ClaimRequest) -> dict[int, str]:
        """The steps whose results go with the lease: its parents, and the ancestors that its handler declares."""
        known = self._catalog.known(memory.template)
        inputs = {no: known.step(no).name for no in known.parents[row.no - 1]}
        declared = request.wants.get(row.lane)
        if declared:
            ancestors = known.template.ancestors(row.name)
            inputs |= {known.numbers[name]: name for name in declared if name in ancestors}
        return inputs


def as_claim(request: ClaimRequest) -> Claim:
    return Claim(request.worker, request.lanes, request.room, request.peek)
