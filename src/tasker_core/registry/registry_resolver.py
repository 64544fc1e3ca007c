"""A base for resolvers of an application's own."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from tasker_core.registry.base_resolver import BaseResolver
from tasker_core.registry.handler_definition import HandlerDefinition


class RegistryResolver(BaseResolver):
    """Resolves the names that match a pattern or begin with a prefix.

    >>> class Payments(RegistryResolver):
    ...     _name = "payments"
    ...     prefix = "payments:"
    ...
    ...     def resolve_handler(self, definition, config):
    ...         return {"payments:charge": Charge}[definition.callable]()
    >>> Payments().can_resolve(HandlerDefinition("payments:charge"))
    True
    """

    _name: ClassVar[str] = ""
    _priority: ClassVar[int] = 50
    pattern: ClassVar[str | re.Pattern[str] | None] = None
    prefix: ClassVar[str | None] = None

    @property
    def name(self) -> str:
        return self._name or type(self).__name__

    @property
    def priority(self) -> int:
        return self._priority

    def can_resolve(self, definition: HandlerDefinition, config: Mapping[str, Any] | None = None) -> bool:  # noqa: ARG002  # the resolvers' shape
        if self.pattern is not None:
            return re.match(self.pattern, definition.callable) is not None
        return self.prefix is not None and definition.callable.startswith(self.prefix)

    def resolve(self, definition: HandlerDefinition, config: Mapping[str, Any] | None = None) -> Any | None:
        return self.resolve_handler(definition, config)

    @abstractmethod
    def resolve_handler(self, definition: HandlerDefinition, config: Mapping[str, Any] | None) -> Any | None:
        """The handler, or None."""
