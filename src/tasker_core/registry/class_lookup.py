"""Handlers found by importing them."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from tasker_core.errors import ResolutionError
from tasker_core.registry.base_resolver import BaseResolver
from tasker_core.registry.handler_definition import HandlerDefinition
from tasker_core.registry.importing import NotThere, imported, is_path
from tasker_core.registry.making import maker_of


class ClassLookupResolver(BaseResolver):
    """Imports ``module.Class``, ``module.function`` and ``module:attribute``."""

    @property
    def name(self) -> str:
        return "class_lookup"

    @property
    def priority(self) -> int:
        return 100

    def can_resolve(self, definition: HandlerDefinition, config: Mapping[str, Any] | None = None) -> bool:  # noqa: ARG002  # the resolvers' shape
        return is_path(definition.callable)

    def resolve(self, definition: HandlerDefinition, config: Mapping[str, Any] | None = None) -> Any | None:  # noqa: ARG002  # the resolvers' shape
        if not is_path(definition.callable):
            return None
        try:
            make = maker_of(handler_at(definition.callable))
        except NotThere:
            return None
        return None if make is None else make(definition.initialization)


def handler_at(path: str) -> Any:
    """The handler class, or object with ``call``, at ``path``.

    Raises:
        NotThere: there is no such thing.
        CannotImport: importing its module fails.
        ResolutionError: there is, and it isn't a handler.
    """
    found = imported(path)
    found = getattr(found, "_handler_class", found)
    if not callable(getattr(found, "call", None)):
        raise ResolutionError(
            f"{path!r} is not a handler: decorate the function with @step_handler, or derive the class from StepHandler"
        )
    if inspect.isabstract(found):
        raise ResolutionError(f"{path!r} is abstract: it has no 'call' of its own")
    return found
