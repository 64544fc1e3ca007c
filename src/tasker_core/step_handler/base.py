"""The class form of a handler."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Mapping
from typing import Any, TypeAlias

from tasker_core.types import ErrorType, StepContext, StepHandlerResult

StepHandlerCallResult: TypeAlias = StepHandlerResult | Awaitable[StepHandlerResult]
"""What ``call`` returns: a result, or (from ``async def call``) one to await."""


class StepHandler(ABC):
    """Does the work of one step. A new instance is made for every attempt.

    ``handler_name`` is what templates call it by; without one, the class's name.

    >>> class ValidateCart(StepHandler):
    ...     handler_name = "validate_cart"
    ...
    ...     def call(self, context: StepContext) -> StepHandlerResult:
    ...         if not context.get_input("items"):
    ...             return self.failure("the cart is empty", "empty_cart", retryable=False)
    ...         return self.success({"count": len(context.get_input("items"))})
    >>> ValidateCart()
    ValidateCart(name='validate_cart', version='1.0.0')
    """

    handler_name: str = ""
    handler_version: str = "1.0.0"
    declared_dependencies: tuple[str, ...] = ()
    """Ancestors whose results the handler reads, so that they come along; any other is fetched when it is asked for."""

    @abstractmethod
    def call(self, context: StepContext) -> StepHandlerCallResult:
        """Do the step's work. May be ``async def``.

        Args:
            context: the task's input, earlier results, settings, the attempt's number.

        Returns:
            ``self.success(...)`` or ``self.failure(...)``.

        Raises:
            PermanentError: nothing will help; the step ends here.
            Exception: anything else is retried while the step has attempts left.
        """

    @property
    def name(self) -> str:
        """The name that templates use."""
        return self.handler_name or type(self).__name__

    @property
    def version(self) -> str:
        """The handler's own version, for people."""
        return self.handler_version

    @property
    def capabilities(self) -> list[str]:
        """What this kind of handler can do."""
        return ["process"]

    def config_schema(self) -> dict[str, Any] | None:
        """JSON Schema of ``handler.initialization``, or None when anything goes."""
        return None

    def success(
        self, result: Mapping[str, Any] | None = None, metadata: Mapping[str, Any] | None = None
    ) -> StepHandlerResult:
        """The step succeeded with ``result`` (JSON-able)."""
        return StepHandlerResult.success({} if result is None else result, metadata)

    def failure(
        self,
        message: str,
        error_type: str = ErrorType.HANDLER_ERROR,
        retryable: bool = True,
        metadata: Mapping[str, Any] | None = None,
        error_code: str | None = None,
    ) -> StepHandlerResult:
        """The step failed; ``retryable`` says whether another attempt may help."""
        return StepHandlerResult.failure(message, error_type, retryable, metadata, error_code)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(name={self.name!r}, version={self.version!r})"
