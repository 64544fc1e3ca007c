"""The messages of the worker protocol. Unlike elsewhere, what isn't known is passed over: either side may be newer."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool

from tasker_core.server.protocol.offer import Offer
from tasker_core.server.shapes.base import NO_NUL, Shape

MOST_CLAIMED = 200
MOST_REPORTS = 200
MOST_NAMED = 10_000


class Message(BaseModel):
    """What a worker sends."""

    model_config = ConfigDict(extra="ignore", frozen=True)


def _numeric(value: object) -> object:
    if isinstance(value, bool | str):
        raise ValueError("must be a whole number")
    return value


WHOLE = BeforeValidator(_numeric)
Name: TypeAlias = Annotated[str, Field(max_length=255, pattern=NO_NUL)]
Room: TypeAlias = Annotated[int, Field(ge=1, le=MOST_CLAIMED), WHOLE]


class Process(Message):
    """A process, for a server on the same machine."""

    host: Name
    boot: Name
    pid: Annotated[int, Field(ge=0, lt=2**31), WHOLE]
    started: Annotated[int, Field(ge=0, lt=2**63), WHOLE]


class Registration(Offer):
    """A worker, and what it runs."""

    instance_id: UUID
    name: Name = ""
    language: Name = ""
    sdk_version: Name = ""
    slots: Annotated[int, Field(ge=1, lt=2**31), WHOLE] = 1
    process: Process | None = None


class Wish(Message):
    """Steps that a worker has room for."""

    request_id: UUID
    max: Room


class PatientWish(Wish):
    """The same, and for how long the answer may be held back."""

    wait_ms: Annotated[int, Field(ge=0), WHOLE] = 0


class Named(Message):
    """A lease as a heartbeat names it."""

    lease_id: str


class Heartbeat(Message):
    """A worker lives, and believes that it holds these."""

    state: str = "running"
    leases: Annotated[list[Named], Field(max_length=MOST_NAMED)] = []


class Showing(Message):
    """What is said of a lease, with what shows that it was handed out to who says it."""

    token: str = Field(max_length=2_000)


class Drafted(Message):
    """What a worker's publisher made of an event of its step; without ``payload`` it is held back."""

    position: Annotated[int, Field(ge=0), WHOLE]
    publisher: Name
    payload: Any = None
    metadata: dict[str, Any] = {}
    trouble: str = ""


class LeaseCompletion(Showing):
    """The handler returned."""

    result: Any
    metadata: dict[str, Any] = {}
    events: list[Drafted] | None = None


class StepFailure(Message):
    """What went wrong."""

    message: str
    error_type: Annotated[str, Field(min_length=1, max_length=255)]
    retryable: StrictBool
    error_code: str | None = None
    retry_after_ms: Annotated[int, Field(ge=0, le=10**12), WHOLE] | None = None
    backtrace: list[str] = []
    context: dict[str, Any] = {}


class LeaseFailure(Showing):
    """The handler failed, or its time was up."""

    error: StepFailure
    events: list[Drafted] | None = None


class LeaseCheckpoint(Showing):
    """The handler is to go on from here in another lease."""

    cursor: Any
    items_processed: Annotated[int, Field(ge=0, lt=2**63), WHOLE]
    accumulated_results: Any = None


class LeaseRelease(Showing):
    """The step goes back."""

    reason: str = ""


class ReadResult(Showing):
    """The result of which step is wanted."""

    step: str


LeaseId: TypeAlias = Annotated[str, Field(max_length=100)]


class Complete(LeaseCompletion):
    op: Literal["complete"]
    lease_id: LeaseId


class Fail(LeaseFailure):
    op: Literal["fail"]
    lease_id: LeaseId


class Checkpoint(LeaseCheckpoint):
    op: Literal["checkpoint"]
    lease_id: LeaseId


class Release(LeaseRelease):
    op: Literal["release"]
    lease_id: LeaseId


Said: TypeAlias = Annotated[Complete | Fail | Checkpoint | Release, Field(discriminator="op")]


class Reports(Message):
    """What became of leases, and, in the same round trip, a wish for more."""

    reports: Annotated[list[Said], Field(max_length=MOST_REPORTS)]
    claim: Wish | None = None


class Limits(Shape):
    max_claim: int
    max_reports: int
    max_wait_ms: int
    max_payload_bytes: int
    max_body_bytes: int


class ProtocolResponse(Shape):
    min: int
    max: int
    features: list[str]
    limits: Limits


class Served(Shape):
    namespace: str
    callable: str


class RegisteredWorker(Shape):
    worker_id: UUID
    lease_ms: int
    heartbeat_ms: int
    max_wait_ms: int
    max_claim: int
    max_reports: int
    max_payload_bytes: int
    max_body_bytes: int
    features: list[str]
    served: list[Served]
    templates: str = Field(description="A mark that changes with the registered templates.")


class Claimed(Shape):
    leases: list[dict[str, Any]]
    more: bool
    directive: str


class NamedLease(Shape):
    lease_id: str
    status: str


class Heard(Shape):
    leases: list[NamedLease]
    directive: str
    lease_ms: int
    templates: str


class Reported(Shape):
    accepted: bool
    replayed: bool


class ReportResult(Shape):
    lease_id: str
    status: int
    replayed: bool | None = None
    code: str | None = None
    message: str | None = None


class ReportsResponse(Shape):
    results: list[ReportResult]
    leases: list[dict[str, Any]]
    more: bool
    directive: str


class FoundResult(Shape):
    found: bool
    result: dict[str, Any] | None


class ServedTemplate(Shape):
    id: str
    content: dict[str, Any]
    environment: str
    enforces_schemas: bool


class Ended(Shape):
    released: int
