"""The handlers of task template generated/parcel 1.0.0."""

from __future__ import annotations

from tasker_core import StepContext, StepHandler, StepHandlerResult
from tasker_core.step_handler import Decision, decision_handler, depends_on, inputs, step_handler

from tests.doors.generated.parcel_types import ByAirResult, ByRoadResult, ParcelInput, PriceResult, TellResult


@step_handler("generated_parcel.price")
@inputs(ParcelInput)
def price(inputs: ParcelInput) -> PriceResult:
    """Says what it costs, "all in" """
    # These are examples: put the work of this step in their place.
    return PriceResult.model_validate(
        {
            "cents": 5,
            "currency": "EUR",
            "lines": [{"sku": "example"}],
            "class": "example",
            "unit-price": 1.0,
            "at": "2026-01-31T12:00:00Z",
        }
    )


@step_handler("generated_parcel.refund")
@depends_on(price=("price", PriceResult))
def undo_price(price: PriceResult) -> None:
    """Undo what the step price has done. It may be called again: undo it once."""


@decision_handler("generated_parcel.choose")
@depends_on(price=("price", PriceResult))
@inputs(ParcelInput)
def choose(price: PriceResult, inputs: ParcelInput) -> Decision:
    """The step choose."""
    # These are examples: put the work of this step in their place.
    return Decision.route(["by_road"])


class Carriers(StepHandler):
    """Runs by_road, by_air."""

    handler_name = "generated_parcel.carriers"

    def call(self, context: StepContext) -> StepHandlerResult:
        return self.road(context)

    def road(self, context: StepContext) -> StepHandlerResult:
        """The step by_road."""
        # These are examples: put the work of this step in their place.
        return self.success({"days": 1})

    def air(self, context: StepContext) -> StepHandlerResult:
        """The step by_air."""
        # These are examples: put the work of this step in their place.
        return self.success({"days": 1})


@step_handler("generated_parcel.tell")
@depends_on(by_road=("by_road", ByRoadResult), by_air=("by_air", ByAirResult))
@inputs(ParcelInput)
def tell(by_road: ByRoadResult | None, by_air: ByAirResult | None, inputs: ParcelInput) -> TellResult:
    """Tells the customer."""
    # These are examples: put the work of this step in their place.
    return TellResult.model_validate({"sent": "example", "to": "example"})
