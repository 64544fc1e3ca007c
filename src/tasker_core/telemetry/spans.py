"""The three spans of a task's life: its creation, each of its steps, each attempt of a step.

They carry ids, names and endings. What a handler was given, returned or said in an error is never in them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from tasker_core.clock import step_uuid
from tasker_core.telemetry import tracing
from tasker_core.words import Micros, StepState

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer


class Traced(NamedTuple):
    """A step that is over: what its span tells. ``since`` is when it first was ready."""

    task_uuid: str
    namespace: str
    template: str
    version: str
    no: int
    step: str
    epoch: int
    state: str
    attempts: int
    since: Micros
    until: Micros
    traceparent: str


@contextmanager
def creating(tracer: Tracer, template: str, namespace: str | None, tasks: int, parent: str | None) -> Iterator[str]:
    """A call that creates tasks; what hangs below it is to hang on the ``traceparent`` that is handed out.

    ``parent`` is that of a caller in another process.
    """
    from opentelemetry.trace import SpanKind

    with tracer.start_as_current_span(
        f"create {template}",
        context=tracing.below(parent) if parent else None,
        kind=SpanKind.PRODUCER,
        attributes={"tasker.namespace": namespace or "", "tasker.template": template, "tasker.tasks": tasks},
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        try:
            yield tracing.written(span.get_span_context())
        except Exception as error:
            _fail(span, type(error).__name__)
            raise


class Creating:
    """The span of one creation among several."""

    def __init__(self, span: Span) -> None:
        self._span = span
        self.traceparent = tracing.written(span.get_span_context())

    def fail(self, error_type: str) -> None:
        """This one wasn't created."""
        _fail(self._span, error_type)

    def end(self) -> None:
        self._span.end()


@contextmanager
def creating_each(tracer: Tracer, wishes: Sequence[tuple[str, str | None, str | None]]) -> Iterator[list[Creating]]:
    """Calls that each create a task, carried out together; a wish is its template, its namespace and its parent."""
    from opentelemetry.trace import SpanKind

    each = [
        Creating(
            tracer.start_span(
                f"create {template}",
                context=tracing.below(parent),
                kind=SpanKind.PRODUCER,
                attributes={"tasker.namespace": namespace or "", "tasker.template": template, "tasker.tasks": 1},
            )
        )
        for template, namespace, parent in wishes
    ]
    try:
        yield each
    except Exception as error:
        for one in each:
            one.fail(type(error).__name__)
        raise
    finally:
        for one in each:
            one.end()


class Running:
    """The span of an attempt, current while its handler runs. ``end`` in the thread or asyncio task that began it."""

    def __init__(self, tracer: Tracer, traceparent: str | None, step: str, attributes: Mapping[str, Any]) -> None:
        from opentelemetry import context
        from opentelemetry.trace import SpanKind, set_span_in_context

        above = tracing.below(traceparent)
        self._span = tracer.start_span(f"attempt {step}", above, SpanKind.CONSUMER, dict(attributes))
        self._token = context.attach(set_span_in_context(self._span, above))

    def end(self, ending: str, error_type: str | None) -> None:
        """The handler has returned; how its attempt ended."""
        from opentelemetry import context

        self._span.set_attribute("tasker.ending", ending)
        if error_type is not None:
            _fail(self._span, error_type)
        context.detach(self._token)
        self._span.end()


def record_step(tracer: Tracer, step: Traced) -> None:
    """Record the span of a whole step, from when it was first ready until it was over, its attempts below it."""
    parent = tracing.read(step.traceparent)
    if parent is None:
        return
    attributes: dict[str, Any] = {
        "tasker.task_uuid": step.task_uuid,
        "tasker.step_uuid": step_uuid(step.task_uuid, step.no),
        "tasker.step": step.step,
        "tasker.namespace": step.namespace,
        "tasker.template": step.template,
        "tasker.template_version": step.version,
        "tasker.state": step.state,
        "tasker.attempts": step.attempts,
    }
    with tracing.choosing(tracing.step_span_id(parent.trace_id, step.task_uuid, step.no, step.epoch)):
        span = tracer.start_span(
            f"step {step.step}", tracing.below(step.traceparent), attributes=attributes, start_time=step.since * 1_000
        )
    if step.state == StepState.ERROR:
        _fail(span, "step_failed")
    span.end(step.until * 1_000)


def _fail(span: Span, error_type: str) -> None:
    from opentelemetry.trace import Status, StatusCode

    span.set_attribute("error.type", error_type)
    span.set_status(Status(StatusCode.ERROR))
