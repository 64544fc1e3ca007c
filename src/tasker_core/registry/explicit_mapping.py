"""Handlers that were registered by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tasker_core.registry.base_resolver import BaseResolver
from tasker_core.registry.handler_definition import HandlerDefinition
from tasker_core.registry.making import Make, maker_of


class ExplicitMappingResolver(BaseResolver):
    """Names and what they were registered for: a class, an object with ``call``, or a factory taking the settings."""

    def __init__(self, name: str = "explicit_mapping") -> None:
        self._name = name
        self._handlers: dict[str, Any] = {}
        self._makers: dict[str, Make | None] = {}

    @property
    def name(self) -> str:
        return self._name

    @property
    def priority(self) -> int:
        return 10

    def register(self, key: str, handler: Any) -> None:
        """Let ``key`` mean ``handler``."""
        self._handlers[key] = handler
        self._makers[key] = maker_of(handler)

    def unregister(self, key: str) -> Any | None:
        """Forget ``key``; what it meant, or None."""
        self._makers.pop(key, None)
        return self._handlers.pop(key, None)

    def handler(self, key: str) -> Any | None:
        """What was registered as ``key``."""
        return self._handlers.get(key)

    def can_resolve(self, definition: HandlerDefinition, config: Mapping[str, Any] | None = None) -> bool:  # noqa: ARG002  # the resolvers' shape
        return definition.callable in self._handlers

    def resolve(self, definition: HandlerDefinition, config: Mapping[str, Any] | None = None) -> Any | None:  # noqa: ARG002  # the resolvers' shape
        make = self._makers.get(definition.callable)
        return None if make is None else make(definition.initialization)

    def registered_callables(self) -> list[str]:
        return sorted(self._handlers)
