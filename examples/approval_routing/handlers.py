"""The handlers: who must agree, asking them, and what follows."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel

from examples.approval_routing.company import Company
from tasker_core import PermanentError, RetryableError, StepContext
from tasker_core.step_handler import Decision, decision_handler, depends_on, inputs, step_handler

ASK_AGAIN = 0.1
"""Seconds until a step looks for an answer again. Where people take days, an hour is early enough."""


class Purchase(BaseModel):
    company: str
    request: int
    what: str
    cents: int
    needs_security: bool = False

    @property
    def books(self) -> Company:
        return Company(Path(self.company))


@step_handler("approval_check")
@inputs(Purchase)
def check(inputs: Purchase) -> dict[str, object]:
    if not inputs.what.strip():
        raise PermanentError("a request must say what is to be bought", error_code="nothing_named")
    return {"request": inputs.request}


@decision_handler("approval_route")
@inputs(Purchase)
def route(inputs: Purchase, context: StepContext) -> Decision:
    if inputs.cents == 0:
        return Decision.skip("a gift: there is nothing to agree to")
    if inputs.cents <= context.get_config("free_up_to_cents"):
        return Decision.route(["waive"])
    return Decision.route(["ask_manager"])


@step_handler("approval_waive")
def waive() -> dict[str, object]:
    return {"by": "rule", "agreed": True}


@step_handler("approval_ask")
@inputs(Purchase)
def ask(inputs: Purchase, context: StepContext) -> dict[str, object]:
    """One handler for all who are asked: the step's name says whom."""
    role, key = context.step_name.removeprefix("ask_"), context.idempotency_key
    inputs.books.ask(key, role, inputs.request, inputs.what, inputs.cents)
    answer = inputs.books.answer_to(key)
    if answer is None:
        raise RetryableError(f"{role} hasn't answered yet", retry_after=ASK_AGAIN)
    return {"by": answer.by, "agreed": answer.agreed}


@decision_handler("approval_review")
@inputs(Purchase)
@depends_on(manager="ask_manager")
def review(inputs: Purchase, manager: dict[str, object], context: StepContext) -> Decision:
    if not manager["agreed"]:
        return Decision.skip("refused by the manager: nobody else need be asked")
    asked = ["ask_finance"] if inputs.cents > context.get_config("managers_up_to_cents") else []
    asked += ["ask_security"] if inputs.needs_security else []
    return Decision.route(asked or ["release"])


@step_handler("approval_release")
def release() -> dict[str, object]:
    return {"by": "rule", "agreed": True}


@step_handler("approval_verdict")
def verdict(context: StepContext) -> dict[str, object]:
    """From the branches that were taken; of the others there is no result."""
    words = {name: context.get_dependency_result(name) for name in context.get_dependency_result_keys()}
    against = sorted(word["by"] for word in words.values() if not word["agreed"])
    return {"ordered": not against, "by": against or sorted(word["by"] for word in words.values())}


@step_handler("approval_carry_out")
@inputs(Purchase)
@depends_on(verdict="verdict")
def carry_out(inputs: Purchase, verdict: dict[str, object]) -> dict[str, object]:
    ordered, by = bool(verdict["ordered"]), verdict["by"]
    assert isinstance(by, list)
    inputs.books.close_request(inputs.request, ordered, f"{'agreed' if ordered else 'refused'} by {', '.join(by)}")
    return {"ordered": ordered}
