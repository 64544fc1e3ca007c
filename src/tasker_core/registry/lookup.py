"""From a step's definition to a way of making its handler, or an error that says what would be right."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

from tasker_core.errors import AmbiguousHandlerError, HandlerNotFoundError, ResolutionError
from tasker_core.registry.base_resolver import BaseResolver
from tasker_core.registry.class_lookup import ClassLookupResolver, handler_at
from tasker_core.registry.convention import same_by_convention
from tasker_core.registry.explicit_mapping import ExplicitMappingResolver
from tasker_core.registry.handler_definition import HandlerDefinition
from tasker_core.registry.importing import NotThere, is_path
from tasker_core.registry.making import Make, Settings, maker_of
from tasker_core.registry.method_dispatch import MethodDispatchWrapper, has_method
from tasker_core.registry.resolver_chain import ResolverChain


@dataclass(frozen=True, slots=True)
class ResolvedHandler:
    """How to make the handler of a step. ``make(initialization)`` gives a new one, whose ``call`` does the work.

    ``name`` is where it was found: a registered name or a path. ``is_async`` tells whether ``call`` is a coroutine
    function. ``method_missing`` is True when the step names a method that the handler doesn't have, so ``call`` runs.
    """

    name: str
    handler: Any
    make: Make
    method: str
    method_missing: bool
    is_async: bool


def look_up(
    definition: HandlerDefinition, chain: ResolverChain, allow_import: bool, failed_imports: Mapping[str, BaseException]
) -> ResolvedHandler:
    """Find a handler: registered under exactly this name, by an application's own resolver, by import, by convention.

    Raises:
        HandlerNotFoundError: nothing answers to the name.
        AmbiguousHandlerError: by convention several do.
        ResolverNotFoundError: the step asks for a resolver that isn't here.
    """
    tried: list[str] = []
    for resolver in chain.asked(definition):
        if not definition.has_resolver_hint and not resolver.can_resolve(definition, {}):
            continue
        try:
            found = _ask(resolver, definition, allow_import)
        except NotThere as error:
            tried.append(str(error))
        except Exception as error:  # a resolver or a factory of the application's may raise anything
            reason = error if isinstance(error, ResolutionError) else f"{type(error).__name__}: {error}"
            raise HandlerNotFoundError(
                f"handler {definition.callable!r} cannot be used: {reason}", callable=definition.callable
            ) from error
        else:
            if found is not None:
                return found
    if not definition.has_resolver_hint:
        by_convention = _by_convention(definition, chain.explicit_resolver)
        if by_convention is not None:
            return by_convention
    raise _not_found(definition, chain, tried, failed_imports)


def _ask(resolver: BaseResolver, definition: HandlerDefinition, allow_import: bool) -> ResolvedHandler | None:
    if isinstance(resolver, ExplicitMappingResolver):
        return _registered(resolver, definition.callable, definition)
    if isinstance(resolver, ClassLookupResolver):
        if not is_path(definition.callable):
            return None
        if not allow_import:
            raise NotThere("it is not imported, since this template doesn't come from a file of this worker's own")
        return _ready(definition.callable, handler_at(definition.callable), definition)

    def remake(settings: Settings) -> Any:
        return resolver.resolve(replace(definition, initialization=dict(settings)), {})

    handler = resolver.resolve(definition, {})
    if handler is None:
        return None
    return _with_method(f"{resolver.name}:{definition.callable}", handler, remake, definition)


def _registered(resolver: ExplicitMappingResolver, name: str, definition: HandlerDefinition) -> ResolvedHandler | None:
    handler = resolver.handler(name)
    return None if handler is None else _ready(name, handler, definition)


def _by_convention(definition: HandlerDefinition, registered: ExplicitMappingResolver | None) -> ResolvedHandler | None:
    if registered is None:
        return None
    candidates = same_by_convention(definition.callable, registered.registered_callables())
    if len(candidates) > 1:
        names = " and ".join(repr(name) for name in candidates)
        raise AmbiguousHandlerError(
            f"handler {definition.callable!r} means {names} by convention; name one of them in the template",
            callable=definition.callable,
            candidates=candidates,
        )
    return _registered(registered, candidates[0], definition) if candidates else None


def _ready(name: str, handler: Any, definition: HandlerDefinition) -> ResolvedHandler:
    make = maker_of(handler)
    if make is None:
        raise ResolutionError(
            f"{name!r} cannot be made: its __init__ must take no argument, or one called 'config' for the settings"
        )
    is_factory = not inspect.isclass(handler) and not hasattr(handler, "call")
    return _with_method(name, make(definition.initialization) if is_factory else handler, make, definition)


def _with_method(name: str, handler: Any, make: Make, definition: HandlerDefinition) -> ResolvedHandler:
    method = definition.effective_method
    if method == "call" or not has_method(handler, method):
        is_async = inspect.iscoroutinefunction(getattr(handler, "call", None))
        return ResolvedHandler(name, handler, make, "call", method != "call", is_async)

    def make_and_dispatch(settings: Settings) -> MethodDispatchWrapper:
        return MethodDispatchWrapper(make(settings), method)

    is_async = inspect.iscoroutinefunction(getattr(handler, method))
    return ResolvedHandler(name, handler, make_and_dispatch, method, False, is_async)


def _not_found(
    definition: HandlerDefinition, chain: ResolverChain, tried: list[str], failed_imports: Mapping[str, BaseException]
) -> HandlerNotFoundError:
    registered = chain.registered_callables()
    near = get_close_matches(definition.callable, registered, n=3, cutoff=0.6)
    message = f"no handler is registered as {definition.callable!r}"
    if near:
        message += f"; did you mean {' or '.join(repr(name) for name in near)}?"
    elif registered:
        more = f" and {len(registered) - 10} more" if len(registered) > 10 else ""
        message += f"; registered are {', '.join(registered[:10])}{more}"
    else:
        message += "; none is registered at all: name the package of your handlers"
    for reason in tried:
        message += f"; {reason}"
    for module, error in list(failed_imports.items())[:3]:
        message += f"; {module} could not be imported ({type(error).__name__}: {error})"
    return HandlerNotFoundError(message, callable=definition.callable, nearest=near)
