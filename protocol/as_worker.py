"""The driver as a worker: plays the cases of servers against a running server."""

from __future__ import annotations

import http.client
import time
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from protocol.case import Case, Failed
from protocol.patterns import mismatch
from protocol.restarts import Restarts
from protocol.values import Names
from protocol.wire import Said, Wire, to_json

PAUSE = 0.05


@dataclass(frozen=True)
class Server:
    """The server: where it is, the keys of the cases' callers (``worker``, ``other``, ``weak``), and how to kill it and
    start it anew."""

    url: str
    keys: Mapping[str, str] = field(default_factory=dict)
    restart: Callable[[], None] | None = None
    patience_ms: int = 10_000

    @property
    def offers(self) -> frozenset[str]:
        """What cases may need."""
        return frozenset({*(["restart"] if self.restart else []), *(["keys"] if "weak" in self.keys else [])})


def answers(server: Server) -> bool:
    """Is anybody there?"""
    try:
        return Wire(server.url, {}).ask("GET", "/v1/worker-protocol", None, {}).status > 0
    except (OSError, http.client.HTTPException):
        return False


class Play:
    """One case: a method for each move."""

    def __init__(self, case: Case, server: Server, restarts: Restarts | None = None) -> None:
        self.case, self.server, self.restarts = case, server, restarts
        self.names = Names(ns=f"c{uuid.uuid4().hex[:12]}")
        self.later: dict[str, Future[Said]] = {}
        self.threads = ThreadPoolExecutor(max_workers=8)

    def run(self) -> None:
        """Raises Failed at the first move that isn't answered as it must be."""
        try:
            self._set_up(self.case.script)
            for place, move in enumerate(self.case.play, 1):
                try:
                    said = self.names.fill(move)
                    getattr(self, f"_{next(iter(move))}")(**said)
                except Failed as failed:
                    raise Failed(f"move {place} {next(iter(move))}: {failed}") from None
        finally:
            self.threads.shutdown(wait=False)
            if self.restarts:
                self.restarts.leave(self.case.name)

    def _set_up(self, script: Mapping[str, Any]) -> None:
        for name, steps in script.get("templates", {}).items():
            template = {"name": name, "namespace_name": self.names["ns"], "version": "1.0.0", "steps": steps}
            self._say("POST", "/v1/templates", self.names.fill(template), {"status": 201})
        for name, wishes in script.get("workers", {}).items():
            self._worker(name, **self.names.fill(wishes))
        for name, wishes in script.get("tasks", {}).items():
            self._create(self.names.fill(wishes), name)

    # Moves.

    def _send(
        self,
        send: str,
        body: Any = None,
        expect: Any = None,
        keep: str | None = None,
        later: str | None = None,
        **how: Any,
    ) -> None:
        method, _, path = send.partition(" ")
        if how.pop("cut", False):
            self._wire(how).cut(method, path, self._bytes(body, how), how.get("headers", {}))
        elif later:
            self.later[later] = self.threads.submit(self._ask, method, path, body, how)
        else:
            self._keep(keep, self._say(method, path, body, expect, how))

    def _answer(self, answer: str, expect: Any = None, keep: str | None = None, within_ms: int = 0) -> None:
        """What a request that was sent for ``later`` is answered."""
        within_ms = within_ms or self.server.patience_ms
        try:
            said = self.later[answer].result(within_ms / 1000)
        except TimeoutError:
            raise Failed(f"not answered within {within_ms} ms") from None
        _must_be(expect, said)
        self._keep(keep, said)

    def _waits(self, waits: str, for_ms: int) -> None:
        time.sleep(for_ms / 1000)
        if self.later[waits].done():
            raise Failed(f"answered within {for_ms} ms: {self.later[waits].result().shown}")

    def _worker(self, worker: str, **wishes: Any) -> None:
        body = {"instance_id": str(uuid.uuid4()), "name": worker, "namespaces": [self.names["ns"]], **wishes}
        self._keep(worker, self._say("POST", "/v1/workers", body, {"status": 201}))

    def _claim(self, claim: str, keep: str, expect: Any = None, within_ms: int = 0, beats: bool = False) -> None:
        """One lease of a worker, which must come in this time. ``beats``: as a worker that holds nothing yet."""
        end = time.monotonic() + (within_ms or self.server.patience_ms) / 1000
        while True:
            path = f"/v1/workers/{self.names[claim]['worker_id']}"
            if beats:
                self._say("POST", f"{path}/heartbeat", {"state": "running", "leases": []}, {"status": 200})
            body = {"request_id": str(uuid.uuid4()), "max": 1, "wait_ms": 1000}
            said = self._ask("POST", f"{path}/claims", body)
            if said.status == 200 and said.body["leases"]:
                break
            if said.status not in (200, 204) or time.monotonic() > end:
                raise Failed(f"no lease came: {said.shown}")
        (lease,) = said.body["leases"]
        if expect is not None and (wrong := mismatch(expect, lease)):
            raise Failed(f"the lease: {wrong}")
        self.names[keep] = lease

    def _report(self, report: str, expect: Any = None, **outcome: Any) -> None:
        """The outcome of a lease, at its own door: ``op`` with what it needs."""
        lease, op = self.names[report], outcome.pop("op")
        status = {"status": 200, "body": {"accepted": True, "replayed": False}}
        body = {"token": lease["token"], **outcome}
        self._say("POST", f"/v1/leases/{lease['lease_id']}/{op}", body, status if expect is None else expect)

    def _beat(self, beat: str, leases: list[str], expect: Any = None, state: str = "running") -> None:
        body = {"state": state, "leases": [{"lease_id": self.names[name]["lease_id"]} for name in leases]}
        path = f"/v1/workers/{self.names[beat]['worker_id']}/heartbeat"
        self._say("POST", path, body, {"status": 200} if expect is None else expect)

    def _create(self, create: dict[str, Any], keep: str = "task") -> None:
        body = {"context": {}, "namespace": self.names["ns"], **create}
        self._keep(keep, self._say("POST", "/v1/tasks", body, {"status": 201}))

    def _task(self, task: str, within_ms: int = 0, **expect: Any) -> None:
        """The task and its ``steps``, by name, as they are or become in this time."""
        within_ms = within_ms or self.server.patience_ms
        path = f"/v1/tasks/{self.names[task]['task_uuid']}"
        end = time.monotonic() + within_ms / 1000
        while True:
            found = self._ask("GET", path).body
            steps = self._ask("GET", f"{path}/workflow_steps").body
            found["steps"] = {step["name"]: step for step in steps}
            if (wrong := mismatch(expect, found)) is None:
                return
            if time.monotonic() > end:
                raise Failed(f"not within {within_ms} ms: {wrong}")
            time.sleep(PAUSE)

    def _restart(self, restart: bool) -> None:
        assert restart
        assert self.restarts
        self.restarts.meet(self.case.name)

    def _wait_ms(self, wait_ms: int) -> None:
        time.sleep(wait_ms / 1000)

    # Requests.

    def _say(self, method: str, path: str, body: Any, expect: Any, how: Mapping[str, Any] = {}) -> Said:
        said = self._ask(method, path, body, how)
        _must_be(expect, said)
        return said

    def _ask(self, method: str, path: str, body: Any = None, how: Mapping[str, Any] = {}) -> Said:
        try:
            return self._wire(how).ask(method, path, self._bytes(body, how), how.get("headers", {}))
        except (OSError, http.client.HTTPException) as error:
            raise Failed(f"{method} {path} isn't answered: {error!r}") from None

    def _wire(self, how: Mapping[str, Any]) -> Wire:
        caller = how.get("caller", "worker")
        key = self.server.keys.get(caller)
        return Wire(self.server.url, {"X-API-Key": key} if key else {})

    @staticmethod
    def _bytes(body: Any, how: Mapping[str, Any]) -> bytes | None:
        if "text" in how:
            return str(how["text"]).encode("utf-8", "surrogatepass")
        return None if body is None else to_json(body)

    def _keep(self, name: str | None, said: Said) -> None:
        if name:
            self.names[name] = said.body


def _must_be(expect: Any, said: Said) -> None:
    if expect is not None and (wrong := mismatch(expect, said.shown)):
        raise Failed(f"{wrong}\n    answered: {str(said.shown)[:600]}")
