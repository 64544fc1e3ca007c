"""How a worker is and what it has done: for :mod:`tasker_core.observability`, for probes and for Prometheus."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from tasker_core.telemetry import metrics
from tasker_core.types import ComponentHealth, HealthCheck, WorkerConfig, WorkerMetrics
from tasker_core.version import VERSION
from tasker_core.words import Ending

if TYPE_CHECKING:
    from tasker_core.worker.service import Service

HEALTHY, DEGRADED, UNHEALTHY = "healthy", "degraded", "unhealthy"
WORST_FIRST = (UNHEALTHY, DEGRADED, HEALTHY)


class Tally(NamedTuple):
    """What the workers of this process have counted, over all handlers."""

    claimed: int
    retried: int
    succeeded: int
    failed: int
    timed_out: int
    lost: int

    @classmethod
    def now(cls) -> Tally:
        runs = metrics.STEP_DURATION.read().items()
        return cls(
            sum(metrics.STEPS_CLAIMED.read().values()),
            sum(metrics.STEPS_RETRIED.read().values()),
            sum(spread.total for (_, _, ending), spread in runs if ending == Ending.OK),
            sum(metrics.STEP_FAILURES.read().values()),
            sum(metrics.STEP_TIMEOUTS.read().values()),
            sum(metrics.LEASES_LOST.read().values()),
        )

    def since(self, earlier: Tally) -> Tally:
        return Tally._make(now - then for now, then in zip(self, earlier, strict=True))


class Vitals:
    """Of one running worker."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._started_at = time.monotonic()
        self._before = Tally.now()

    def metrics(self) -> WorkerMetrics:
        """What the worker has done since it started, and what it is doing."""
        done, executor = Tally.now().since(self._before), self._service.loop.executor
        held = len(executor.held())
        return WorkerMetrics(
            steps_claimed=done.claimed,
            steps_succeeded=done.succeeded,
            steps_failed=done.failed,
            steps_retried=done.retried,
            steps_timed_out=done.timed_out,
            leases_lost=done.lost,
            in_progress=held,
            slots=executor.slots,
            slots_free=max(executor.slots - held, 0),
            uptime_seconds=time.monotonic() - self._started_at,
        )

    def health(self) -> HealthCheck:
        """The worker's parts, and the worst of them as the whole. Asks nobody: it tells what the worker knows.

        A degraded part is odd and works: a worker that leaves some steps to others is no reason to restart it.
        """
        parts = (self._database(), self._loop(), self._slots(), self._handlers())
        status = next(word for word in WORST_FIRST if any(part.status == word for part in parts))
        return HealthCheck(
            status=status,
            is_healthy=status != UNHEALTHY,
            worker_id=self._service.worker_id,
            version=VERSION,
            components={part.name: part for part in parts},
        )

    def config(self) -> WorkerConfig:
        """The settings that the worker runs with; of the database its name alone: an address may hold a password."""
        from tasker_core.settings.fields import all_settings
        from tasker_core.settings.telling import shown

        settings, lanes = self._service.settings, self._service.serving.lanes
        own = [setting for setting in all_settings() if setting.path[0] not in ("client", "server")]
        return WorkerConfig(
            environment=settings.env,
            worker_id=self._service.worker_id,
            namespaces=sorted({lane.partition("/")[0] for lane in lanes}),
            handlers=sorted({lane.partition("/")[2] for lane in lanes}),
            concurrency=settings.worker.concurrency,
            database=self._service.transport.name,
            settings={setting.name: shown(setting, setting.value(settings)) for setting in own},
        )

    @property
    def stuck_handlers(self) -> int:
        """Handlers that still run though their attempt is over."""
        return len(self._service.loop.executor.stuck())

    def _database(self) -> ComponentHealth:
        silent, lease = self._service.pulse.silent_for, self._service.transport.lease_time / 1e6
        if silent >= lease:
            told = f"no heartbeat got through for {silent:.1f} s; others take this worker for dead after {lease:g} s"
            return ComponentHealth(name="database", status=UNHEALTHY, message=told)
        if self._service.loop.is_waiting_for_the_store:
            told = "the store doesn't answer; what was finished is kept and reported later"
            return ComponentHealth(name="database", status=DEGRADED, message=told)
        return ComponentHealth(name="database", status=HEALTHY)

    def _loop(self) -> ComponentHealth:
        if not self._service.is_running:
            return ComponentHealth(name="queue_processing", status=UNHEALTHY, message="the worker's loop has ended")
        if self._service.loop.is_draining:
            return ComponentHealth(name="queue_processing", status=DEGRADED, message="the worker takes nothing more")
        return ComponentHealth(name="queue_processing", status=HEALTHY)

    def _slots(self) -> ComponentHealth:
        stuck, slots = self._service.loop.executor.stuck(), self._service.loop.executor.slots
        if not stuck:
            return ComponentHealth(name="step_processing", status=HEALTHY)
        names = _some(sorted({f"{attempt.lease.step} of task {attempt.lease.task_uuid}" for attempt in stuck}))
        told = f"handlers that outlive their attempts hold {len(stuck)} of {slots} slots: {names}"
        status = UNHEALTHY if len(stuck) >= slots else DEGRADED
        return ComponentHealth(name="step_processing", status=status, message=told)

    def _handlers(self) -> ComponentHealth:
        missing = sorted(self._service.serving.missing)
        if not missing:
            return ComponentHealth(name="handlers", status=HEALTHY)
        told = f"not served by this worker: {_some(missing)}"
        return ComponentHealth(name="handlers", status=DEGRADED, message=told)


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
