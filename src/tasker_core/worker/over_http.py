"""A worker's sentences to an engine in another process, over HTTP: docs/reference/worker-protocol.md."""

from __future__ import annotations

import json
import threading
import time
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, NoReturn
from uuid import uuid4

from tasker_core.clock import SECOND, RandomIds, SystemClock
from tasker_core.engine import Heard, Known
from tasker_core.engine.wake import Listener
from tasker_core.errors import ServerError, TransactionError, WorkerNotFoundError
from tasker_core.rules.template import Template
from tasker_core.store.rows import WorkerRow
from tasker_core.store.steps import Look
from tasker_core.version import VERSION
from tasker_core.words import (
    ClaimRequest,
    Ending,
    JsonText,
    Lease,
    LeaseKey,
    Micros,
    Outcome,
    Reply,
    Report,
    Settled,
    StepError,
    split_lane,
)
from tasker_core.worker.asking import Asking
from tasker_core.worker.polling import Poll
from tasker_core.worker.remote_templates import RemoteTemplates
from tasker_core.worker.transport import Registered, beat_every
from tasker_core.worker.wire import events_of, lease_of, report_text

if TYPE_CHECKING:
    from tasker_core.settings.values import Settings

LONGEST_POLL_MS = 20_000
QUIET = 0.02
"""Seconds without a report after which a worker that runs something asks for more by itself."""
MOST_CLAIMED = 200
LONGEST_GOODBYE = 4.0
"""Seconds that an end waits for a poll, which the server lets go of."""
ACCEPTED, TOO_LATE = 200, (404, 409)
CANCELLED = "TASK_CANCELLED"


class OverHttp:
    """The engine behind the server that ``settings.worker.url`` names. One per worker."""

    name = "server"
    is_remote = True

    def __init__(self, settings: Settings) -> None:
        self._server = Asking(settings)
        self._templates = RemoteTemplates(self._server)
        self._clock, self._ids = SystemClock(), RandomIds()
        self._instance = str(uuid4())
        self._ids_of_workers: dict[int, str] = {}
        self._registration: dict[str, Any] = {}
        self._tokens: dict[LeaseKey, tuple[str, str]] = {}
        self._lost: set[LeaseKey] = set()
        self._template_mark = ""
        self._draining = False
        self._claim_id = str(uuid4())
        self._poll: Poll | None = None
        self._poll_id = str(uuid4())
        self._lanes: Collection[str] = ()
        self._talks, self._talked_at = 0, 0.0
        self._lock = threading.Lock()
        self._began = SystemClock().now() - SystemClock().monotonic()
        self._tell_given_up: Callable[[int], None] = lambda _: None
        self.lease_time: Micros = round(settings.worker.lease_seconds * SECOND)
        self.beat_every = beat_every(self.lease_time)

    def now(self) -> Micros:
        """The time when the worker began, and what has passed since: nobody can set this clock."""
        return self._began + self._clock.monotonic()

    def new_id(self) -> str:
        return self._ids.new()

    def close(self) -> None:
        if self._poll is not None and self._poll.is_alive():
            self._poll.join(LONGEST_GOODBYE)
        self._server.close()

    # -- the worker

    def register(self, worker: WorkerRow, wants: Mapping[str, Sequence[str]]) -> Registered:
        self._lanes = json.loads(worker.lanes)
        self._registration = {
            "instance_id": self._instance, "name": worker.name, "language": "python", "sdk_version": VERSION,
            "slots": worker.slots, "handlers": _handlers(self._lanes, wants),
            "process": {
                "host": worker.host, "boot": worker.boot, "pid": worker.pid, "started": worker.process_started,
            },
        }  # fmt: skip
        uuid = self._register()
        with self._lock:
            number = len(self._ids_of_workers) + 1
            self._ids_of_workers[number] = uuid
            self._tokens.clear()
            self._lost.clear()
        return Registered(number, uuid)

    def serve(self, worker: int, lanes: Collection[str], wants: Mapping[str, Sequence[str]]) -> None:
        del worker
        self._lanes = lanes
        self._registration["handlers"] = _handlers(lanes, wants)
        self._register()

    def _register(self) -> str:
        said = self._server.ask("POST", "/v1/workers", self._registration)
        self.lease_time, self.beat_every = said["lease_ms"] * 1_000, said["heartbeat_ms"] * 1_000
        self._template_mark = said["templates"]
        uuid: str = said["worker_id"]
        return uuid

    def beat(self, worker: int, believed: Collection[LeaseKey]) -> Heard:
        """Names what was handed out and not lost since, also what is still on its way to the worker's loop."""
        with self._lock:
            for key in self._lost - set(believed):
                self._tokens.pop(key, None)
            self._lost &= self._tokens.keys()
            named = {lease_id: key for key, (lease_id, _) in self._tokens.items() if key not in self._lost}
        body = {
            "state": "draining" if self._draining else "running", "leases": [{"lease_id": name} for name in named],
        }  # fmt: skip
        try:
            said = self._server.ask("POST", f"{self._path(worker)}/heartbeat", body, once=True, hastily=True)
        except WorkerNotFoundError:
            return Heard(known=False, lost=frozenset(believed))
        self._template_mark = said["templates"]
        statuses = {named[lease["lease_id"]]: lease["status"] for lease in said["leases"]}
        lost = frozenset(key for key, status in statuses.items() if status == "lost")
        cancelled = frozenset(key for key, status in statuses.items() if status == "cancel")
        with self._lock:
            self._lost |= lost | cancelled
        ends, drains = said["directive"] == "stop", said["directive"] in ("drain", "stop")
        self._draining = self._draining or drains
        return Heard(True, lost, cancelled, drains=drains, ends=ends)

    def drain(self, worker: int) -> None:
        self._draining = True
        self.beat(worker, list(self._tokens))

    def end(self, worker: int) -> None:
        if self._poll is not None:
            self._poll.stop()
        if self._tokens.keys() - self._lost:
            # A handler still runs: its step mustn't begin elsewhere as if nothing had happened. It is found as lost.
            return
        with suppress(WorkerNotFoundError):
            self._server.ask("DELETE", self._path(worker))

    # -- steps

    def look(self, lanes: Sequence[str]) -> Look:
        """What waits, the server sees itself."""
        del lanes
        return Look({}, None, (zlib.crc32(self._template_mark.encode()), 0))

    def claim(self, request: ClaimRequest) -> Reply:
        return self.report(request.worker, (), request)

    def report(self, worker: int, reports: Sequence[Report], request: ClaimRequest | None) -> Reply:
        known = [report for report in reports if report.outcome.key in self._tokens]
        shown = {report.outcome.key: self._tokens[report.outcome.key] for report in known}
        texts = [report_text(report, *shown[report.outcome.key]) for report in known]
        claim = ""
        if request is not None:
            # The same until it is answered: what an answer would have brought that was lost comes with the next one.
            claim = f',"claim":{{"request_id":"{self._claim_id}","max":{min(request.room, MOST_CLAIMED)}}}'
        with self._talking(), self._patiently(worker):
            body = f'{{"reports":[{",".join(texts)}]{claim}}}'
            said = self._server.ask("POST", f"{self._path(worker)}/reports", body, once=True)
            if request is not None:
                self._claim_id = str(uuid4())
            leases = self._remember(said["leases"], worker)
        answers = {report.outcome.key: Settled.LOST for report in reports}
        refused: list[Report] = []
        for report, result in zip(known, said["results"], strict=True):
            if result["status"] == ACCEPTED:
                answers[report.outcome.key] = Settled.REPLAYED if result["replayed"] else Settled.APPLIED
            elif result["status"] in TOO_LATE:
                answers[report.outcome.key] = Settled.CANCELLED if result["code"] == CANCELLED else Settled.LOST
            else:
                refused.append(_spoiled(report, result["message"]))
        events = events_of(said.get("events", ()), {lease_id: key for key, (lease_id, _) in shown.items()})
        if refused:
            again = self.report(worker, refused, None)
            answers |= again.answers
            events += again.events
        with self._lock:
            for key in answers:
                self._tokens.pop(key, None)
        return Reply(answers, leases, events)

    def poll(self, request: ClaimRequest) -> Sequence[Lease]:
        """Wait for steps."""
        body = {"request_id": self._poll_id, "max": min(request.room, MOST_CLAIMED), "wait_ms": LONGEST_POLL_MS}
        path = f"{self._path(request.worker)}/claims"
        with self._patiently(request.worker):
            said = self._server.ask("POST", path, body, waiting=LONGEST_POLL_MS / 1_000, once=True)
        self._poll_id, self._talked_at = str(uuid4()), time.monotonic()
        return self._remember(said["leases"], request.worker) if said else ()

    def _remember(self, said: Sequence[Mapping[str, Any]], worker: int) -> list[Lease]:
        """The leases that are handed out, but for those that are held already: an answer may come twice."""
        fresh = []
        with self._lock:
            for each in said:
                lease = lease_of(each, worker)
                if lease.key not in self._tokens:
                    self._tokens[lease.key] = each["lease_id"], each["token"]
                    fresh.append(lease)
        return fresh

    def give_back(self, worker: int, keys: Collection[LeaseKey]) -> None:
        outcomes = [Outcome(key, Ending.RELEASED, reason="the worker has no use for it") for key in keys]
        if outcomes:
            self.report(worker, [Report(outcome, "", "", 0) for outcome in outcomes], None)

    def enqueue_due(self, worker: int) -> int:
        """The server does."""
        del worker
        return 0

    def sweep(self) -> int:
        """The server does."""
        return 0

    def result_of(self, task: int, template: str, step: str) -> JsonText | None:
        del template
        with self._lock:
            lease_id, token = next(shown for key, shown in self._tokens.items() if key.task == task)
        said = self._server.ask("POST", f"/v1/leases/{lease_id}/results", {"token": token, "step": step})
        return json.dumps(said["result"]) if said["found"] else None

    def lend(self) -> NoReturn:
        raise TransactionError("context.transaction needs the store: start the worker with database_url, not with url")

    # -- templates

    def known(self, template: str) -> Known:
        return self._templates.known(template)

    def templates(self) -> Sequence[Known]:
        return self._templates.current()

    def register_template(self, template: Template, *, replace: bool) -> Sequence[str]:
        """The server decides by its own environment whether another content replaces one that is registered."""
        del replace
        return self._templates.register(template)

    # -- what becomes ready

    def has_limits(self) -> bool:
        """Limits are looked at by the server."""
        return False

    def is_limited(self, lane: str) -> bool:
        del lane
        return False

    def change_mark(self) -> int:
        return -1

    def hears_hints(self) -> bool:
        """A poll brings what becomes ready."""
        return True

    def listen(self, listener: Listener) -> Callable[[], None]:
        def wish() -> ClaimRequest | None:
            return listener.wish(self._lanes) if self._is_quiet() else None

        self._poll = Poll(wish, self.poll, listener.take)
        self._poll.start()
        return self._poll.stop

    def _is_quiet(self) -> bool:
        """Is nothing being reported, nor about to be? A report claims as well."""
        return not self._talks and (not self._tokens or time.monotonic() - self._talked_at > QUIET)

    @contextmanager
    def _talking(self) -> Iterator[None]:
        self._talks += 1
        try:
            yield
        finally:
            self._talks -= 1
            self._talked_at = time.monotonic()
            if self._poll is not None and not self._tokens:
                self._poll.ring()

    def tell_when_given_up(self, tell: Callable[[int], None]) -> None:
        """Call ``tell`` with a worker that the server doesn't know any more."""
        self._tell_given_up = tell

    def _path(self, worker: int) -> str:
        return f"/v1/workers/{self._ids_of_workers[worker]}"

    @contextmanager
    def _patiently(self, worker: int) -> Iterator[None]:
        """A worker that was given up registers again and goes on. What is finished is kept until then."""
        try:
            yield
        except WorkerNotFoundError as error:
            self._tell_given_up(worker)
            raise ServerError(str(error)) from error


def _handlers(lanes: Collection[str], wants: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    named = ((*split_lane(lane), list(wants.get(lane, ()))) for lane in lanes)
    return [{"namespace": space, "callable": name, "dependencies": wanted} for space, name, wanted in named]


def _spoiled(report: Report, why: str) -> Report:
    """The same attempt, ended as one whose outcome can't be kept."""
    error = StepError(why, "serialization_error", retryable=False)
    return report._replace(outcome=Outcome(report.outcome.key, Ending.FAILED, error=error), drafts=None)
