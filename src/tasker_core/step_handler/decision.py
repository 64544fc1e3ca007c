"""The class form of a decision step's handler."""

from __future__ import annotations

from tasker_core.step_handler.base import StepHandler
from tasker_core.step_handler.mixins.decision import DecisionMixin


class DecisionHandler(DecisionMixin, StepHandler):
    """Decides which branches a task takes.

    >>> from tasker_core.types import StepContext, StepHandlerResult
    >>> class ChooseCarrier(DecisionHandler):
    ...     handler_name = "choose_carrier"
    ...
    ...     def call(self, context: StepContext) -> StepHandlerResult:
    ...         if context.get_input("weight_kg") > 30:
    ...             return self.decision_success(["ship_by_freight"])
    ...         return self.decision_success(["ship_by_parcel"])
    """

    @property
    def capabilities(self) -> list[str]:
        return ["process", *self.decision_capabilities]
