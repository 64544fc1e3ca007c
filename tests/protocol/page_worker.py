"""The worker of `docs/how-to/write-a-worker.md` with the handlers of the conformance cases."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "how-to" / "write-a-worker.md"
sys.path.insert(0, str(ROOT))

from tests.support.code_blocks import code_blocks  # noqa: E402

Lease = dict[str, Any]


def modules() -> dict[str, ModuleType]:
    """The modules that the page writes to files, but for its handlers."""
    made = {}
    for block in code_blocks(PAGE):
        if block.file in ("worker.py", "careful.py"):
            name = block.file.removesuffix(".py")
            made[name] = sys.modules[name] = ModuleType(name)
            exec(compile("\n" * (block.line - 1) + block.code, str(PAGE), "exec"), vars(made[name]))
    return made


PAGES = modules()
WORKER: Any = PAGES["worker"]
CAREFUL: Any = PAGES["careful"].CarefulWorker


def echo(lease: Lease) -> Any:
    results = {name: found and found["result"] for name, found in lease["dependency_results"].items()}
    told = {"context": lease["context"], "config": lease["step_config"], "dependencies": results}
    return {**told, "attempt": lease["attempt"], "key": lease["idempotency_key"]}


def numbers(lease: Lease) -> Any:
    return {"n": lease["context"]["n"], "next": lease["context"]["n"] + 1}


def big(lease: Lease) -> Any:
    return {"blob": "x" * lease["context"]["bytes"]}


def retryable(lease: Lease) -> Any:
    raise WORKER.failed("try again", "RetryableError", retry_after_ms=lease["context"].get("retry_after_ms"))


def permanent(lease: Lease) -> Any:
    raise WORKER.failed("never", "PermanentError", retryable=False, error_code="E_NEVER")


def crash(lease: Lease) -> Any:
    raise ZeroDivisionError("boom")


def sleep(lease: Lease) -> Any:
    if lease["stop"].wait(lease["context"]["ms"] / 1000):
        _write(f"cancelled {lease['idempotency_key']}")
        return {"slept": -1}
    return {"slept": lease["context"]["ms"]}


def effect(lease: Lease) -> Any:
    _write(f"{lease['idempotency_key']} {lease['attempt']}")
    lease["stop"].wait(lease["context"].get("ms", 0) / 1000)
    return {"done": True}


def count(lease: Lease) -> Any:
    total, page = lease["context"]["total"], lease["context"]["page"]
    before = lease["checkpoint"] or {"cursor": 0}
    cursor = min(before["cursor"] + page, total)
    pages = ((before.get("accumulated_results") or {}).get("pages") or 0) + 1
    if cursor < total:
        place = {"cursor": cursor, "items_processed": cursor, "accumulated_results": {"pages": pages}}
        raise WORKER.Instead({"op": "checkpoint", **place})
    return {"counted": total, "pages": pages}


def _write(line: str) -> None:
    with open(os.environ["TASKER_CONFORMANCE_EFFECTS"], "a", encoding="utf-8") as effects:
        effects.write(f"{line}\n")


HANDLERS = {
    f"conformance.{each.__name__}": each
    for each in (echo, numbers, big, retryable, permanent, crash, sleep, effect, count)
}


def main(worker: Any) -> None:
    worker(os.environ["TASKER_URL"], "conformance", HANDLERS, os.environ.get("TASKER_API_KEY")).serve()


if __name__ == "__main__":
    main(CAREFUL)
