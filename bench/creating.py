"""Tasks to measure with: each has a key of its own."""

from __future__ import annotations

import time
from typing import Any

from bench import payload
from bench.templates import NAMESPACE
from tasker_core import TaskerClient

BULK = 500


def request(name: str, no: int, namespace: str = NAMESPACE) -> dict[str, Any]:
    key = f"{name}-{no}-{time.time_ns()}"
    return {"name": name, "namespace": namespace, "context": payload.context(no), "idempotency_key": key}


def create_in_bulk(client: TaskerClient, name: str, tasks: int, a_call: int = BULK, namespace: str = NAMESPACE) -> None:
    for start in range(0, tasks, a_call):
        client.create_tasks([request(name, no, namespace) for no in range(start, min(start + a_call, tasks))])
