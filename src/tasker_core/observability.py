"""How this process's worker is, what it has done, and with which settings it runs; and which version this is.

>>> import tempfile
>>> from tasker_core import Worker
>>> with Worker.start(database_url=f"sqlite:///{tempfile.mkdtemp()}/tasker.db", concurrency=4):
...     get_health_check().status, get_metrics().slots, get_worker_config().concurrency
('healthy', 4, 4)
>>> get_metrics()
Traceback (most recent call last):
...
tasker_core.errors.worker.WorkerNotInitializedError: no worker runs in this process: start one with Worker.start() ...
"""

from __future__ import annotations

from tasker_core.errors import WorkerNotInitializedError
from tasker_core.types import HealthCheck, WorkerConfig, WorkerMetrics
from tasker_core.version import VERSION
from tasker_core.worker import Worker
from tasker_core.worker.vitals import Vitals

__all__ = ["get_health_check", "get_metrics", "get_version", "get_worker_config", "health_check", "version"]


def get_health_check() -> HealthCheck:
    """How the worker is, part by part. It tells what the worker knows and asks nobody, so it may be asked often.

    ``is_healthy`` is False when the worker can't do its work: its loop has ended, no heartbeat got through for a lease
    time, or handlers that outlive their attempts hold every slot. ``degraded`` is odd and works.

    Raises:
        WorkerNotInitializedError: no worker runs in this process.
    """
    return _vitals().health()


def get_metrics() -> WorkerMetrics:
    """What the worker has done since it started, and what it is doing.

    Raises:
        WorkerNotInitializedError: no worker runs in this process.
    """
    return _vitals().metrics()


def get_worker_config() -> WorkerConfig:
    """The settings with which the worker runs, secrets hidden, and what it serves.

    Raises:
        WorkerNotInitializedError: no worker runs in this process.
    """
    return _vitals().config()


def health_check() -> bool:
    """Whether Tasker can be used here: True, unless the worker of this process, if there is one, isn't healthy."""
    worker = Worker.instance()
    return worker is None or worker.service.vitals.health().is_healthy


def version() -> str:
    """The version of Tasker, as in ``tasker_core.__version__``."""
    return VERSION


def get_version() -> str:
    """The same as :func:`version`."""
    return VERSION


def _vitals() -> Vitals:
    worker = Worker.instance()
    if worker is None:
        raise WorkerNotInitializedError(
            "no worker runs in this process: start one with Worker.start() or bootstrap_worker()"
        )
    return worker.service.vitals
