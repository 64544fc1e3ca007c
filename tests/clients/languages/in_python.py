"""A step of the checkout. One that the context names as ``trap`` hangs in its first attempt, to be killed there."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from tasker_core import StepContext
from tasker_core.step_handler import depends_on, inputs, step_handler


@step_handler("python_reserve_stock")
@depends_on(payment="process_payment")
@inputs("items")
def reserve_stock(payment: dict[str, Any], items: list[Any], context: StepContext) -> dict[str, int]:
    with Path(os.environ["CHECKOUT_EFFECTS"]).open("a") as effects:
        effects.write(f"{context.task_uuid} {context.step_name} python {context.attempt}\n")
    if context.get_input("trap") == context.step_name and context.attempt == 1:
        time.sleep(60)
    return {"lines": len(items), "serial": payment["serial"] + 1}
