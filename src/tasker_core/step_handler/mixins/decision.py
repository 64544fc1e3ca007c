"""What a handler that chooses branches answers with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tasker_core.errors import ConfigurationError
from tasker_core.types import DecisionPointOutcome, StepHandlerResult


class DecisionMixin:
    """Answers of a decision step: which steps to create. Mix it with ``StepHandler``, in either order."""

    @property
    def decision_capabilities(self) -> list[str]:
        """What deciding adds to a handler."""
        return ["decision", "routing"]

    def decision_success(
        self,
        steps: Sequence[str],
        routing_context: Mapping[str, Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> StepHandlerResult:
        """Go on with ``steps`` of the template.

        Args:
            steps: names of steps that can be reached from this decision.
            routing_context: why, for people; stored with the result.
            metadata: details, stored with the result.

        Raises:
            ConfigurationError: ``steps`` is a single string instead of a list of names.
        """
        if isinstance(steps, str):
            raise ConfigurationError(f"a decision names its steps in a list: [{steps!r}], not {steps!r}")
        outcome = DecisionPointOutcome.create_steps(list(steps), routing_context=dict(routing_context or {}))
        return self.decision_success_with_outcome(outcome, metadata)

    def decision_success_with_outcome(
        self, outcome: DecisionPointOutcome, metadata: Mapping[str, Any] | None = None
    ) -> StepHandlerResult:
        """Go on as ``outcome`` says. Its ``dynamic_steps`` are only kept with the result."""
        result: dict[str, Any] = {"decision_point_outcome": outcome.to_outcome()}
        if outcome.routing_context:
            result["routing_context"] = outcome.routing_context
        if outcome.dynamic_steps:
            result["dynamic_steps"] = outcome.dynamic_steps
        return StepHandlerResult.success(result, self._signed(metadata))

    def decision_no_branches(
        self, outcome: DecisionPointOutcome, metadata: Mapping[str, Any] | None = None
    ) -> StepHandlerResult:
        """Create no step, for the reason that ``outcome`` gives."""
        result: dict[str, Any] = {"decision_point_outcome": {"type": "no_branches"}, "reason": outcome.reason}
        if outcome.routing_context:
            result["routing_context"] = outcome.routing_context
        return StepHandlerResult.success(result, self._signed(metadata))

    def route_to_steps(
        self,
        steps: Sequence[str],
        routing_context: Mapping[str, Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> StepHandlerResult:
        """The same as :meth:`decision_success`."""
        return self.decision_success(steps, routing_context, metadata)

    def skip_branches(
        self,
        reason: str,
        routing_context: Mapping[str, Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> StepHandlerResult:
        """Create no step, and say why."""
        return self.decision_no_branches(
            DecisionPointOutcome.no_branches(reason, routing_context=dict(routing_context or {})), metadata
        )

    def decision_failure(
        self,
        message: str,
        error_type: str = "decision_error",
        retryable: bool = False,
        metadata: Mapping[str, Any] | None = None,
    ) -> StepHandlerResult:
        """The decision could not be made."""
        return StepHandlerResult.failure(message, error_type, retryable, self._signed(metadata))

    def _signed(self, metadata: Mapping[str, Any] | None) -> dict[str, Any]:
        return {
            **(metadata or {}),
            "decision_handler": getattr(self, "name", type(self).__name__),
            "decision_version": getattr(self, "version", "1.0.0"),
        }
