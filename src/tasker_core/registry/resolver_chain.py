"""Resolvers in the order in which they are asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tasker_core.errors import ResolverNotFoundError
from tasker_core.registry.base_resolver import BaseResolver
from tasker_core.registry.class_lookup import ClassLookupResolver
from tasker_core.registry.explicit_mapping import ExplicitMappingResolver
from tasker_core.registry.handler_definition import HandlerDefinition
from tasker_core.registry.method_dispatch import wrap_for_method_dispatch


class ResolverChain:
    """Asks resolvers by priority; the first that finds a handler wins. ``handler.resolver`` asks only one.

    >>> ResolverChain.default().resolver_names
    ['explicit_mapping', 'class_lookup']
    """

    def __init__(self) -> None:
        self._resolvers: list[BaseResolver] = []
        self.revision: int = 0
        """Changes whenever the chain may answer differently."""

    @classmethod
    def default(cls) -> ResolverChain:
        """Registered names first, then imports."""
        return cls().add_resolver(ExplicitMappingResolver()).add_resolver(ClassLookupResolver())

    def add_resolver(self, resolver: BaseResolver) -> ResolverChain:
        """Add a resolver at the place its priority gives it."""
        self._resolvers = sorted([*self._resolvers, resolver], key=lambda each: each.priority)
        self.revision += 1
        return self

    def remove_resolver(self, name: str) -> bool:
        """Take a resolver out; False when there is none of this name."""
        before = len(self._resolvers)
        self._resolvers = [each for each in self._resolvers if each.name != name]
        self.revision += 1
        return len(self._resolvers) < before

    def get_resolver(self, name: str) -> BaseResolver | None:
        """The resolver of this name, or None."""
        return next((each for each in self._resolvers if each.name == name), None)

    @property
    def explicit_resolver(self) -> ExplicitMappingResolver | None:
        """The one that holds the registered names."""
        return next((each for each in self._resolvers if isinstance(each, ExplicitMappingResolver)), None)

    def asked(self, definition: HandlerDefinition) -> list[BaseResolver]:
        """The resolvers to ask, in order.

        Raises:
            ResolverNotFoundError: the step asks for a resolver that isn't here.
        """
        if not definition.has_resolver_hint:
            return list(self._resolvers)
        hinted = self.get_resolver(definition.resolver or "")
        if hinted is None:
            names = ", ".join(repr(name) for name in self.resolver_names)
            raise ResolverNotFoundError(
                f"handler {definition.callable!r} asks for the resolver {definition.resolver!r}; there are {names}"
            )
        return [hinted]

    def resolve(self, definition: HandlerDefinition, config: Mapping[str, Any] | None = None) -> Any | None:
        """A handler, ready for the method that the step names; one without that method as it is. None if not found.

        Raises:
            ResolverNotFoundError: the step asks for a resolver that isn't here.
        """
        for resolver in self.asked(definition):
            if definition.has_resolver_hint or resolver.can_resolve(definition, config or {}):
                handler = resolver.resolve(definition, config or {})
                if handler is not None:
                    return self.wrap_for_method_dispatch(handler, definition) or handler
        return None

    def can_resolve(self, definition: HandlerDefinition, config: Mapping[str, Any] | None = None) -> bool:
        """Whether some resolver says that it is the one to ask."""
        if definition.has_resolver_hint and self.get_resolver(definition.resolver or "") is None:
            return False
        return any(each.can_resolve(definition, config or {}) for each in self.asked(definition))

    def wrap_for_method_dispatch(self, handler: Any, definition: HandlerDefinition) -> Any | None:
        """The handler as the definition wants it called; None when it has no such method."""
        return wrap_for_method_dispatch(handler, definition)

    def register(self, key: str, handler: Any) -> None:
        """Let ``key`` mean ``handler``.

        Raises:
            ResolverNotFoundError: the chain has no resolver that holds registered names.
        """
        if self.explicit_resolver is None:
            raise ResolverNotFoundError(f"{key!r} cannot be registered: the chain has no explicit mapping")
        self.explicit_resolver.register(key, handler)
        self.revision += 1

    def registered_callables(self) -> list[str]:
        """All names that the resolvers know for certain."""
        return sorted({name for each in self._resolvers for name in each.registered_callables()})

    def chain_info(self) -> list[dict[str, Any]]:
        """Each resolver's name, priority and class, in order."""
        return [
            {"name": each.name, "priority": each.priority, "class": type(each).__name__} for each in self._resolvers
        ]

    @property
    def resolver_names(self) -> list[str]:
        """The names of the resolvers, in order."""
        return [each.name for each in self._resolvers]

    def list_resolvers(self) -> list[tuple[str, int]]:
        """Names and priorities, in order."""
        return [(each.name, each.priority) for each in self._resolvers]

    def __len__(self) -> int:
        return len(self._resolvers)
