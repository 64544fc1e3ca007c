"""Handlers that don't fit their steps."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from tasker_core import StepContext, StepHandler, StepHandlerResult
from tasker_core.step_handler import Decision, batch_worker, decision_handler, depends_on, inputs, step_handler


class Asked(BaseModel):
    name: str
    age: int


class Read(BaseModel):
    name: str
    nick: str | None = None


class Nicked(BaseModel):
    nick: str


class Kept(BaseModel):
    key: str


class Named(BaseModel, extra="forbid"):
    name: str


@step_handler("slips_read")
@inputs(Asked)
def read(inputs: Asked) -> Read:
    return Read(name=inputs.name)


@step_handler("slips_nick")
@depends_on(nicked=("read", Nicked))
def nick(nicked: Nicked) -> Any:
    return nicked.model_dump() | {"key": nicked.nick}


@step_handler("slips_keep")
@depends_on(kept=("nick", Kept), piece="piece")
def keep(kept: Kept, piece: dict[str, Any]) -> dict[str, str]:
    return {"kept": kept.key}


@step_handler("slips_cut")
@depends_on(named=("read", Named))
def cut(named: Named) -> dict[str, int]:
    return {"pieces": 3}


@batch_worker("slips_piece")
def piece() -> dict[str, int]:
    return {"done": 1}


@decision_handler("slips_decide")
def decide() -> Decision:
    return Decision.route(["one"])


class Limited(StepHandler):
    handler_name = "slips_limited"

    def call(self, context: StepContext) -> StepHandlerResult:
        return self.success({})

    def config_schema(self) -> dict[str, Any] | None:
        return {"type": "object", "properties": {"limit": {"type": "integer"}}}
