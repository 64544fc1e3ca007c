"""The worker of the page with one fault, named by its argument: each of them must be found by a case."""

from __future__ import annotations

import os
import sys
import time
import uuid
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.protocol import page_worker
from tests.protocol.page_worker import CAREFUL, HANDLERS, Lease

Right: Any = CAREFUL


class ReportsTwice(Right):
    def settle(self, lease: Lease, report: Any) -> None:
        known = {"lease_id": lease["lease_id"], "token": lease["token"]}
        self.call("POST", f"{self.path}/reports", {"reports": [{**known, **report}]})
        super().settle(lease, report)


class ForgetsItsRequest(Right):
    def call(self, method: str, path: str, body: Any = None) -> Any:
        while True:
            if body and "wait_ms" in body:
                body = {**body, "request_id": str(uuid.uuid4())}
            status, told, _ = self.ask(method, path, body)
            if status not in (0, 503):
                return status, told
            time.sleep(0.05)


class RunsAgain(Right):
    """A report that isn't answered has it run the handler again."""

    def settle(self, lease: Lease, report: Any) -> None:
        known = {"lease_id": lease["lease_id"], "token": lease["token"]}
        while self.ask("POST", f"{self.path}/reports", {"reports": [{**known, **report}]})[0] != 200:
            report = self.run(lease)
        self.lease = None


class IsImpatient(Right):
    """It doesn't look at Retry-After."""

    def ask(self, *request: Any, **more: Any) -> Any:
        status, told, _ = super().ask(*request, **more)
        return status, told, None


class GivesUp(Right):
    """A 500 is final to it."""

    def call(self, method: str, path: str, body: Any = None) -> Any:
        status, told, _ = self.ask(method, path, body)
        return status, told


class IsDeaf(Right):
    """It doesn't hear what heartbeats are answered."""

    def ask(self, method: str, path: str, *more: Any) -> Any:
        status, told, wait = super().ask(method, path, *more)
        return (status, {}, wait) if path.endswith("/heartbeat") and status == 200 else (status, told, wait)


class NamesNothing(Right):
    def ask(self, method: str, path: str, body: Any = None, *more: Any) -> Any:
        if path.endswith("/heartbeat"):
            body = {**body, "leases": []}
        return super().ask(method, path, body, *more)


class LeavesSilently(Right):
    def call(self, method: str, *more: Any) -> Any:
        if method == "DELETE":
            os._exit(0)
        return super().call(method, *more)


class BecomesAnother(Right):
    def register(self) -> None:
        self.about["instance_id"] = str(uuid.uuid4())
        super().register()


class NeverGivesIn(Right):
    """It reports again what was refused as too late."""

    def settle(self, lease: Lease, report: Any) -> None:
        super().settle(lease, report)
        time.sleep(0.05)
        self.ask("POST", f"/v1/leases/{lease['lease_id']}/{report['op']}", {"token": lease["token"], **report})


class HasNoWatch(Right):
    """It knows no timeouts."""

    def run(self, lease: Lease) -> Any:
        return super().run({**lease, "timeout_ms": None})


class HopesOn(Right):
    """Whatever fails may be tried again."""

    def run(self, lease: Lease) -> Any:
        report = super().run(lease)
        return {**report, "error": {**report["error"], "retryable": True}} if "error" in report else report


class ReadsDoubles(Right):
    """Whole numbers become doubles, as in a language whose JSON knows no others."""

    def run(self, lease: Lease) -> Any:
        return super().run({**lease, "context": _doubled(lease["context"])})


class KnowsItAll(Right):
    """It ends with a directive that it doesn't know."""

    def ask(self, *request: Any, **more: Any) -> Any:
        status, told, wait = super().ask(*request, **more)
        if told.get("directive", "run") not in ("run", "drain", "stop"):
            os._exit(1)
        return status, told, wait


class EndsAtOnce(Right):
    """What runs is left behind."""

    def run(self, lease: Lease) -> Any:
        report: dict[str, Any] = {}
        import threading

        worked = threading.Thread(target=lambda: report.update(super(EndsAtOnce, self).run(lease)), daemon=True)
        worked.start()
        while worked.is_alive():
            worked.join(0.01)
            if self.state == "ending":
                self.call("DELETE", self.path)
                os._exit(0)
        return report


def _doubled(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _doubled(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_doubled(each) for each in value]
    return int(float(value)) if isinstance(value, int) and not isinstance(value, bool) else value


if __name__ == "__main__":
    assert HANDLERS
    page_worker.main(globals()[sys.argv[1]])
