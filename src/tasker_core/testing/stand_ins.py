"""The handlers of a rehearsal: the process's own, and what stands in for some of them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from tasker_core.errors import PermanentError, ResolutionError
from tasker_core.registry import HandlerDefinition, HandlerRegistry
from tasker_core.registry.discovery import handler_class_of
from tasker_core.registry.handler_definition import HandlerSpec
from tasker_core.registry.lookup import ResolvedHandler
from tasker_core.step_handler import StepHandler
from tasker_core.step_handler.functional import decision_handler
from tasker_core.types import StepContext


class Cast(HandlerRegistry):
    """A registry that asks ``others`` for what nobody stands in for."""

    def __init__(self, others: HandlerRegistry) -> None:
        super().__init__()
        self._others = others

    def can_find(self, name: str) -> bool:
        """Is there a handler that templates may call so?"""
        try:
            self.lookup(name, allow_import=True)
        except ResolutionError:
            return False
        return True

    def lookup(self, spec: HandlerSpec, *, allow_import: bool) -> ResolvedHandler:
        definition = HandlerDefinition.of(spec)
        if not self.is_registered(definition.callable):
            return self._others.lookup(definition, allow_import=allow_import)
        if not self._has_method(definition):
            definition = replace(definition, handler_method=None)
        return super().lookup(replace(definition, resolver=None), allow_import=False)

    def _has_method(self, definition: HandlerDefinition) -> bool:
        return hasattr(self.get_handler_class(definition.callable), definition.effective_method)


def stand_in(name: str, what: Any, ended: Callable[[StepContext], int]) -> type[StepHandler]:
    """A handler that does ``what``: is that handler, calls that function with the context, raises that error, returns
    that result; or does what a list holds, one entry for each attempt and then the last. ``ended`` counts the attempts
    of a step that came to an end: one that a worker took with it as it died is done again."""
    handler = handler_class_of(what)
    if handler is not None:
        return handler
    acts = list(what) if isinstance(what, list) else [what]
    if not acts:
        raise ValueError(f"what stands in for {name!r} is an empty list; give one entry for each attempt")

    def act(context: StepContext) -> Any:
        return acts[min(ended(context), len(acts) - 1)]

    def play(context: StepContext) -> Any:
        return _value(act(context), context)

    async def play_async(context: StepContext) -> Any:
        value = play(context)
        return await value if inspect.isawaitable(value) else value

    is_async = any(inspect.iscoroutinefunction(each) for each in acts)
    # As a decision's handler: what isn't a decision is a result like any other's.
    made = handler_class_of(decision_handler(name)(play_async if is_async else play))
    assert made is not None
    return made


def replayed(name: str, attempts: Mapping[str, list[Any]], ended: Callable[[StepContext], int]) -> type[StepHandler]:
    """A handler of several steps that does for each of them what its attempts came to."""

    def play(context: StepContext) -> Any:
        acts = attempts.get(context.step_name)
        if not acts:
            raise PermanentError(f"no attempt of step {context.step_name!r} is there to be replayed")
        return _value(acts[min(ended(context), len(acts) - 1)], context)

    return stand_in(name, play, ended)


def _value(act: Any, context: StepContext) -> Any:
    if isinstance(act, BaseException) or (inspect.isclass(act) and issubclass(act, BaseException)):
        raise act
    function: Callable[[StepContext], Any] | None = act if callable(act) else None
    return function(context) if function is not None else act
