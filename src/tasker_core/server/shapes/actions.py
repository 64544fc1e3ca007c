"""What operators may say of a task."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from pydantic import Field, RootModel

from tasker_core.server.shapes.base import NO_NUL, Action, Actor, Shape
from tasker_core.words import TaskState


class TaskAct(Action):
    by: Actor = None


class Restart(TaskAct):
    """A step and everything after it runs again, from scratch; results of the steps before it stay."""

    action_type: Literal["restart"]
    from_step: str = Field(min_length=1, max_length=255, pattern=NO_NUL, description="The step's name.")
    context: dict[str, Any] | None = Field(None, description="What the task works on from now on.")


class RetryFailed(TaskAct):
    """All failed steps run again, each from its first attempt."""

    action_type: Literal["retry_failed"]


class GiveUp(TaskAct):
    """A task of which a step has failed ends as `error`."""

    action_type: Literal["give_up"]


class ResolveTask(TaskAct):
    """The task ends as `resolved_manually`."""

    action_type: Literal["resolve_manually"]


class Pause(TaskAct):
    """Nothing further begins until it is resumed. What runs goes on to its end."""

    action_type: Literal["pause"]


class Resume(TaskAct):
    """What is paused goes on."""

    action_type: Literal["resume"]


class UndoTask(TaskAct):
    """The compensations of the task's completed steps run; then it ends as `error`."""

    action_type: Literal["undo"]


class TaskAction(RootModel[Restart | RetryFailed | GiveUp | ResolveTask | UndoTask | Pause | Resume]):
    """What is to happen with a task."""

    root: Restart | RetryFailed | GiveUp | ResolveTask | UndoTask | Pause | Resume = Field(discriminator="action_type")


class NamespaceAction(RootModel[Pause | Resume]):
    """What is to happen with a namespace."""

    root: Pause | Resume = Field(discriminator="action_type")


class OfMany(TaskAct):
    """How it is said of all tasks that match."""

    dry_run: bool = Field(False, description="Only count, and tell the newest of them.")
    sample: int = Field(10, ge=0, le=100, description="How many of them a dry run tells.")
    after: UUID | None = Field(None, description="Go on behind this task: `next` of the answer before.")
    limit: int = Field(500, ge=1, le=1_000, description="Tasks of one request at most.")


class BulkAct(OfMany):
    """The same is to happen with each of them."""

    action_type: Literal["retry_failed", "cancel", "pause", "resume", "give_up", "resolve_manually"]


class BulkRestart(OfMany):
    """Of each of them a step and everything after it runs again."""

    action_type: Literal["restart"]
    from_step: str = Field(min_length=1, max_length=255, pattern=NO_NUL, description="The step's name.")


class BulkAction(RootModel[BulkAct | BulkRestart]):
    """What is to be said of all tasks that match."""

    root: BulkAct | BulkRestart = Field(discriminator="action_type")


class MatchingTask(Shape):
    task_uuid: UUID
    namespace: str
    name: str
    status: TaskState


class FailedAct(Shape):
    task_uuid: UUID
    message: str


class BulkResponse(Shape):
    """What came of it so far."""

    matching: int | None = Field(description="How many it can be said of; counted by a dry run.")
    sample: list[MatchingTask]
    done: int
    skipped: dict[str, int] = Field(description="How many had come to another state by then, by that state.")
    failures: int
    failed: list[FailedAct] = Field(description="The first of them.")
    next: UUID | None = Field(description="Give it as `after` to go on; null when none is left.")
