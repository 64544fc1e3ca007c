"""Registries, resolvers and templates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shop.classes import Reserve
from shop.functions import charge
from tasker_core.handler import HandlerRegistry
from tasker_core.models import HandlerWrapper, TaskSequenceStepWrapper
from tasker_core.registry import (
    ClassLookupResolver,
    ExplicitMappingResolver,
    HandlerDefinition,
    MethodDispatchWrapper,
    RegistryResolver,
    ResolverChain,
    ResolverNotFoundError,
)
from tasker_core.template_discovery import HandlerDiscovery, TemplateParser, TemplatePath


class Refunds(RegistryResolver):
    _name = "refunds"
    prefix = "refunds:"

    def resolve_handler(self, definition: HandlerDefinition, config: Mapping[str, Any] | None) -> Any | None:
        return Reserve() if definition.callable == "refunds:reserve" else None


def register_all() -> int:
    registry = HandlerRegistry.instance(skip_bootstrap=True)
    registry.register("reserve", Reserve)
    registry.register("charge", charge)
    chain: ResolverChain = registry.resolver_chain
    chain.add_resolver(Refunds()).add_resolver(ExplicitMappingResolver("mine"))
    definition = HandlerDefinition("refunds:reserve", handler_method="refund", resolver="refunds")
    try:
        handler = registry.resolve(definition)
    except ResolverNotFoundError as error:
        print(error.message)
        handler = registry.resolve(HandlerWrapper(callable="reserve"))
    if isinstance(handler, MethodDispatchWrapper):
        print(handler.unwrap(), handler.target_method)
    directory = TemplatePath.find_template_config_directory()
    for file in TemplatePath.discover_template_files(directory):
        print(TemplateParser.extract_handler_callables(file))
    print(HandlerDiscovery.discover_all_handlers(), ClassLookupResolver().priority, len(chain))
    whole = TaskSequenceStepWrapper.from_dict(None)
    print(whole.get_results("charge"), whole.workflow_step.attempts)
    return registry.discover_handlers("shop") + registry.handler_count()
