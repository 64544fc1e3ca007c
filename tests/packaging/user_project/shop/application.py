"""A worker, a client, and what is heard of them."""

from __future__ import annotations

from typing import Any, assert_type

from tasker_core import (
    BasePublisher,
    BaseSubscriber,
    BootstrapConfig,
    BootstrapResult,
    ClientTaskResponse,
    HealthCheck,
    InProcessDomainEventPoller,
    LogContext,
    PublishContext,
    StepEventContext,
    StepResult,
    TaskerClient,
    TaskerError,
    Worker,
    WorkerConfig,
    WorkerMetrics,
    WorkerStatus,
    __version__,
    bootstrap_worker,
    get_health_check,
    get_metrics,
    get_version,
    get_worker_config,
    get_worker_status,
    health_check,
    is_retryable,
    is_worker_running,
    log_error,
    log_info,
    stop_worker,
    transition_to_graceful_shutdown,
    version,
)
from tasker_core.client import StepAuditResponse, StepResponse, TaskListResponse
from tasker_core.domain_events import DefaultPublisher, EventDeclaration, PublisherRegistry, SubscriberRegistry
from tasker_core.errors import DuplicateTaskError
from tasker_core.errors.error_classifier import ErrorClassifier


class Payments(BasePublisher):
    publisher_name = "payments"

    def transform_payload(self, ctx: PublishContext) -> dict[str, Any]:
        return {"cents": (ctx.step_result.result or {}).get("cents")}


class Receipts(BaseSubscriber):
    @classmethod
    def subscribes_to(cls) -> list[str]:
        return ["payment.*"]

    def handle(self, event: dict[str, Any]) -> None:
        log_info(event["event_name"], {"task": event["metadata"]["task_uuid"]})


def create() -> str:
    with TaskerClient(initiator="shop", source_system="web", database_url="sqlite:///shop.db") as client:
        try:
            task = client.create_task("checkout", namespace="shop", context={"sku": "tea"}, priority=5, tags=["web"])
        except DuplicateTaskError as error:
            return error.task_uuid
        except (TaskerError, ValueError) as error:
            log_error(str(error), LogContext(operation="create"))
            raise
        assert_type(task, ClientTaskResponse)
        page: TaskListResponse = client.list_tasks(limit=10, status="complete")
        steps: list[StepResponse] = client.list_task_steps(task.task_uuid)
        audit: list[StepAuditResponse] = client.get_step_audit_history(task.task_uuid, steps[0].step_uuid)
        print(page.pagination.total_count, audit[0].success, client.health_check().healthy, task.__dict__)
        print(client.wait(task.task_uuid, timeout=30).status, client.cancel_task(task.task_uuid)["cancelled"])
        return task.task_uuid


def run() -> None:
    with Worker.start(handler_packages=["shop"], config=BootstrapConfig(worker_id="w-1", log_level="debug")) as worker:
        result: BootstrapResult = worker.bootstrap_result
        print(result.success, worker.worker_id, worker.is_running, Worker.instance() is worker)
        health: HealthCheck = get_health_check()
        metrics: WorkerMetrics = get_metrics()
        config: WorkerConfig = get_worker_config()
        print(health.is_healthy, {name: part.status for name, part in health.components.items()})
        print(metrics.steps_succeeded, config.concurrency)
    started = bootstrap_worker(BootstrapConfig(namespace="shop"))
    if started.success and is_worker_running():
        status: WorkerStatus = get_worker_status()
        print(status.state, transition_to_graceful_shutdown(), stop_worker())
    print(version(), get_version(), __version__, health_check(), is_retryable(OSError()))
    print(ErrorClassifier(default_retryable=False).classify(ValueError())["classification"])


def hear() -> None:
    publishers, subscribers = PublisherRegistry.instance(), SubscriberRegistry.instance()
    publishers.register(Payments())
    publishers.register(DefaultPublisher(), "plain")
    publishers.freeze()
    subscribers.register(Receipts)
    poller = InProcessDomainEventPoller(polling_interval_ms=5)
    subscribers.start_all(poller)
    poller.on_error(lambda error: log_error(str(error)))
    with poller:
        ended = StepResult(success=True, result={"cents": 900})
        step = StepEventContext("t", "s", "pay", "shop", "c")
        declared = EventDeclaration("payment.processed", condition="success", delivery_mode="fast")
        publishers.get_or_default("payments").publish(PublishContext("payment.processed", ended, declared, step))
    print(poller.stats, subscribers.stats)
