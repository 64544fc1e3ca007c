"""One handler for several steps, converting models, results that are made in pieces, choices that are computed."""

from __future__ import annotations

from typing import Annotated, Any

import httpx
from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from tasker_core import StepContext
from tasker_core.step_handler import Decision, decision_handler, depends_on, inputs, step_handler
from tests.support.doubtful.elsewhere import Piece, Sender, read_all


class Result(BaseModel):
    number: int


class LongResult(Result):
    """What is really returned where a Result is promised."""

    detail: str


class Told(BaseModel):
    amount: float
    at: str
    items: list[dict[str, int]]


class Converts(BaseModel):
    """Takes what it is told after having looked at it."""

    amount: Annotated[str, BeforeValidator(str)]
    when: int = Field(validation_alias=AliasChoices("at", "when"))
    items: str

    @field_validator("when", mode="before")
    @classmethod
    def _hours(cls, value: str) -> int:
        return int(value.partition(":")[0])

    @field_validator("items", mode="wrap")
    @classmethod
    def _joined(cls, value: Any, handler: Any) -> str:
        return str(handler(", ".join(map(str, value))))


class Renames(BaseModel):
    sum: float

    @model_validator(mode="before")
    @classmethod
    def _from_amount(cls, value: dict[str, Any]) -> dict[str, Any]:
        return {"sum": value["amount"]}


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")


class Detail(BaseModel):
    detail: str


@step_handler("doubtful_first")
def first() -> Result:
    return LongResult(number=1, detail="long")


@step_handler("doubtful_second")
@depends_on(detail=("first", Detail))
def second(detail: Detail) -> Told:
    return Told(amount=1, at="12:30", items=[])


@step_handler("doubtful_third")
@depends_on(told=("second", Converts), renamed=("second", Renames), whole=("second", Open))
def third(told: Converts, renamed: Renames, whole: Open) -> dict[str, Any]:
    result: dict[str, Any] = {"when": told.when, "sum": renamed.sum, "more": whole.amount}  # type: ignore[attr-defined]
    result["added"] = True
    return result


@step_handler("doubtful_any")
@inputs("hint")
@depends_on(third="third", left="left")
def whichever(third: dict[str, Any] | None, left: dict[str, Any] | None, hint: str | None, context: StepContext) -> Any:
    """Asks which step it is."""
    if context.step_name == "left":
        assert third is not None
        return {"added": third["added"], "most": context.get_config("most") > 3}
    if context.step_name == "behind":
        return {"left": left, "other": context.get_dependency_result("left")}
    return read_all(context)


@decision_handler("doubtful_choose")
def choose(context: StepContext) -> Decision:
    """One decider for two decisions; what it chooses is partly computed."""
    if context.step_name == "choose":
        return Decision.route(["left"])
    names = []
    for name in sorted(context.get_dependency_result("second")["items"]):
        names.append(f"to_{name}")
    return Decision.route(names or ["to_none"])


class Order(Sender):
    handler_name = "doubtful_order"

    def headers(self, context: StepContext) -> dict[str, str]:
        return {"Idempotency-Key": context.idempotency_key}


@step_handler("doubtful_post")
def post(context: StepContext) -> dict[str, str]:
    httpx.post("https://pay.example", json={}, headers=_signed(read_all(context)))
    return {}


def _signed(headers: dict[str, Any]) -> dict[str, str]:
    return {}


class Work(Piece):
    handler_name = "doubtful_work"

    def work(self, context: StepContext) -> dict[str, Any]:
        return {"start": context.step_inputs["cursor"]["start_cursor"]}
