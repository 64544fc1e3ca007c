"""Domain events, and who is given them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, TypeAlias
from uuid import UUID

from pydantic import Field

from tasker_core.engine.subscriptions import NAME
from tasker_core.rules.patterns import LONGEST_PATTERN, PATTERN
from tasker_core.server.shapes.base import NO_NUL, Shape

Patterns: TypeAlias = Annotated[
    list[Annotated[str, Field(max_length=LONGEST_PATTERN, pattern=PATTERN)]],
    Field(min_length=1, max_length=50, description="Names of events; `*`, `?` and `[...]` stand for others."),
]


class EventPayload(Shape):
    task_sequence_step: dict[str, Any] = Field(description="The task, the step, what it depends on.")
    execution_result: dict[str, Any] = Field(description="How the attempt ended.")
    payload: Any = Field(description="What the event itself holds.")


class DomainEvent(Shape):
    sequence: int = Field(description="Its place in the order of all events.")
    delivery_mode: Literal["durable", "broadcast"]
    event_id: UUID
    event_name: str
    event_version: str
    payload: EventPayload
    metadata: dict[str, Any] = Field(
        description="`task_uuid`, `step_uuid`, `step_name`, `namespace`, `correlation_id`, `fired_at`, `fired_by`, and "
        "what the publisher adds."
    )


class EventList(Shape):
    events: list[DomainEvent]
    next: int | None = Field(description="Where to go on in the same direction, as `after` or `before`.")


class SubscriptionResponse(Shape):
    id: UUID
    name: str
    state: Literal["active", "paused", "disabled"]
    events: list[str]
    namespace: str | None = Field(description="Only events of this one.")
    position: int = Field(description="The number of the last event that is done with.")
    behind: int = Field(description="How many numbers after that have been given.")
    delivered: int
    tries: int = Field(description="Failures in a row on the next event.")
    failing_since: datetime | None
    next_try_at: datetime | None
    last_error: str | None
    created_at: datetime
    updated_at: datetime


class WebhookResponse(SubscriptionResponse):
    url: str


class WebhookWithSecret(WebhookResponse):
    secret: str | None = Field(None, description="Shown when it was made, and never again.")


class NewWebhook(Shape):
    name: str = Field(pattern=NAME)
    url: str = Field(max_length=2_000, pattern=NO_NUL, description="Where events are sent; HTTPS.")
    events: Patterns = Field(default_factory=lambda: ["*"])
    namespace: str | None = Field(None, max_length=29, pattern=NO_NUL, description="Only events of this one.")
    secret: str | None = Field(None, max_length=200, pattern=NO_NUL, description="`whsec_...`; else one is made.")
    from_beginning: bool = Field(False, description="Also what was published before and is still kept.")


class SubscriptionChange(Shape):
    """What isn't given stays."""

    state: Literal["active", "paused"] | None = None
    position: int | None = Field(
        None, ge=0, le=(1 << 63) - 1, description="Go on after this event: back to deliver again, on to leave out."
    )


class WebhookChange(SubscriptionChange):
    """What isn't given stays."""

    url: str | None = Field(None, max_length=2_000, pattern=NO_NUL)
    events: Patterns | None = None
    namespace: str | None = Field(None, max_length=29, pattern=NO_NUL, description="Empty: all.")
    secret: str | None = Field(None, max_length=200, pattern=NO_NUL, description="`whsec_...`, or `new`.")


class DeliveryResponse(Shape):
    sequence: int
    event_id: UUID
    event_name: str
    try_: int = Field(alias="try")
    at: datetime
    took_ms: float
    status: int | None = Field(description="HTTP's; none where there was no answer.")
    error: str | None


class DeliveryList(Shape):
    deliveries: list[DeliveryResponse]
    next: int | None = Field(description="Where to go on, as `before`.")


class Dispatched(Shape):
    delivered: int
    failed: int


class EventStats(Shape):
    published: dict[str, int] = Field(description="By delivery mode.")
    failed: dict[str, int] = Field(description="Warnings, by their code.")
    dispatched: dict[str, Dispatched] = Field(description="To subscribers, and to webhooks.")
    dropped: int = Field(description="Fast events that a subscriber was too slow to hear.")
    streams: int = Field(description="Streams that are open.")
