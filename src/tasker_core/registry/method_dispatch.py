"""Another method than ``call`` as a handler's entry."""

from __future__ import annotations

from typing import Any

from tasker_core.registry.handler_definition import HandlerDefinition


class MethodDispatchWrapper:
    """A handler whose ``call`` is one of its other methods. Everything else is the handler's own.

    Raises:
        AttributeError: the handler has no such method.
    """

    def __init__(self, handler: Any, target_method: str) -> None:
        if not has_method(handler, target_method):
            raise AttributeError(f"{type(handler).__name__} has no method {target_method!r}")
        self.handler = handler
        self.target_method = target_method
        self.call: Any = getattr(handler, target_method)

    def unwrap(self) -> Any:
        """The handler itself."""
        return self.handler

    def __getattr__(self, name: str) -> Any:
        if name == "handler":  # while it is being copied or unpickled there is none yet
            raise AttributeError(name)
        return getattr(self.handler, name)

    def __repr__(self) -> str:
        return f"MethodDispatchWrapper({self.handler!r}, {self.target_method!r})"


def has_method(handler: Any, method: str) -> bool:
    """Whether a handler, or its class, has a method of this name."""
    return callable(getattr(handler, method, None))


def wrap_for_method_dispatch(handler: Any, definition: HandlerDefinition) -> Any | None:
    """The handler as the definition wants it called; None when it has no such method."""
    if not definition.uses_method_dispatch:
        return handler
    if not has_method(handler, definition.effective_method):
        return None
    return MethodDispatchWrapper(handler, definition.effective_method)
