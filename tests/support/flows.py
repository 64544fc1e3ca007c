"""Templates, and an engine to play them on without a worker: handlers are functions, claims are made by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from tasker_core.engine import Engine, TaskRequest
from tasker_core.engine.processes import ProcessId, this_process
from tasker_core.errors import TaskerError
from tasker_core.rules.payload import decode, encode
from tasker_core.rules.template import Template
from tasker_core.store.rows import WorkerRow
from tasker_core.words import ClaimRequest, Ending, Lease, Outcome, Reply, Report, Settled, StepError

Handler: TypeAlias = Callable[[Lease], Any]

AWAY = ProcessId("another-host", "its-boot", 4711, 1)
"""A process of a machine that nobody here can look into."""


def flow(
    graph: Mapping[str, Sequence[str]], *, name: str = "order", namespace: str = "shop", version: str = "1.0.0",
    **of_each_step: Any,
) -> Template:  # fmt: skip
    """The template of ``{"pay": [], "ship": ["pay"]}``: each step with its parents, its handler has its name.

    ``of_each_step`` are further keys of every step, ``retry={"max_attempts": 1}`` say.
    """
    steps = [
        {"name": step, "handler": {"callable": step}, "dependencies": list(parents), **of_each_step}
        for step, parents in graph.items()
    ]
    return Template.from_content({"name": name, "namespace_name": namespace, "version": version, "steps": steps})


def wish(engine: Engine, **changes: Any) -> TaskRequest:
    """A request for a task of the template ``shop/order``, with an id of its own and an empty context."""
    return TaskRequest(**{"name": "order", "namespace": "shop", "task_uuid": engine.ids.new(), **changes})


class Hands:
    """A worker played by hand: what it claims it holds until the test reports it."""

    def __init__(self, engine: Engine, process: ProcessId | None = None, name: str = "hands") -> None:
        self.engine = engine
        host, boot, pid, started = process or this_process()
        now = engine.clock.now()
        self.uuid = engine.ids.new()
        worker = WorkerRow(0, self.uuid, name, host, boot, pid, started, "0", 10, "[]", "live", now, now)
        self.number = engine.store.workers.register(worker)
        engine.gates.attend(self.number)

    @property
    def actor(self) -> str:
        return f"worker {self.number}"

    def request(self, room: int = 100, wants: Mapping[str, Sequence[str]] | None = None) -> ClaimRequest:
        """Whatever there is, of any lane."""
        lanes = dict.fromkeys(lane for known in self.engine.catalog.current() for lane in known.lanes)
        return ClaimRequest(self.number, tuple(lanes), room, wants or {})

    def claim(self, room: int = 100, wants: Mapping[str, Sequence[str]] | None = None) -> dict[str, Lease]:
        """What is ready, by the names of the steps."""
        leases = self.engine.claim(self.request(room, wants)).leases
        by_name = {lease.step: lease for lease in leases}
        assert len(by_name) == len(leases), "several tasks: claim them with claim_all"
        return by_name

    def claim_all(self, room: int = 100, of: Sequence[str] = ()) -> list[Lease]:
        """What is ready ``of`` these lanes, or of any."""
        request = ClaimRequest(self.number, tuple(of), room, {}) if of else self.request(room)
        return list(self.engine.claim(request).leases)

    def report(self, *reports: Report, then: ClaimRequest | None = None) -> Reply:
        return self.engine.settle(reports, self.actor, then)

    def answer(self, report: Report) -> Settled:
        """The answer to one report."""
        return self.report(report).answers[report.outcome.key]

    def play(self, handlers: Mapping[str, Handler] | None = None) -> list[str]:
        """Run whatever is ready until nothing is; the steps in the order in which they ran.

        A step without a handler returns ``{}``; a handler that raises one of our errors fails as that error says.
        """
        ran: list[str] = []
        leases = self.claim_all(room=1)
        while leases:
            (lease,) = leases
            ran.append(lease.step)
            reply = self.report(run(lease, (handlers or {}).get(lease.step)), then=self.request(room=1))
            leases = list(reply.leases) or self.claim_all(room=1)
        return ran


def run(lease: Lease, handler: Handler | None) -> Report:
    """The report of ``handler`` on ``lease``."""
    try:
        return ok(lease, handler(lease) if handler else {})
    except TaskerError as error:
        return failed(lease, error.message, retryable=error.retryable)


def ok(lease: Lease, result: Any = None) -> Report:
    text = encode({"result": {} if result is None else result, "metadata": {}}, "result")
    return _report(lease, Outcome(lease.key, Ending.OK, result=text))


def failed(
    lease: Lease, message: str = "no", *, retryable: bool = True, retry_after: float | None = None,
    error_type: str = "handler_error",
) -> Report:  # fmt: skip
    after = None if retry_after is None else round(retry_after * 1_000_000)
    error = StepError(message, error_type, retryable)
    return _report(lease, Outcome(lease.key, Ending.FAILED, error=error, retry_after_us=after))


def yielded(lease: Lease, cursor: Any = None, done: int = 0) -> Report:
    saved = encode({"cursor": cursor, "items_processed": done}, "checkpoint")
    return _report(lease, Outcome(lease.key, Ending.YIELDED, result=saved, reason="checkpoint"))


def results(lease: Lease) -> dict[str, Any]:
    """The results that came along with a lease, by the names of the steps."""
    return {step: text and decode(text)["result"] for step, text in lease.dependency_results.items()}


def _report(lease: Lease, outcome: Outcome) -> Report:
    return Report(outcome, lease.template, lease.step, lease.attempt, lease.crashes, lease.rank)
