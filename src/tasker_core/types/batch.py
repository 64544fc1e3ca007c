"""A large piece of work cut into batches: an analyzer's ranges and what a batch worker is told of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, Field

from tasker_core.types.checkpoint import Checkpointed
from tasker_core.types.context import StepContext


class CursorConfig(BaseModel):
    """The items from ``start_cursor`` up to, not including, ``end_cursor``."""

    start_cursor: int
    end_cursor: int
    step_size: int = 1
    metadata: dict[str, Any] = Field(default_factory=dict)


class BatchAnalyzerOutcome(BaseModel):
    """The ranges that an analyzer cut its items into.

    >>> outcome = BatchAnalyzerOutcome.from_ranges([(0, 100), (100, 150)])
    >>> len(outcome.cursor_configs), outcome.total_items
    (2, 150)
    """

    cursor_configs: list[CursorConfig] = Field(default_factory=list)
    total_items: int | None = None
    batch_metadata: dict[str, Any] = Field(default_factory=dict)

    @classmethod
    def from_ranges(
        cls,
        ranges: Sequence[tuple[int, int]],
        step_size: int = 1,
        total_items: int | None = None,
        batch_metadata: dict[str, Any] | None = None,
    ) -> BatchAnalyzerOutcome:
        """From pairs of start and end; the items are counted from them unless ``total_items`` says otherwise."""
        return cls(
            cursor_configs=[CursorConfig(start_cursor=a, end_cursor=b, step_size=step_size) for a, b in ranges],
            total_items=sum(b - a for a, b in ranges) if total_items is None else total_items,
            batch_metadata=batch_metadata or {},
        )


class BatchWorkerContext(Checkpointed, BaseModel):
    """The batch a worker step is to process, and where an earlier attempt left off."""

    batch_id: str
    cursor_config: CursorConfig
    batch_index: int = 0
    total_batches: int = 1
    batch_metadata: dict[str, Any] = Field(default_factory=dict)
    checkpoint: dict[str, Any] | None = None

    @classmethod
    def from_step_context(cls, context: StepContext) -> BatchWorkerContext | None:
        """The batch described by the step's inputs, else by ``batch_context`` of its settings or of the task's input;
        None when it is no batch worker's step.
        """
        cursor = context.step_inputs.get("cursor")
        if isinstance(cursor, dict):
            return cls(
                batch_id=str(cursor.get("batch_id", "")),
                cursor_config=_config_of(cursor),
                batch_metadata=context.step_inputs.get("batch_metadata") or {},
                checkpoint=context.checkpoint,
            )
        given = context.step_config.get("batch_context") or context.input_data.get("batch_context")
        if not isinstance(given, dict):
            return None
        return cls.model_validate({"checkpoint": context.checkpoint, **given})

    @property
    def start_cursor(self) -> Any:
        """The first item: a number, or whatever JSON the analyzer gave."""
        return self.cursor_config.start_cursor

    @property
    def end_cursor(self) -> Any:
        """One past the last item: a number, or whatever JSON the analyzer gave."""
        return self.cursor_config.end_cursor

    @property
    def step_size(self) -> int:
        """How many items to take at a time."""
        return self.cursor_config.step_size


def _config_of(cursor: dict[str, Any]) -> CursorConfig:
    """A cursor's ends as they are: an analyzer may give page tokens or dates for numbers."""
    start, end = cursor.get("start_cursor"), cursor.get("end_cursor")
    return CursorConfig.model_construct(
        start_cursor=0 if start is None else start,
        end_cursor=0 if end is None else end,
        step_size=cursor.get("step_size") or cursor.get("batch_size") or 1,
        metadata={},
    )


class BatchWorkerOutcome(BaseModel):
    """What became of the items of one batch."""

    items_processed: int
    items_succeeded: int = 0
    items_failed: int = 0
    items_skipped: int = 0
    results: list[Any] = Field(default_factory=list)
    errors: list[Any] = Field(default_factory=list)
    last_cursor: Any = None
    batch_metadata: dict[str, Any] = Field(default_factory=dict)
