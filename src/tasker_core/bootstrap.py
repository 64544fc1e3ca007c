"""The worker of this process as functions, for applications that start and stop it by themselves."""

from __future__ import annotations

from tasker_core.errors import TaskerError
from tasker_core.types import BootstrapConfig, BootstrapResult, WorkerState, WorkerStatus
from tasker_core.worker import Worker


def bootstrap_worker(config: BootstrapConfig | None = None) -> BootstrapResult:
    """Start this process's worker; ``success`` False and ``error_message`` tell why it couldn't be."""
    try:
        return Worker.start(config=config).bootstrap_result
    except (TaskerError, OSError, ImportError) as error:
        return BootstrapResult(
            success=False, handle_id="", worker_id="", status="error", message=str(error), error_message=str(error)
        )


def stop_worker() -> str:
    """Stop this process's worker; what became of it, in a word."""
    worker = Worker.instance()
    if worker is None:
        return "not_running"
    worker.stop()
    return "stopped"


def transition_to_graceful_shutdown() -> str:
    """Let this process's worker take nothing more; what runs goes on until :func:`stop_worker`."""
    worker = Worker.instance()
    if worker is None:
        return "not_running"
    worker.service.drain()
    return "draining"


def is_worker_running() -> bool:
    """Whether this process has a running worker."""
    return Worker.instance() is not None


def get_worker_status() -> WorkerStatus:
    """The state of this process's worker."""
    worker = Worker.instance()
    if worker is None:
        return WorkerStatus(running=False)
    service = worker.service
    return WorkerStatus(
        running=True,
        state=WorkerState.SHUTTING_DOWN if service.loop.is_draining else WorkerState.RUNNING,
        worker_id=worker.worker_id,
        environment=service.settings.env,
        namespaces=sorted({lane.partition("/")[0] for lane in service.serving.lanes}),
        handlers=sorted({lane.partition("/")[2] for lane in service.serving.lanes}),
        in_progress=len(service.loop.executor.held()),
    )
