"""What a step says about its handler."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from tasker_core.models import HandlerWrapper


@dataclass(frozen=True)
class HandlerDefinition:
    """The ``handler`` of a step: a name to look up, the method to call, the resolver to ask, static settings.

    >>> definition = HandlerDefinition.from_dict({"callable": "payments", "method": "refund"})
    >>> definition.effective_method, definition.uses_method_dispatch, definition.has_resolver_hint
    ('refund', True, False)
    """

    callable: str
    handler_method: str | None = None
    resolver: str | None = None
    initialization: dict[str, Any] = field(default_factory=dict)

    @property
    def effective_method(self) -> str:
        """The method that does the work: ``call`` unless the step says otherwise."""
        return self.handler_method or "call"

    @property
    def uses_method_dispatch(self) -> bool:
        """Whether another method than ``call`` does the work."""
        return self.effective_method != "call"

    @property
    def has_resolver_hint(self) -> bool:
        """Whether one resolver is to be asked instead of the chain."""
        return bool(self.resolver)

    @classmethod
    def from_callable(cls, callable: str) -> HandlerDefinition:
        """Only a name."""
        return cls(callable)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> HandlerDefinition:
        """As a template writes it: callable, method, resolver, initialization."""
        return cls(
            callable=data.get("callable") or "",
            handler_method=data.get("method"),
            resolver=data.get("resolver"),
            initialization=dict(data.get("initialization") or {}),
        )

    @classmethod
    def of(cls, spec: HandlerSpec) -> HandlerDefinition:
        """From any of the forms in which a handler is named."""
        if isinstance(spec, HandlerDefinition):
            return spec
        if isinstance(spec, HandlerWrapper):
            return cls(spec.callable, spec.handler_method, spec.resolver, spec.initialization)
        return cls(spec)


HandlerSpec: TypeAlias = str | HandlerDefinition | HandlerWrapper
"""The forms in which a handler is named."""
