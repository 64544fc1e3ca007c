"""What a function needs, written down on it for the handler's decorator above to read."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeVar, cast

from pydantic import BaseModel

from tasker_core.errors import HandlerDeclarationError

F = TypeVar("F", bound=Callable[..., Any])


def depends_on(**deps: str | tuple[str, type]) -> Callable[[F], F]:
    """Give parameters the results of earlier steps.

    Args:
        deps: parameter = ``"step"`` for the result as it is (None if there is none), or ``("step", Model)`` for a
            pydantic model made of it. Any ancestor may be named, not only a parent. A result that doesn't fit its model
            ends the step for good (``validation_error``).
    """
    steps: dict[str, str] = {}
    models: dict[str, type] = {}
    for parameter, given in deps.items():
        step, model = given if isinstance(given, tuple) and len(given) == 2 else (given, None)
        if not isinstance(step, str) or not (model is None or hasattr(model, "model_validate")):
            raise HandlerDeclarationError(
                f"@depends_on({parameter}=...) takes a step's name or (name, pydantic model), not {given!r}"
            )
        steps[parameter] = step
        if model is not None:
            models[parameter] = model

    def mark(fn: F) -> F:
        _check_below_handler(fn, "@depends_on")
        noted = cast(Any, fn)
        already = getattr(fn, "_depends_on", {})
        if again := sorted(already.keys() & steps.keys()):
            raise HandlerDeclarationError(f"@depends_on gives {again} of {fn.__qualname__} twice")
        noted._depends_on = {**already, **steps}
        noted._dep_models = {**getattr(fn, "_dep_models", {}), **models}
        return fn

    return mark


def inputs(*keys_or_model: str | type) -> Callable[[F], F]:
    """Give parameters the fields of the task's input.

    ``inputs("email", "items")`` gives a parameter for each key, None where there is no such field.
    ``inputs(Model)`` gives one parameter ``inputs``, a pydantic model of the task's input; input that doesn't fit it
    ends the step for good (``validation_error``).
    """
    model: type[BaseModel] | None = None
    keys: tuple[str, ...] = ()
    if len(keys_or_model) == 1 and inspect.isclass(keys_or_model[0]):
        if not issubclass(keys_or_model[0], BaseModel):
            raise HandlerDeclarationError(f"@inputs takes a pydantic model, not {keys_or_model[0]!r}")
        model = keys_or_model[0]
    else:
        if wrong := [key for key in keys_or_model if not isinstance(key, str)]:
            raise HandlerDeclarationError(f"@inputs takes one pydantic model or names of fields, not {wrong[0]!r}")
        keys = tuple(str(key) for key in keys_or_model)

    def mark(fn: F) -> F:
        _check_below_handler(fn, "@inputs")
        noted = cast(Any, fn)
        if model is not None:
            noted._input_model = model
        noted._inputs = [*getattr(fn, "_inputs", ()), *keys]
        return fn

    return mark


def _check_below_handler(fn: Callable[..., Any], decorator: str) -> None:
    handler = getattr(fn, "_handler_class", None)
    if handler is not None:
        raise HandlerDeclarationError(
            f"{decorator} stands above the decorator that makes {fn.__qualname__} the handler "
            f"{handler.handler_name!r}, so it would be ignored: put it below"
        )
