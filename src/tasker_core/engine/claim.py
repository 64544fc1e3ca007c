"""Claim: hand ready steps to a worker, with everything their handlers read."""

from __future__ import annotations

import time
from collections.abc import Sequence

from tasker_core.clock import Clock, Ids
from tasker_core.engine.catalog import Catalog
from tasker_core.engine.gates import Gates
from tasker_core.engine.growing import is_instance
from tasker_core.engine.memory import Memory, TaskMemory
from tasker_core.engine.traces import hang_on_step
from tasker_core.rules.batches import worker_of
from tasker_core.store import Store
from tasker_core.store.rows import ClaimedRow
from tasker_core.telemetry import metrics, tracing
from tasker_core.words import ClaimRequest, Lease, LeaseKey, Micros


class Claimer:
    """The verb ``claim``."""

    def __init__(self, store: Store, catalog: Catalog, memory: Memory, gates: Gates, clock: Clock, ids: Ids) -> None:
        self._store, self._catalog, self._memory, self._clock, self._ids = store, catalog, memory, clock, ids
        self.as_claim = gates.as_claim

    def claim(self, request: ClaimRequest) -> list[Lease]:
        """Ready steps for the worker."""
        began, now = time.perf_counter(), self._clock.now()
        rows = self._store.steps.claim(self.as_claim(request), self._ids.stamp(), now)
        metrics.CLAIM_DURATION.of().note(time.perf_counter() - began)
        return self.leases(rows, request, now)

    def leases(self, rows: Sequence[ClaimedRow], request: ClaimRequest, now: Micros) -> list[Lease]:
        """The claimed rows as leases: what isn't remembered here is read from the store."""
        memories = self._memories(rows)
        known, wants = self._catalog.known, request.wants
        plans = [
            (row, memory, known(memory.template).inputs(row.no, wants.get(row.lane, ())))
            for row, memory in ((row, memories[row.task_id]) for row in rows)
        ]
        missing = {(row.task_id, no) for row, memory, inputs in plans for no in inputs if no not in memory.results}
        if missing:
            _, fetched = self._store.steps.inputs((), missing)
            for (task, no), result in fetched.items():
                self._memory.learn(task, no, result)
                memories[task].results.setdefault(no, result)
        leases = [
            Lease(
                key=LeaseKey(row.task_id, row.no, row.fence),
                task_uuid=memory.uuid,
                worker=request.worker,
                template=memory.template,
                step=row.name,
                lane=row.lane,
                rank=row.rank,
                attempt=row.attempt,
                crashes=row.crashes,
                claimed_at=now,
                context=memory.context,
                correlation_id=memory.correlation_id,
                dependency_results={name: memory.results[no] for no, name in inputs.items() if no in memory.results},
                traceparent=memory.traceparent,
            )
            for row, memory, inputs in plans
        ]
        if tellers := [row for row in rows if row.fence > 1 or is_instance(row.no)]:
            self._add_payloads(leases, tellers)
        self._add_batch_results(leases)
        if tracing.step_tracer() is not None:
            for lease, row in zip(leases, rows, strict=True):
                hang_on_step(lease, row.epoch)
        return leases

    def _add_payloads(self, leases: Sequence[Lease], rows: Sequence[ClaimedRow]) -> None:
        """What instances are to work on, and how far steps are that were claimed before."""
        found = self._store.steps.payloads([(row.task_id, row.no) for row in rows])
        for lease in leases:
            lease.inputs, lease.checkpoint = found.get((lease.key.task, lease.key.no), (None, None))

    def _add_batch_results(self, leases: Sequence[Lease]) -> None:
        """The results of a batch for the step behind it, read at once: they aren't kept in memory."""
        known = self._catalog.known
        behind = [
            (lease, {(lease.key.task, worker) for worker in workers})
            for lease in leases
            if (workers := known(lease.template).converges_on(lease.key.no))
        ]
        if behind:
            found = self._store.steps.results_of_instances(set().union(*(batches for _, batches in behind)))
            for lease, batches in behind:
                done = found.get(lease.key.task, [])
                own = {name: result for no, name, result in done if (lease.key.task, worker_of(no)) in batches}
                lease.dependency_results = {**lease.dependency_results, **own}

    def _memories(self, rows: Sequence[ClaimedRow]) -> dict[int, TaskMemory]:
        epochs = {row.task_id: row.epoch for row in rows}
        found = {task: self._memory.recall(task, epoch) for task, epoch in epochs.items()}
        memories = {task: memory for task, memory in found.items() if memory is not None}
        if len(memories) < len(epochs):
            inputs, _ = self._store.steps.inputs(epochs.keys() - memories.keys(), ())
            for task, row in inputs.items():
                memory = TaskMemory(
                    row.uuid, row.template_id, row.context, row.correlation_id, epochs[task], row.traceparent
                )
                memories[task] = self._memory.remember(task, memory)
        return memories
