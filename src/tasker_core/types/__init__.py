"""The values that handlers, clients and workers exchange, by their contract names."""

from __future__ import annotations

from tasker_core.types.attempt_link import AttemptLink
from tasker_core.types.batch import (
    BatchAnalyzerOutcome,
    BatchWorkerContext,
    BatchWorkerOutcome,
    CursorConfig,
)
from tasker_core.types.batch_outcome import (
    BatchAggregationResult,
    BatchCursor,
    BatchMetadata,
    BatchProcessingOutcome,
    BatchWorkerInputs,
    CreateBatchesOutcome,
    NoBatchesOutcome,
    RustBatchWorkerInputs,
    RustCursorConfig,
    aggregate_batch_results,
    create_batches,
    no_batches,
)
from tasker_core.types.client import (
    BulkResponse,
    ClientHealthResponse,
    ClientPaginationInfo,
    ClientStepAuditResponse,
    ClientStepReadiness,
    ClientStepResponse,
    ClientTaskListResponse,
    ClientTaskResponse,
    HealthResponse,
    NamespaceResponse,
    PaginationInfo,
    StepAuditResponse,
    StepReadiness,
    StepResponse,
    TaskListResponse,
    TaskResponse,
)
from tasker_core.types.context import (
    StepContext,
)
from tasker_core.types.decision import (
    DecisionPointOutcome,
)
from tasker_core.types.enums import (
    DecisionType,
    ErrorType,
    FailureStrategy,
    ResultStatus,
    WorkerState,
)
from tasker_core.types.events import (
    DomainEventMetadata,
    ExecutionResult,
    FfiStepEvent,
    InProcessDomainEvent,
    StepEvent,
)
from tasker_core.types.health import (
    ComponentHealth,
    HealthCheck,
    WorkerConfig,
    WorkerMetrics,
)
from tasker_core.types.results import (
    StepError,
    StepExecutionResult,
    StepHandlerCallResult,
    StepHandlerResult,
)
from tasker_core.types.worker import (
    BootstrapConfig,
    BootstrapResult,
    LogContext,
    WorkerStatus,
)

__all__ = [
    "AttemptLink",
    "BatchAggregationResult",
    "BatchAnalyzerOutcome",
    "BatchCursor",
    "BatchMetadata",
    "BatchProcessingOutcome",
    "BatchWorkerContext",
    "BatchWorkerInputs",
    "BatchWorkerOutcome",
    "BootstrapConfig",
    "BootstrapResult",
    "BulkResponse",
    "ClientHealthResponse",
    "ClientPaginationInfo",
    "ClientStepAuditResponse",
    "ClientStepReadiness",
    "ClientStepResponse",
    "ClientTaskListResponse",
    "ClientTaskResponse",
    "ComponentHealth",
    "CreateBatchesOutcome",
    "CursorConfig",
    "DecisionPointOutcome",
    "DecisionType",
    "DomainEventMetadata",
    "ErrorType",
    "ExecutionResult",
    "FailureStrategy",
    "FfiStepEvent",
    "HealthCheck",
    "HealthResponse",
    "InProcessDomainEvent",
    "LogContext",
    "NamespaceResponse",
    "NoBatchesOutcome",
    "PaginationInfo",
    "ResultStatus",
    "RustBatchWorkerInputs",
    "RustCursorConfig",
    "StepAuditResponse",
    "StepContext",
    "StepError",
    "StepEvent",
    "StepExecutionResult",
    "StepHandlerCallResult",
    "StepHandlerResult",
    "StepReadiness",
    "StepResponse",
    "TaskListResponse",
    "TaskResponse",
    "WorkerConfig",
    "WorkerMetrics",
    "WorkerState",
    "WorkerStatus",
    "aggregate_batch_results",
    "create_batches",
    "no_batches",
]
