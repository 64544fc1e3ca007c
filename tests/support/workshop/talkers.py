"""Handlers of workers in processes of their own that log, and that fail in every way there is.

What a task's context holds under ``secret`` is in everything that they return and raise.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

from pydantic import BaseModel

from tasker_core import PermanentError, RetryableError, StepContext, StepHandler, StepHandlerResult
from tasker_core.step_handler import inputs, step_handler

log = logging.getLogger("shop.talkers")


class Order(BaseModel):
    secret: int


@step_handler("say")
def say(context: StepContext) -> dict[str, Any]:
    log.info("the gateway answered", extra={"gateway_status": 200})
    return {"echo": context.get_input("secret")}


@step_handler("say_async")
async def say_async(context: StepContext) -> dict[str, Any]:
    await asyncio.sleep(0)
    log.info("said from a coroutine")
    await asyncio.to_thread(log.info, "said from its thread")
    return {"echo": context.get_input("secret")}


@step_handler("stumble")
def stumble(context: StepContext) -> dict[str, Any]:
    """Fails at the first attempt."""
    if not context.is_retry():
        raise RetryableError(f"no luck with {context.get_input('secret')}", metadata={"had": context.input_data})
    return context.input_data


@step_handler("burst")
def burst(context: StepContext) -> None:
    raise ValueError(context.get_input("secret"))


@step_handler("refuse_order")
@inputs(Order)
def refuse_order(inputs: Order) -> None:
    """Never called: the secret is no number."""


@step_handler("give_up")
def give_up(context: StepContext) -> None:
    raise PermanentError(context.get_input("secret"), error_code="NO", context={"had": context.input_data})


@step_handler("return_nonsense")
def return_nonsense(context: StepContext) -> Any:
    return {"it": {context.get_input("secret"), 1}, "nan": float("nan")}


@step_handler("return_too_much")
def return_too_much(context: StepContext) -> Any:
    return [context.get_input("secret")] * 200_000


@step_handler("oversleep")
def oversleep(context: StepContext) -> Any:
    """Longer than it may."""
    time.sleep(0.5)
    return context.input_data


class Leave(StepHandler):
    """Raises what isn't an Exception."""

    handler_name = "leave"

    def call(self, context: StepContext) -> StepHandlerResult:
        raise SystemExit(context.get_input("secret"))
