"""From the names in templates to handlers."""

from __future__ import annotations

from tasker_core.errors import AmbiguousHandlerError, HandlerNotFoundError, ResolutionError, ResolverNotFoundError
from tasker_core.registry.base_resolver import BaseResolver
from tasker_core.registry.class_lookup import ClassLookupResolver
from tasker_core.registry.explicit_mapping import ExplicitMappingResolver
from tasker_core.registry.handler_definition import HandlerDefinition, HandlerSpec
from tasker_core.registry.handler_registry import HandlerRegistry
from tasker_core.registry.lookup import ResolvedHandler
from tasker_core.registry.method_dispatch import MethodDispatchWrapper
from tasker_core.registry.registry_resolver import RegistryResolver
from tasker_core.registry.resolver_chain import ResolverChain

__all__ = [
    "AmbiguousHandlerError",
    "BaseResolver",
    "ClassLookupResolver",
    "ExplicitMappingResolver",
    "HandlerDefinition",
    "HandlerNotFoundError",
    "HandlerRegistry",
    "HandlerSpec",
    "MethodDispatchWrapper",
    "RegistryResolver",
    "ResolutionError",
    "ResolvedHandler",
    "ResolverChain",
    "ResolverNotFoundError",
]
