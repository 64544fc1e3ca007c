"""A running worker: handlers and templates found, registered with the store, its loop and pulse started."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tasker_core.engine import Engine
from tasker_core.engine.open import open_engine
from tasker_core.engine.processes import this_process
from tasker_core.errors import StoreError
from tasker_core.registry import HandlerRegistry
from tasker_core.store.rows import WorkerRow
from tasker_core.template_files import read_templates
from tasker_core.version import VERSION
from tasker_core.worker.hearing import Hearing
from tasker_core.worker.loop import Loop
from tasker_core.worker.pulse import Pulse
from tasker_core.worker.serving import Serving
from tasker_core.worker.transport import InProcess, Transport
from tasker_core.worker.vitals import Vitals

if TYPE_CHECKING:
    from tasker_core.settings.values import Settings

log = logging.getLogger("tasker.worker")


@contextmanager
def _whatever_the_store_says(otherwise: str) -> Iterator[None]:
    """A worker stops also while the store is locked or gone."""
    try:
        yield
    except StoreError as error:
        log.warning("the worker stops without the store's knowledge; %s: %s", otherwise, error)


def _over_http(settings: Settings) -> Transport:
    # Not at the top: few workers need an HTTP client, and loading one takes longer than the rest.
    from tasker_core.worker.over_http import OverHttp

    return OverHttp(settings)


class Service:
    """A worker from its start to its stop. Use :class:`tasker_core.Worker` to have one per process."""

    def __init__(self, settings: Settings, registry: HandlerRegistry) -> None:
        self.settings = settings
        worker = settings.worker
        self.worker_id = ""
        self.is_told_to_end = False
        self._stopping = threading.Lock()
        self._finished: bool | None = None
        self.registry = registry
        engine = self._engine = None if worker.url else open_engine(settings.database.store_url, settings)
        self.transport = _over_http(settings) if engine is None else InProcess(engine)
        try:
            own = self._register_templates()
            self.serving = Serving(registry, own, worker.namespaces, worker.handler_timeout)
            self.serving.refresh(self.transport.templates())
            self.hearing = Hearing(engine)
            self.loop = Loop(self.transport, self.serving, worker.concurrency, self._register(), worker.weights)
            self.pulse = Pulse(self.transport, self.loop, self._register, self._end)
            self.transport.tell_when_given_up(self.pulse.given_up)
            self.vitals = Vitals(self)
        except BaseException:
            self.transport.close()
            raise

    @property
    def engine(self) -> Engine:
        """The engine of this process. Raises LookupError for a worker over HTTP, which has none."""
        if self._engine is None:
            raise LookupError("a worker over HTTP has no engine")
        return self._engine

    def start(self) -> None:
        """Begin to claim; what dead workers of this machine left behind is taken up at once."""
        self.transport.sweep()
        self.hearing.start()
        self.loop.start()
        self.pulse.start()

    @property
    def is_running(self) -> bool:
        return self.loop.is_alive()

    def _end(self) -> None:
        """The server wants the worker to end."""
        if not self.is_told_to_end:
            self.is_told_to_end = True
            log.warning("worker %s is told to end", self.worker_id)
            threading.Thread(target=self.stop, name="tasker-ending").start()

    def drain(self) -> None:
        """Take nothing more, and give back what hasn't begun."""
        self.transport.drain(self.loop.worker)
        self.loop.drain()

    def stop(self) -> bool:
        """Take nothing more, let what runs finish within ``shutdown_timeout``, settle it, end.

        True when everything ended in time; else what still runs is left to be found as lost. A second call waits for
        the first.
        """
        with self._stopping:
            if self._finished is None:
                self._finished = self._stop()
            return self._finished

    def _stop(self) -> bool:
        deadline = time.monotonic() + self.settings.worker.shutdown_timeout
        self.loop.drain()
        with _whatever_the_store_says("what it holds is found as lost"):
            self.transport.drain(self.loop.worker)
        while not self.loop.is_idle and time.monotonic() < deadline and self.loop.is_alive():
            time.sleep(0.005)
        finished = self.loop.is_idle
        if not finished:
            self._hand_back_async()
        self.loop.stop()
        self.loop.join(timeout=5.0)
        self.pulse.stop()
        self.pulse.join(timeout=5.0)
        self.loop.publishing.stop(5.0)
        with _whatever_the_store_says("events are delivered again"):
            self.hearing.stop()
        self.loop.executor.stop()
        with _whatever_the_store_says("others see its process end"):
            self._give_back_strays()
            self.transport.end(self.loop.worker)
        self.transport.close()
        return finished

    def _give_back_strays(self) -> None:
        """Leases that were on their way here while the loop ended."""
        heard = self.transport.beat(self.loop.worker, self.loop.believed())
        if heard.unknown:
            self.transport.give_back(self.loop.worker, heard.unknown.keys())

    def _hand_back_async(self) -> None:
        for attempt in self.loop.executor.held():
            # A handler that is interrupted may have acted: one that must not act twice is left to be found as lost.
            if attempt.plan.is_async and attempt.plan.may_repeat:
                self.loop.hand_back(attempt, "the worker stops")
            elif not attempt.is_over:
                log.warning(
                    "step %s of task %s still runs after %g s; it is left behind and will run again elsewhere",
                    attempt.lease.step,
                    attempt.lease.task_uuid,
                    self.settings.worker.shutdown_timeout,
                )

    def _register(self) -> int:
        process, now = this_process(), self.transport.now()
        name = self.settings.worker.name or f"{process.host}-{process.pid}"
        row = WorkerRow(
            0, self.transport.new_id(), name, process.host, process.boot, process.pid, process.started, VERSION,
            self.settings.worker.concurrency, json.dumps(self.serving.lanes_in_order), "live", now, now,
        )  # fmt: skip
        number, self.worker_id = self.transport.register(row, self.serving.wants)
        return number

    def _register_templates(self) -> set[str]:
        """Register the templates of this worker's disk; the callables that they name."""
        env = self.settings.env
        callables: set[str] = set()
        for read in read_templates(self.settings.worker.template_path):
            for finding in read.findings:
                if finding.level == "warning":
                    log.warning("%s", finding)
            refused = self.transport.register_template(read.template, replace=env == "development")
            if refused:
                log.error(
                    "%s differs from what is registered as %s, and TASKER_ENV=%s doesn't replace it: raise its "
                    "version. This worker runs what is registered. Differences:\n  %s",
                    read.source,
                    read.template.identity,
                    env,
                    "\n  ".join(refused),
                )
            callables |= {step.handler.callable for step in read.template.every_step}
        return callables
