"""Sweep: which step in progress has no live worker? Asked afresh each time; one process at a time asks."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tasker_core.clock import SECOND, Clock, Ids
from tasker_core.engine.processes import ProcessId, is_alive, is_here, this_process
from tasker_core.engine.settle import Settler
from tasker_core.store import Store
from tasker_core.store.rows import HeldRow, WorkerRow
from tasker_core.words import Ending, LeaseKey, Micros, Outcome, Report, Settled, StepError

SWEEP_EVERY: Micros = SECOND
DUTY = "sweep"
SWEEPER = "sweeper "


class Sweeper:
    """The verb ``sweep``. ``lease_time`` (microseconds) is how long a silent worker is believed to live.

    A silent worker is only given up by a sweeper that has itself seen the database without a gap for one lease time,
    so that an outage or a suspended machine doesn't look like everybody's death. A dead process of its own machine is
    known at once. ``chore`` is done after each sweep, by the process that has the duty.
    """

    def __init__(
        self,
        store: Store,
        settler: Settler,
        clock: Clock,
        ids: Ids,
        lease_time: Micros,
        chore: Callable[[], object] = lambda: None,
    ) -> None:
        self._store, self._settler, self._clock, self._chore = store, settler, clock, chore
        self._name = f"{SWEEPER}{ids.new()}"
        self._lease_time = lease_time
        self._seen_since: Micros | None = None
        self._seen_last: Micros = 0
        self._ahead: Micros = 0

    def sweep(self) -> int:
        """Give up dead workers and put their steps back into the queue; how many steps. 0 when another sweeps."""
        now = self._clock.now()
        watched = self._watch(now)
        until = now + max(3 * SWEEP_EVERY, self._lease_time // 2)
        if not self._take_duty(now, until):
            return 0
        workers = {worker.id: worker for worker in self._store.workers.live()}
        dead = dead_here(workers.values())
        silent = now - self._lease_time if watched >= self._lease_time else 0
        if dead or any(worker.beat_at < silent for worker in workers.values()):
            self._store.workers.expire(silent, dead)
        freed = 0
        while rows := self._store.steps.abandoned():
            reports = [_lost(row, workers.get(row.worker)) for row in rows]
            answers, _ = self._settler.settle(reports, self._name)
            settled = list(answers.values()).count(Settled.APPLIED)
            if not settled:  # what can't be settled would be found again and again
                break
            freed += settled
        self._chore()
        return freed

    def _take_duty(self, now: Micros, until: Micros) -> bool:
        workers = self._store.workers
        if workers.take_duty(DUTY, self._me, now, until):
            return True
        holder = workers.duty_holder(DUTY)
        process = ProcessId.parse(holder.partition(f"/{SWEEPER}")[0])
        if process is None or not is_here(process) or is_alive(process):
            return False
        return workers.take_duty(DUTY, self._me, now, until, dead=holder)

    def stop(self) -> None:
        """Leave the duty to whoever comes next."""
        self._store.workers.drop_duty(DUTY, self._me)

    @property
    def _me(self) -> str:
        return f"{this_process()}/{self._name}"

    def _watch(self, now: Micros) -> Micros:
        """For how long this process has seen the database without a gap, by the monotonic clock.

        A wall clock that went another way than the monotonic one is a gap as well: it was set, or the machine was
        suspended, and nobody could have beaten since.
        """
        steady = self._clock.monotonic()
        gap = steady - self._seen_last > max(3 * SWEEP_EVERY, self._lease_time // 2)
        jump = abs(now - steady - self._ahead) > SWEEP_EVERY
        if self._seen_since is None or gap or jump:
            self._seen_since = steady
        self._seen_last, self._ahead = steady, now - steady
        return steady - self._seen_since


def dead_here(workers: Iterable[WorkerRow]) -> list[int]:
    """The numbers of those whose processes, on this machine, have ended."""
    processes = {worker.id: _process(worker) for worker in workers}
    return [no for no, process in processes.items() if is_here(process) and not is_alive(process)]


def _process(worker: WorkerRow) -> ProcessId:
    return ProcessId(worker.host, worker.boot, worker.pid, worker.process_started)


def _lost(row: HeldRow, worker: WorkerRow | None) -> Report:
    who = f"worker {worker.name} ({worker.host}, process {worker.pid})" if worker else f"worker number {row.worker}"
    error = StepError(
        f"{who} was lost during attempt {row.attempt}",
        "worker_lost",
        context={"worker": worker.uuid if worker else str(row.worker)},
    )
    outcome = Outcome(LeaseKey(row.task_id, row.no, row.fence), Ending.LOST, error=error, reason=f"{who} was lost")
    return Report(outcome, row.template_id, row.name, row.attempt, row.crashes)
