"""What turns a handler's definition into a handler."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from tasker_core.registry.handler_definition import HandlerDefinition


class BaseResolver(ABC):
    """One way of finding handlers. A chain asks its resolvers in order of ``priority``, the lowest first."""

    @property
    @abstractmethod
    def name(self) -> str:
        """What a step's ``handler.resolver`` calls it."""

    @property
    @abstractmethod
    def priority(self) -> int:
        """Its place in the chain: 10 for registered names, 100 for imports."""

    @abstractmethod
    def can_resolve(self, definition: HandlerDefinition, config: Mapping[str, Any] | None = None) -> bool:
        """Whether this resolver is the one to ask."""

    @abstractmethod
    def resolve(self, definition: HandlerDefinition, config: Mapping[str, Any] | None = None) -> Any | None:
        """A handler, or None. ``config`` is for the resolver itself; the step's settings are in the definition."""

    def registered_callables(self) -> list[str]:
        """The names it knows for certain."""
        return []
