"""The collector: everything that ``telemetry.metrics`` names, in Prometheus's form, worked out when it is scraped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector as PrometheusCollector
from prometheus_client.utils import floatToGoString

from tasker_core.engine import Engine
from tasker_core.engine.open import close_engine, database_url, open_engine
from tasker_core.metrics.lookup import Lookup
from tasker_core.telemetry import metrics
from tasker_core.telemetry.measures import Count, Durations, Figure, Labels, Spread
from tasker_core.version import VERSION
from tasker_core.words import Ending, split_lane
from tasker_core.worker import Worker

Family: TypeAlias = CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily


class Collector(PrometheusCollector):
    """This process's counts and durations, its worker's figures, and what waits in the store.

    Args:
        store_url: the store; without it TASKER_DATABASE_URL, DATABASE_URL, else ``sqlite:///tasker.db``.
        engine: a running engine instead, which stays its owner's.

    Raises StoreError when the store can't be opened.

    >>> import tempfile
    >>> from prometheus_client import CollectorRegistry, generate_latest
    >>> registry = CollectorRegistry()
    >>> registry.register(Collector(f"sqlite:///{tempfile.mkdtemp()}/tasker.db"))
    >>> "tasker_database_up 1.0" in generate_latest(registry).decode().splitlines()
    True
    """

    def __init__(self, store_url: str | None = None, *, engine: Engine | None = None) -> None:
        self._own = engine is None
        self._engine = engine or open_engine(database_url(store_url))
        self._lookup = Lookup(self._engine.store, self._engine.clock)

    def close(self) -> None:
        """Let go of the store, if this collector opened it."""
        if self._own:
            close_engine(self._engine)

    def describe(self) -> Iterator[Family]:
        """Every metric, without its figures."""
        for measure in metrics.COUNTED:
            yield _family(measure)
        for figure in (*metrics.DERIVED, *metrics.LOOKED_UP, *metrics.OF_THE_WORKER):
            yield _family(figure)

    def collect(self) -> Iterator[Family]:
        yield from self._counted()
        yield from self._looked_up()
        yield from _of_the_worker()

    def _counted(self) -> Iterator[Family]:
        for measure in metrics.COUNTED:
            if isinstance(measure, Durations):
                yield _histogram(measure, measure.read())
            else:
                nothing: dict[Labels, int] = {} if measure.labels else {(): 0}
                yield _filled(measure, measure.read() or nothing)
        executions: dict[Labels, int] = {}
        successes: dict[Labels, int] = {}
        for (namespace, handler, ending), spread in metrics.STEP_DURATION.read().items():
            of = namespace, handler
            executions[of] = executions.get(of, 0) + spread.total
            successes[of] = successes.get(of, 0) + (spread.total if ending == Ending.OK else 0)
        yield _filled(metrics.STEP_EXECUTIONS, executions)
        yield _filled(metrics.STEP_SUCCESSES, successes)

    def _looked_up(self) -> Iterator[Family]:
        found = self._lookup.found()
        yield _filled(metrics.DATABASE_UP, {(): 0 if found is None else 1})
        if found is None:
            return
        standing = found.standing
        now = self._engine.clock.now()
        queues = {split_lane(lane): queue for lane, queue in standing.queues.items()}
        ages: dict[Labels, float] = {of: max(now - queue.since, 0) / 1e6 for of, queue in queues.items()}
        yield _filled(metrics.QUEUE_DEPTH, {of: queue.depth for of, queue in queues.items()})
        yield _filled(metrics.QUEUE_AGE, ages)
        yield _filled(metrics.STEPS_ACTIVE, {(): standing.in_progress})
        yield _filled(metrics.STEPS_WAITING, {(): standing.waiting_for_retry})
        yield _filled(metrics.TASKS_ACTIVE, _by_one(standing.tasks))
        yield _filled(metrics.WORKERS_ALIVE, _by_one(standing.workers))
        yield _filled(metrics.DLQ_PENDING, {(): standing.dead_letters})
        yield _filled(metrics.STEPS_HELD, {(*split_lane(lane), kind): n for (lane, kind), n in found.held.items()})
        yield _filled(metrics.BREAKER, {(*split_lane(lane), state): 1 for lane, state in found.breakers.items()})


def _of_the_worker() -> Iterator[Family]:
    worker = Worker.instance()
    if worker is None:
        return
    try:
        vitals = worker.service.vitals
    except RuntimeError:  # It stopped this very moment.
        return
    told = vitals.metrics()
    yield _filled(metrics.WORKER_INFO, {(worker.worker_id, VERSION): 1})
    yield _filled(metrics.WORKER_UPTIME, {(): told.uptime_seconds})
    yield _filled(metrics.WORKER_SLOTS, {(): told.slots})
    yield _filled(metrics.WORKER_HELD, {(): told.in_progress})
    yield _filled(metrics.WORKER_STUCK, {(): vitals.stuck_handlers})


def _family(measure: Count | Durations | Figure) -> Family:
    kinds = {"counter": CounterMetricFamily, "gauge": GaugeMetricFamily, "histogram": HistogramMetricFamily}
    family: Family = kinds[measure.kind](measure.published, measure.description, labels=measure.labels)
    return family


def _filled(measure: Count | Figure, values: Mapping[Labels, float]) -> Family:
    family = _family(measure)
    assert not isinstance(family, HistogramMetricFamily)
    for labels, value in values.items():
        family.add_metric(labels, value)
    return family


def _histogram(measure: Durations, series: Mapping[Labels, Spread]) -> HistogramMetricFamily:
    family = HistogramMetricFamily(measure.published, measure.description, labels=measure.labels)
    bounds = [*map(floatToGoString, measure.bounds), "+Inf"]
    for labels, spread in series.items():
        buckets = list(zip(bounds, (*spread.within, spread.total), strict=True))
        family.add_metric(labels, buckets, sum_value=spread.seconds)
    return family


def _by_one(numbers: Mapping[str, int]) -> dict[Labels, int]:
    return {(name,): number for name, number in numbers.items()}
