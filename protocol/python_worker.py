"""The Python package's worker with the handlers of the cases: ``python -m protocol.python_worker``."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

from tasker_core import PermanentError, RetryableError, StepContext, StepHandler, StepHandlerResult, Worker
from tasker_core.batch_processing import Batchable
from tasker_core.step_handler import inputs, step_handler


@step_handler("conformance.echo")
def echo(context: StepContext) -> dict[str, Any]:
    results = {name: found and found["result"] for name, found in context.dependency_results.items()}
    told = {"context": context.input_data, "config": context.step_config, "dependencies": results}
    return {**told, "attempt": context.attempt, "key": context.idempotency_key}


@step_handler("conformance.numbers")
@inputs("n")
def numbers(n: int) -> dict[str, int]:
    return {"n": n, "next": n + 1}


@step_handler("conformance.big")
@inputs("bytes")
def big(bytes: int) -> dict[str, str]:
    return {"blob": "x" * bytes}


@step_handler("conformance.retryable")
@inputs("retry_after_ms")
def retryable(retry_after_ms: int | None) -> None:
    raise RetryableError("try again", retry_after=None if retry_after_ms is None else retry_after_ms / 1000)


@step_handler("conformance.permanent")
def permanent() -> None:
    raise PermanentError("never", error_code="E_NEVER")


@step_handler("conformance.crash")
def crash() -> None:
    raise ZeroDivisionError("boom")


@step_handler("conformance.sleep")
@inputs("ms")
def sleep(ms: int, context: StepContext) -> dict[str, int]:
    end = time.monotonic() + ms / 1000
    while (left := end - time.monotonic()) > 0:
        if context.cancelled:
            _write(f"cancelled {context.idempotency_key}")
            return {"slept": -1}
        time.sleep(min(left, 0.01))
    return {"slept": ms}


@step_handler("conformance.effect")
@inputs("ms")
def effect(ms: int | None, context: StepContext) -> dict[str, bool]:
    _write(f"{context.idempotency_key} {context.attempt}")
    time.sleep((ms or 0) / 1000)
    return {"done": True}


class Count(StepHandler, Batchable):
    handler_name = "conformance.count"

    def call(self, context: StepContext) -> StepHandlerResult:
        total, page = context.input_data["total"], context.input_data["page"]
        cursor = min((context.checkpoint_cursor or 0) + page, total)
        pages = (context.accumulated_results or {}).get("pages", 0) + 1
        if cursor < total:
            return self.checkpoint_yield(cursor, cursor, {"pages": pages})
        return self.success({"counted": total, "pages": pages})


def _write(line: str) -> None:
    with Path(os.environ["TASKER_CONFORMANCE_EFFECTS"]).open("a", encoding="utf-8") as effects:
        effects.write(f"{line}\n")


def main() -> None:
    told_to_end = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: told_to_end.set())
    slots = int(os.environ.get("TASKER_CONFORMANCE_SLOTS", "2"))
    with Worker.start(
        handler_packages=["protocol.python_worker"],
        url=os.environ["TASKER_URL"],
        namespaces=["conformance"],
        concurrency=slots,
    ) as worker:
        while worker.is_running and not told_to_end.wait(0.1):
            pass


if __name__ == "__main__":
    main()
