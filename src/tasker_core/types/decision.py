"""What a decision step decided."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from tasker_core.types.enums import DecisionType


class DecisionPointOutcome(BaseModel):
    """Which steps to create, or why none.

    >>> DecisionPointOutcome.create_steps(["ship_by_air"]).to_outcome()
    {'type': 'create_steps', 'step_names': ['ship_by_air']}
    >>> DecisionPointOutcome.no_branches("nothing to ship").to_outcome()
    {'type': 'no_branches'}
    """

    decision_type: DecisionType
    next_step_names: list[str] = Field(default_factory=list)
    dynamic_steps: list[dict[str, Any]] | None = None
    reason: str | None = None
    routing_context: dict[str, Any] = Field(default_factory=dict)

    @classmethod
    def create_steps(
        cls,
        step_names: list[str],
        dynamic_steps: list[dict[str, Any]] | None = None,
        routing_context: dict[str, Any] | None = None,
    ) -> DecisionPointOutcome:
        """Go on with these steps of the template. ``routing_context`` is kept with the result, for people."""
        return cls(
            decision_type=DecisionType.CREATE_STEPS,
            next_step_names=step_names,
            dynamic_steps=dynamic_steps,
            routing_context=routing_context or {},
        )

    @classmethod
    def no_branches(cls, reason: str, routing_context: dict[str, Any] | None = None) -> DecisionPointOutcome:
        """Create no step, and say why."""
        return cls(decision_type=DecisionType.NO_BRANCHES, reason=reason, routing_context=routing_context or {})

    def to_outcome(self) -> dict[str, Any]:
        """The shape that the engine reads under ``decision_point_outcome``."""
        if self.decision_type is DecisionType.CREATE_STEPS:
            return {"type": "create_steps", "step_names": list(self.next_step_names)}
        return {"type": "no_branches"}
