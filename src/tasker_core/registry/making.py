"""Making an instance of whatever a name was registered for."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from tasker_core.step_handler.signatures import signature_of

Settings: TypeAlias = Mapping[str, Any]

Make: TypeAlias = Callable[[Settings], Any]
"""Takes a step's ``handler.initialization``, gives a handler."""


def maker_of(handler: Any) -> Make | None:
    """How to make a handler: of a class with no arguments, else with ``config``; by a factory; or the object itself.

    None when a class can be made neither way.
    """
    if inspect.isclass(handler):
        make: Any = handler
        if _can_be_called(make):
            return lambda _settings: make()
        if _can_be_called(make, config={}):
            return lambda settings: make(config=dict(settings))
        return None
    if callable(handler) and not hasattr(handler, "call"):
        return lambda settings: handler(dict(settings))
    return lambda _settings: handler


def _can_be_called(handler: Any, **arguments: Any) -> bool:
    if inspect.isabstract(handler):
        return False
    try:
        signature_of(handler).bind(**arguments)
    except TypeError:
        return False
    except ValueError:  # no signature to be had, as of some built-in types
        return not arguments
    return True
