"""The leases that the scripted server gives."""

from __future__ import annotations

import itertools
import json
import secrets
import time
import uuid
from collections.abc import Mapping
from typing import Any

_numbers = itertools.count(1)


class Lease:
    """``state``: ``open``, ``settled``, ``lost`` or ``cancelled``. ``heard``: its report was answered for
    good. ``told``: what heartbeats are answered otherwise."""

    def __init__(self, name: str, wishes: Mapping[str, Any], lease_ms: int) -> None:
        self.name, self.state, self.heard = name, "waiting", False
        self.told: str | None = None
        self.worker: str | None = None
        self.claimed = float("inf")
        self.report: dict[str, Any] | None = None
        task, handler = str(uuid.uuid4()), wishes["handler"]
        step = handler.rpartition(".")[2]
        self.body: dict[str, Any] = {
            **_new_id(),
            "fence": 1,
            "lease_ms": lease_ms,
            "timeout_ms": None,
            "task_uuid": task,
            "step_uuid": str(uuid.uuid4()),
            "namespace": "conformance",
            "template": {"name": "conformance", "version": "1.0.0", "id": str(uuid.uuid4())},
            "step": step,
            "method": None,
            "attempt": 1,
            "max_attempts": 3,
            "context": {},
            "dependency_results": {},
            "step_config": {},
            "inputs": None,
            "checkpoint": None,
            "idempotency_key": f"{task}:{step}",
            "correlation_id": str(uuid.uuid4()),
            "traceparent": None,
            # For the project's own worker.
            "key": [next(_numbers), 1, 1],
            "rank": 0,
            "crashes": 0,
            **wishes,
        }

    @property
    def lease_id(self) -> str:
        return str(self.body["lease_id"])

    @property
    def token(self) -> str:
        return str(self.body["token"])

    @property
    def status(self) -> str:
        """What a heartbeat that names it is told; one whose report wasn't answered yet is to be reported again."""
        if self.state == "settled" and not self.heard:
            return self.told or "extended"
        return self.told or {"open": "extended", "cancelled": "cancel"}.get(self.state, "lost")

    def go_to(self, worker: str) -> None:
        self.state, self.worker, self.claimed = "open", worker, time.monotonic()

    def anew(self) -> Lease:
        """Another lease of the same step."""
        kept = {key: value for key, value in self.body.items() if key not in ("lease_id", "token")}
        fence = kept["fence"] + 1
        return Lease(self.name, {**kept, "fence": fence, "key": [*kept["key"][:2], fence]}, kept["lease_ms"])

    def end(self, state: str) -> None:
        if self.state == "open":
            self.state = state

    @staticmethod
    def is_too_large(report: Mapping[str, Any], most: int) -> bool:
        payload = report.get("result", report.get("accumulated_results"))
        return len(json.dumps(payload, ensure_ascii=False).encode("utf-8", "surrogatepass")) > most


def _new_id() -> dict[str, str]:
    return {"lease_id": secrets.token_hex(8), "token": secrets.token_urlsafe(24)}
