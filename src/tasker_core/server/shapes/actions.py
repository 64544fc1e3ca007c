"""What operators may say of a task."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, RootModel

from tasker_core.server.shapes.base import NO_NUL, Action, Actor


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


class TaskAction(RootModel[Restart | RetryFailed | GiveUp | ResolveTask]):
    """What is to happen with a task."""

    root: Restart | RetryFailed | GiveUp | ResolveTask = Field(discriminator="action_type")
