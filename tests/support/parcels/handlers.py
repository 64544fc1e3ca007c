"""Parcels: weigh, choose a way, book it, tell the customer; and a file of bookings in batches.

Each step has models of its own for what it takes, as in projects of several teams.
"""

from __future__ import annotations

from typing import Any, TypedDict

import httpx
from pydantic import BaseModel, Field, field_validator

from tasker_core import StepContext, StepHandlerResult
from tasker_core.batch_processing import Batchable
from tasker_core.domain_events import BasePublisher
from tasker_core.step_handler import (
    ApiHandler,
    BatchConfig,
    DecisionHandler,
    StepHandler,
    api_handler,
    batch_analyzer,
    batch_worker,
    depends_on,
    inputs,
    step_handler,
)
from tasker_core.types import BatchWorkerContext

EXPRESS, FREIGHT = "book_express", "book_freight"


class Parcel(BaseModel):
    parcel_id: str
    grams: int
    country: str = Field(min_length=2)
    express: bool = False


class Weighed(BaseModel):
    parcel_id: str
    kilograms: float
    oversized: bool
    note: str | None = None


class Load(BaseModel):
    """What a booking takes of the weighing."""

    parcel_id: str
    kilograms: float


class Size(BaseModel):
    """What the decision takes of it."""

    oversized: bool
    kilograms: float


class Booking(TypedDict):
    booking_id: str
    price_cents: int


class Booked(BaseModel):
    booking_id: str
    price_cents: int

    @field_validator("booking_id", mode="before")
    @classmethod
    def _as_text(cls, value: Any) -> str:
        return str(value)


class Bookings(BasePublisher):
    publisher_name = "parcel_bookings"


@step_handler("parcels_weigh")
@inputs(Parcel)
def weigh(inputs: Parcel) -> Weighed:
    return Weighed(parcel_id=inputs.parcel_id, kilograms=inputs.grams / 1_000, oversized=inputs.grams > 30_000)


class Choose(DecisionHandler):
    handler_name = "parcels_choose"

    def call(self, context: StepContext) -> StepHandlerResult:
        size = Size.model_validate(context.get_dependency_result("weigh"))
        if size.kilograms > context.get_config("refused_over_kilograms"):
            return self.skip_branches("too heavy")
        ways = [FREIGHT] if size.oversized else [EXPRESS]
        if context.get_input("express"):
            ways += ["insure"]
        return self.decision_success(ways)


class BookExpress(ApiHandler):
    handler_name = "parcels_book_express"
    base_url = "https://express.example"

    def call(self, context: StepContext) -> StepHandlerResult:
        load = Load.model_validate(context.get_dependency_result("weigh"))
        answer = self.post("/bookings", json=load.model_dump(), headers=self._headers(context))
        if not answer.ok:
            return self.api_failure(answer)
        return self.success({"booking_id": answer.body["id"], "price_cents": 900})

    def _headers(self, context: StepContext) -> dict[str, str]:
        return {"Idempotency-Key": context.idempotency_key}


@api_handler("parcels_book_freight", base_url="https://freight.example")
@depends_on(load=("weigh", Load))
def book_freight(load: Load, api: Any, context: StepContext) -> Booking:
    headers = {"Idempotency-Key": context.idempotency_key}
    answer = api.post("/orders", json={"id": load.parcel_id, "kg": load.kilograms}, headers=headers)
    return {"booking_id": str(answer.body["order"]), "price_cents": 2_500}


@step_handler("parcels_insure")
@depends_on(load=("weigh", Load))
@inputs("country")
def insure(load: Load, country: str, context: StepContext) -> dict[str, str]:
    answer = httpx.post(
        "https://insurance.example/policies",
        json={"parcel": load.parcel_id, "country": country},
        headers={"Idempotency-Key": context.idempotency_key},
    )
    return {"policy": answer.json()["policy"]}


@step_handler("parcels_total")
@depends_on(express=("book_express", Booked), freight=("book_freight", Booked), policy="insure")
def total(express: Booked | None, freight: Booked | None, policy: dict[str, str] | None) -> dict[str, Any]:
    booked = express or freight
    assert booked is not None
    return {
        "booking_id": booked.booking_id,
        "cents": booked.price_cents,
        "policy": policy["policy"] if policy else None,
    }


@step_handler("parcels_tell")
@depends_on(total="total")
@inputs("email", "parcel_id")
async def tell(total: dict[str, Any], email: str, parcel_id: str) -> dict[str, str]:
    return {"told": email, "text": f"{parcel_id}: {total['booking_id']} for {total['cents']} cents"}


@step_handler("parcels_cancel_booking")
@depends_on(booked=("book_express", Booked))
def cancel_booking(booked: Booked) -> None:
    httpx.delete(f"https://express.example/bookings/{booked.booking_id}")


class Notes(StepHandler):
    """One class, two entries."""

    handler_name = "parcels_notes"

    def call(self, context: StepContext) -> StepHandlerResult:
        return self.success({"note": context.get_dependency_field("weigh", "note")})

    def archive(self, context: StepContext) -> StepHandlerResult:
        note = context.get_dependency_result("note")
        return self.success({"archived": note["note"]})


@batch_analyzer("parcels_cut", worker_template="book")
@inputs("path")
def cut(path: str) -> BatchConfig:
    return BatchConfig(total_items=len(path), batch_size=10)


@batch_worker("parcels_book")
def book(batch_context: BatchWorkerContext | None) -> dict[str, int]:
    return {"booked": 0 if batch_context is None else batch_context.end_cursor - batch_context.start_cursor}


class Collect(StepHandler, Batchable):
    handler_name = "parcels_collect"

    def call(self, context: StepContext) -> StepHandlerResult:
        scenario = self.detect_aggregation_scenario(context.dependency_results, "cut", "book_")
        return self.success({"booked": sum(result["booked"] for result in scenario.batch_results.values())})
