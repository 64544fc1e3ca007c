"""A trace goes from the creation of a task over its steps to their attempts, whoever runs them."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from tasker_core import InvalidRequestError, PermanentError, StepContext, TaskerClient
from tasker_core.engine import Engine
from tasker_core.store import Store, open_database
from tests.support.flows import Hands, ok
from tests.support.served import served
from tests.support.workshop import Workshop, eventually

GIVEN = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def named(spans: InMemorySpanExporter, name: str) -> list[ReadableSpan]:
    return [span for span in spans.get_finished_spans() if span.name == name]


def one(spans: InMemorySpanExporter, name: str) -> ReadableSpan:
    (span,) = eventually(lambda: named(spans, name))
    return span


def id_of(span: ReadableSpan) -> int:
    assert span.context is not None
    return int(span.context.span_id)


def parent_of(span: ReadableSpan) -> int | None:
    return span.parent.span_id if span.parent is not None else None


def told(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def test_creation_steps_and_attempts_are_one_trace(workshop: Workshop, spans: InMemorySpanExporter) -> None:
    seen: list[tuple[int, int]] = []

    @workshop.handler("pay")
    def pay() -> None:
        with trace.get_tracer("shop").start_as_current_span("call the gateway"):
            seen.append((trace.get_current_span().get_span_context().trace_id, 0))

    @workshop.handler("ship")
    async def ship(context: StepContext) -> None:
        if context.attempt < 3:
            raise RuntimeError("the van is late")

    workshop.template({"pay": [], "ship": ["pay"]})
    workshop.start()
    with trace.get_tracer("shop").start_as_current_span("checkout"):
        task = workshop.create(correlation_id="01980000-0000-7000-8000-000000000002")
    assert workshop.finish(task).status == "complete"

    checkout, create = one(spans, "checkout"), one(spans, "create flow")
    pay_step, pay_attempt = one(spans, "step pay"), one(spans, "attempt pay")
    ship_step = one(spans, "step ship")
    first, second, third = sorted(named(spans, "attempt ship"), key=lambda span: told(span)["tasker.attempt"])
    assert create.parent is not None and parent_of(create) == id_of(checkout)
    assert [parent_of(span) for span in (pay_step, ship_step)] == [id_of(create)] * 2
    assert parent_of(pay_attempt) == id_of(pay_step)
    assert {parent_of(span) for span in (first, second, third)} == {id_of(ship_step)}
    assert parent_of(one(spans, "call the gateway")) == id_of(pay_attempt)
    assert len({span.context.trace_id for span in spans.get_finished_spans() if span.context}) == 1

    steps = workshop.steps(task)
    assert told(third) == {
        "tasker.task_uuid": task,
        "tasker.step_uuid": steps["ship"].step_uuid,
        "tasker.step": "ship",
        "tasker.attempt": 3,
        "tasker.max_attempts": 3,
        "tasker.correlation_id": "01980000-0000-7000-8000-000000000002",
        "tasker.namespace": "shop",
        "tasker.handler": "ship",
        "tasker.template": "flow",
        "tasker.template_version": "1.0.0",
        "tasker.ending": "ok",
    }
    assert (told(first)["tasker.ending"], told(first)["error.type"]) == ("failed", "handler_error")
    assert (told(ship_step)["tasker.state"], told(ship_step)["tasker.attempts"]) == ("complete", 3)
    assert first.status.status_code is StatusCode.ERROR and third.status.status_code is StatusCode.UNSET
    for span in spans.get_finished_spans():
        assert span.events == () and span.status.description is None, "what an error says isn't told"


def test_the_trace_of_a_caller_goes_on_at_a_server(workshop: Workshop, spans: InMemorySpanExporter) -> None:
    workshop.template({"pay": []})
    with served(workshop.url) as server, TaskerClient(url=server.url) as client:
        with trace.get_tracer("shop").start_as_current_span("checkout"):
            client.create_task("flow", namespace="shop")
            client.create_tasks([{"name": "flow", "namespace": "shop", "context": {"no": 2}}])
        client.create_task("flow", namespace="shop", context={"no": 3})
    first, second, untraced = named(spans, "create flow")
    parents = {id_of(span): parent_of(span) for span in spans.get_finished_spans()}

    def root(span: ReadableSpan) -> int:
        """The web framework may have spans of its own in between."""
        at = id_of(span)
        while (above := parents.get(at)) is not None:
            at = above
        return at

    checkout = id_of(one(spans, "checkout"))
    assert root(first) == root(second) == checkout != root(untraced)


def test_a_step_that_fails_is_told_as_such(workshop: Workshop, spans: InMemorySpanExporter) -> None:
    @workshop.handler("pay")
    def pay() -> None:
        raise PermanentError("no")

    workshop.template({"pay": []})
    workshop.start()
    assert workshop.run().status == "blocked_by_failures"
    step, attempt = one(spans, "step pay"), one(spans, "attempt pay")
    assert (told(step)["tasker.state"], step.status.status_code) == ("error", StatusCode.ERROR)
    assert told(attempt)["error.type"] == "permanent_error"
    assert parent_of(attempt) == id_of(step)


def test_a_cancelled_step_has_a_span_and_its_late_attempt_is_refused(
    workshop: Workshop, spans: InMemorySpanExporter
) -> None:
    @workshop.handler("pay")
    def pay(context: StepContext) -> None:
        workshop.gate.wait()

    workshop.template({"pay": [], "ship": ["pay"]})
    workshop.start()
    task = workshop.create()
    eventually(lambda: workshop.states(task)["pay"] == "in_progress")
    workshop.client.cancel_task(task)
    step = one(spans, "step pay")
    assert told(step)["tasker.state"] == "cancelled" and named(spans, "step ship") == []
    workshop.gate.set()
    attempt = one(spans, "attempt pay")
    assert parent_of(attempt) == id_of(step)


def test_a_refused_creation_is_an_error_of_its_span(workshop: Workshop, spans: InMemorySpanExporter) -> None:
    workshop.template({"pay": []})
    workshop.create()
    spans.clear()
    with pytest.raises(RuntimeError):
        workshop.create()
    assert told(one(spans, "create flow"))["error.type"] == "DuplicateTaskError"


def test_many_tasks_of_one_call_hang_on_one_span(workshop: Workshop, spans: InMemorySpanExporter) -> None:
    workshop.template({"pay": []})
    wishes = [{"name": "flow", "namespace": "shop", "context": {"no": no}} for no in range(3)]
    workshop.client.create_tasks(wishes)
    create = one(spans, "create flow")
    assert told(create)["tasker.tasks"] == 3
    with closing(open_database(workshop.url)) as database:
        engine = Engine(Store(database))
        leases = Hands(engine).claim_all()
    trace_id = f"{create.context.trace_id:032x}" if create.context else ""
    assert [lease.traceparent and lease.traceparent.split("-")[1] for lease in leases] == [trace_id] * 3


def test_where_nobody_traces_a_callers_trace_is_handed_on(workshop: Workshop) -> None:
    workshop.template({"pay": [], "ship": ["pay"]})
    workshop.create(traceparent=GIVEN)
    workshop.create(context={"no": 2})
    with closing(open_database(workshop.url)) as database:
        hands = Hands(Engine(Store(database)))
        traced, untraced = hands.claim_all()
        assert (traced.traceparent, untraced.traceparent) == (GIVEN, None)
        hands.report(ok(traced))
        assert hands.claim()["ship"].traceparent == GIVEN


@pytest.mark.parametrize("wrong", ["", "00-0-0-00", GIVEN.upper(), GIVEN.replace("00-", "ff-", 1), GIVEN + "-more", 7])
def test_a_traceparent_that_is_none_is_refused(workshop: Workshop, wrong: Any) -> None:
    workshop.template({"pay": []})
    with pytest.raises(InvalidRequestError) as refused:
        workshop.create(traceparent=wrong)
    assert refused.value.field == "traceparent"


def test_without_an_sdk_nothing_of_opentelemetry_is_imported(sqlite_url: str) -> None:
    program = f"""
import sys
from tasker_core import TaskerClient, Worker
from tests.support.workshop import flow
with TaskerClient(database_url={sqlite_url!r}) as client:
    client.register_template(flow({{"greet": []}}))
    with Worker.start(["tests.support.workshop.handlers"], database_url={sqlite_url!r}):
        task = client.create_task("flow", namespace="shop", context={{"name": "Ann"}})
        assert client.wait(task.task_uuid, 30).status == "complete"
print(*sorted(name for name in sys.modules if name.startswith(("opentelemetry", "prometheus_client"))))
"""
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert told.stdout.strip() == ""
