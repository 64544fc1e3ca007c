"""The blocks that a template and its steps are made of: one frozen model each, with its keys, defaults and limits.

The models are the one list of known keys. A block takes a mapping as YAML gives it: a key without a value counts as
absent, older spellings of a key are accepted, unknown keys are ignored here (whoever reads a template reports them).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from tasker_core.words import RetryPolicy

Backoff: TypeAlias = Literal["none", "linear", "exponential", "fibonacci"]

EVENT_NAME = r"[a-z0-9_]+(\.[a-z0-9_]+)+"
"""What names of events are made of."""
MOST_ATTEMPTS = 999_999
LONGEST_BACKOFF_MS = 86_400_000
LONGEST_SECONDS = 31_536_000


class Block(BaseModel):
    """A mapping in a template."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        strict=True, frozen=True, extra="ignore", validate_by_name=True, validate_by_alias=True
    )

    other_names: ClassVar[Mapping[str, str]] = {}
    """Keys that are accepted for the ones that the models name."""

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        return {cls.other_names.get(key, key): item for key, item in value.items() if item is not None}


def words(key: str, text: str) -> PydanticCustomError:
    """An error whose message goes on after the name of the key; ``key`` is its code."""
    return PydanticCustomError(key, "{text}", {"text": text})


def _event_name(name: str) -> str:
    if not re.fullmatch(EVENT_NAME, name):
        raise words("BAD_NAME", f"must be lower-case words joined by dots, like 'payment.processed'; found {name!r}")
    return name


def _callable(text: str) -> str:
    if not text.strip():
        raise words("EMPTY_CALLABLE", "is empty; name the handler that runs this step")
    if len(text) > 500:
        raise words("BAD_NAME", f"has {len(text)} characters; at most 500 are allowed")
    return text


def _attempts(number: int) -> int:
    if number < 0:
        raise words("OUT_OF_RANGE", f"counts all attempts, the first one too, so 1 is the least; found {number}")
    if number > MOST_ATTEMPTS:
        raise words("OUT_OF_RANGE", f"must be at most {MOST_ATTEMPTS}; found {number}")
    return number


EventName: TypeAlias = Annotated[str, AfterValidator(_event_name)]
Minutes: TypeAlias = Annotated[int, Field(ge=1)]
Seconds: TypeAlias = Annotated[float, Field(gt=0, le=LONGEST_SECONDS)]
JsonSchema: TypeAlias = dict[str, Any]


class HandlerSpec(Block):
    """What runs a step: the handler's name or address, its entry point, and static settings given to it."""

    callable: Annotated[str, AfterValidator(_callable)]
    method: str = Field("call", min_length=1)
    resolver: str | None = None
    initialization: dict[str, Any] = {}


class Retry(Block):
    """When and how often a failed step runs again; ``max_attempts`` counts the first attempt, which always runs."""

    retryable: bool = True
    max_attempts: Annotated[int, AfterValidator(_attempts)] = 3
    backoff: Backoff = "exponential"
    backoff_base_ms: int = Field(1_000, ge=0, le=LONGEST_BACKOFF_MS)
    max_backoff_ms: int = Field(30_000, ge=0, le=LONGEST_BACKOFF_MS)
    jitter: float = Field(0.15, ge=0, le=1)

    @property
    def policy(self) -> RetryPolicy:
        """The same as the word that the other floors use."""
        said = {name: getattr(self, name) for name in Retry.model_fields}
        return RetryPolicy(**{**said, "max_attempts": max(1, self.max_attempts)})


def _named_handler(value: Any) -> Any:
    return {"callable": value} if isinstance(value, str) else value


class Compensation(Block):
    """What undoes a step that was completed when its task fails for good, and how that is retried."""

    handler: Annotated[HandlerSpec, BeforeValidator(_named_handler)]
    retry: Retry | None = None
    timeout_seconds: Seconds | None = None
    max_crashes: int = Field(3, ge=1, le=1_000)


class Metadata(Block):
    """Documentation about a template."""

    author: str | None = None
    tags: tuple[str, ...] = Field((), strict=False)
    documentation_url: str | None = None
    created_at: str | None = None
    updated_at: str | None = None


class SystemDependencies(Block):
    """The outside systems that a template's steps use."""

    primary: str = "default"
    secondary: tuple[str, ...] = Field((), strict=False)


class DomainEvent(Block):
    """An event that a template declares."""

    name: EventName
    description: str | None = None
    payload_schema: JsonSchema | None = Field(None, alias="schema")


class Publication(Block):
    """An event that a step publishes, and when."""

    name: EventName
    description: str
    payload_schema: JsonSchema = Field(alias="schema")
    condition: Literal["success", "failure", "retryable_failure", "permanent_failure", "always"] = "success"
    delivery_mode: Literal["durable", "fast", "broadcast"] = "durable"
    publisher: str | None = None


class Lifecycle(Block):
    """How long a task may stand still, and what happens then."""

    max_waiting_for_dependencies_minutes: Minutes | None = None
    max_waiting_for_retry_minutes: Minutes | None = None
    max_steps_in_process_minutes: Minutes | None = None
    max_duration_minutes: Minutes | None = None
    staleness_action: Literal["dlq", "error", "none"] = "dlq"
    auto_fail_on_timeout: bool | None = None
    auto_dlq_on_timeout: bool | None = None


class BatchConfig(Block):
    """How a batch is cut and run."""

    batch_size: int = Field(1_000, ge=1)
    parallelism: int = Field(10, ge=1)
    cursor_field: str = "id"
    worker_template: str
    failure_strategy: Literal["continue_on_failure", "fail_fast", "isolate"] = "continue_on_failure"
    checkpoint_interval: int | None = Field(None, ge=1)


class HandlerOverride(Block):
    """What an environment may change of a handler."""

    initialization: dict[str, Any] = {}


class StepOverride(Block):
    """What an environment changes of one step, or of ``ALL``."""

    name: str
    handler: HandlerOverride | None = None
    timeout_seconds: Seconds | None = None
    retry: Retry | None = None


class Environment(Block):
    """What one environment changes."""

    steps: tuple[StepOverride, ...] = Field((), strict=False)
