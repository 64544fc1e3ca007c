"""What the workers of a chaos run do: take a while, and have one effect outside."""

from __future__ import annotations

import asyncio
import random
import time
from typing import Any

from tasker_core import PermanentError, StepContext
from tasker_core.step_handler import inputs, step_handler
from tests.chaos.ledger import enter


@step_handler("chaos_effect")
@inputs("ledger", "nap")
def effect(ledger: str, nap: float, context: StepContext) -> dict[str, Any]:
    before = random.uniform(0.0, nap)
    time.sleep(before)
    result = _enter(ledger, context)
    time.sleep(nap - before)
    return result


@step_handler("chaos_effect_async")
@inputs("ledger", "nap")
async def effect_async(ledger: str, nap: float, context: StepContext) -> dict[str, Any]:
    before = random.uniform(0.0, nap)
    await asyncio.sleep(before)
    result = await asyncio.to_thread(_enter, ledger, context)
    await asyncio.sleep(nap - before)
    return result


@step_handler("chaos_entry")
@inputs("nap")
def entry(nap: float, context: StepContext) -> dict[str, Any]:
    """A row beside Tasker's tables that no key protects from a second one."""
    before = random.uniform(0.0, nap)
    time.sleep(before)
    context.transaction.execute(f"insert into chaos_entries values ('{context.task_uuid}')")
    time.sleep(min(nap - before, 0.05))
    return {}


@step_handler("chaos_refusal")
def refusal() -> None:
    raise PermanentError("sold out")


def _enter(ledger: str, context: StepContext) -> dict[str, Any]:
    key = context.idempotency_key
    if not enter(ledger, key, str(context.task_uuid), context.step_name):
        raise PermanentError(f"the key {key} stands for another effect")
    return {"key": key, "after": sorted(context.get_dependency_result_keys())}
