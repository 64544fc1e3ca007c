"""Handlers as functions: declare what a step needs, get it as keywords, return what it found out.

>>> from tasker_core.step_handler import depends_on, inputs, step_handler
>>> @step_handler("price_order")
... @depends_on(cart="validate_cart")
... @inputs("coupon")
... def price_order(cart, coupon):
...     return {"total": cart["subtotal"] - (5 if coupon else 0)}

The function stays a plain one, so a test calls it directly:

>>> price_order(cart={"subtotal": 30}, coupon="SPRING")
{'total': 25}

The decorator that names the handler stands outermost. ``async def`` works the same.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias, TypeVar, cast, runtime_checkable

import pydantic

from tasker_core.batch_processing import Batchable
from tasker_core.errors import HandlerDeclarationError
from tasker_core.step_handler.base import StepHandler
from tasker_core.step_handler.declaring import depends_on, inputs
from tasker_core.step_handler.endings import failure_of, result_of, validation_failure
from tasker_core.step_handler.injection import Getter, Plan, Refused, plan_for
from tasker_core.step_handler.mixins.api import APIMixin
from tasker_core.step_handler.mixins.decision import DecisionMixin
from tasker_core.types import BatchWorkerContext, DecisionPointOutcome, DecisionType, StepContext, StepHandlerResult

__all__ = [
    "BatchConfig",
    "Decision",
    "FunctionalHandler",
    "HandlerDecorator",
    "api_handler",
    "batch_analyzer",
    "batch_worker",
    "decision_handler",
    "depends_on",
    "inputs",
    "step_handler",
]

F = TypeVar("F", bound=Callable[..., Any])

HandlerDecorator: TypeAlias = Callable[[Callable[..., Any]], Callable[..., Any]]
"""What the ``*_handler`` functions return."""

Finish: TypeAlias = Callable[[Any, Any], StepHandlerResult]
"""Takes the handler and what its function returned, gives the result."""


@runtime_checkable
class FunctionalHandler(Protocol):
    """A decorated function: callable as before, and with the handler class made from it."""

    _handler_class: type[StepHandler]

    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...


@dataclass(frozen=True)
class Decision:
    """What a decision function returns: the branches to take, or none.

    >>> Decision.route(["ship_by_air"], distance_km=9000).outcome.next_step_names
    ['ship_by_air']
    >>> Decision.skip("digital goods only").outcome.reason
    'digital goods only'
    """

    outcome: DecisionPointOutcome

    @classmethod
    def route(cls, steps: list[str], **routing_context: Any) -> Decision:
        """Go on with ``steps``; ``routing_context`` says why, for people."""
        return cls(DecisionPointOutcome.create_steps(steps, routing_context=routing_context))

    @classmethod
    def skip(cls, reason: str, **routing_context: Any) -> Decision:
        """Take no branch, for ``reason``."""
        return cls(DecisionPointOutcome.no_branches(reason, routing_context=routing_context))


@dataclass
class BatchConfig:
    """What an analyzer function returns: how many items there are and how many make a batch."""

    total_items: int
    batch_size: int
    metadata: dict[str, Any] = field(default_factory=dict)


def step_handler(name: str, version: str = "1.0.0") -> Callable[[F], F]:
    """Make a function the handler that templates call ``name``.

    What it returns is the step's result: a dict as it is, a pydantic model as its JSON form, None as ``{}``, anything
    else as ``{"result": value}``, a ``StepHandlerResult`` unchanged. A ``PermanentError`` ends the step, any other
    exception is retried while the step has attempts left.

    Raises:
        HandlerDeclarationError: the function's parameters and its declared dependencies and inputs don't fit.
    """
    return _handler(name, version, (StepHandler,), lambda _handler, value: result_of(value))


def decision_handler(name: str, version: str = "1.0.0") -> Callable[[F], F]:
    """Make a function the handler of a decision step: it returns a :class:`Decision`."""

    def finish(handler: DecisionMixin, value: Any) -> StepHandlerResult:
        if not isinstance(value, Decision):
            return result_of(value)
        outcome = value.outcome
        if outcome.decision_type is DecisionType.NO_BRANCHES:
            return handler.skip_branches(outcome.reason or "", outcome.routing_context)
        return handler.decision_success(outcome.next_step_names, outcome.routing_context)

    return _handler(name, version, (DecisionMixin, StepHandler), finish)


def batch_analyzer(name: str, worker_template: str, version: str = "1.0.0") -> Callable[[F], F]:
    """Make a function the handler that cuts a batch: it returns a :class:`BatchConfig`.

    ``worker_template`` is the ``batch_worker`` step that is copied for each range.
    """

    def finish(handler: Batchable, value: Any) -> StepHandlerResult:
        if not isinstance(value, BatchConfig):
            return result_of(value)
        outcome = handler.create_batch_outcome(value.total_items, value.batch_size, batch_metadata=value.metadata)
        return handler.batch_analyzer_success(outcome, worker_template_name=worker_template)

    return _handler(name, version, (Batchable, StepHandler), finish)


def batch_worker(name: str, version: str = "1.0.0") -> Callable[[F], F]:
    """Make a function the handler of one batch. It may take ``batch_context``: its range, or None.

    The placeholder for no batches at all is called with the range from 0 to 0.
    """
    return _handler(
        name,
        version,
        (Batchable, StepHandler),
        lambda _handler, value: result_of(value),
        {"batch_context": _batch_context},
    )


def api_handler(
    name: str,
    base_url: str,
    version: str = "1.0.0",
    timeout: float = 30.0,
    default_headers: Mapping[str, str] | None = None,
) -> Callable[[F], F]:
    """Make a function a handler that calls an HTTP API. It may take ``api``: the handler, with ``get``, ``post`` ...

    Args:
        name: what templates call it.
        base_url: what paths are relative to.
        version: the handler's own version.
        timeout: seconds for each request.
        default_headers: sent with each request.
    """
    return _handler(
        name,
        version,
        (APIMixin, StepHandler),
        lambda _handler, value: result_of(value),
        {"api": lambda handler, _context: handler},
        {"base_url": base_url, "default_timeout": timeout, "default_headers": dict(default_headers or {})},
    )


def _batch_context(_handler: Any, context: StepContext) -> BatchWorkerContext | None:
    try:
        return BatchWorkerContext.from_step_context(context)
    except pydantic.ValidationError as error:
        raise Refused(validation_failure(error, "the step's batch")) from error


def _handler(
    name: str,
    version: str,
    bases: tuple[type[Any], ...],
    finish: Finish,
    offered: Mapping[str, Getter] | None = None,
    attributes: Mapping[str, Any] | None = None,
) -> Callable[[F], F]:
    """The decorator that makes a handler class of a function, stores it there and returns the function."""
    if not isinstance(name, str) or not name:
        raise HandlerDeclarationError(f"a handler needs a name: @step_handler('validate_cart'), not {name!r}")

    def decorate(fn: F) -> F:
        if inspect.isclass(fn) or not callable(fn):
            raise HandlerDeclarationError(f"handler {name!r} decorates a function, not {fn!r}")
        if (inner := getattr(fn, "_handler_class", None)) is not None:
            raise HandlerDeclarationError(f"{fn.__qualname__} is the handler {inner.handler_name!r} already")
        call = _call_of(fn, plan_for(fn, name, offered or {}), finish)
        namespace = {
            "handler_name": name,
            "handler_version": version,
            "call": call,
            "_function": staticmethod(fn),
            "declared_dependencies": tuple(getattr(fn, "_depends_on", {}).values()),
            "__doc__": fn.__doc__,
            "__module__": fn.__module__,
            "__qualname__": fn.__qualname__,
            **(attributes or {}),
        }
        cast(Any, fn)._handler_class = type(fn.__name__, bases, namespace)
        return fn

    return decorate


def _call_of(fn: Callable[..., Any], plan: Plan, finish: Finish) -> Callable[..., Any]:
    """The ``call`` of a handler made of ``fn``: a coroutine function where ``fn`` is one."""
    if inspect.iscoroutinefunction(fn):

        async def call_async(self: StepHandler, context: StepContext) -> StepHandlerResult:
            try:
                return finish(self, await fn(**{name: get(self, context) for name, get in plan}))
            except Refused as refused:
                return refused.result
            except Exception as error:
                return failure_of(error)

        return call_async

    def call(self: StepHandler, context: StepContext) -> StepHandlerResult:
        try:
            return finish(self, fn(**{name: get(self, context) for name, get in plan}))
        except Refused as refused:
            return refused.result
        except Exception as error:
            return failure_of(error)

    return call
