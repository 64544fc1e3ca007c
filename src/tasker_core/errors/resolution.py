"""A step names a handler that cannot be found, or more than one."""

from __future__ import annotations

from collections.abc import Sequence

from tasker_core.errors.base import TaskerError


class ResolutionError(TaskerError, LookupError):
    """A handler could not be resolved."""

    retryable = False


class HandlerNotFoundError(ResolutionError):
    """No handler answers to ``callable``; ``nearest`` are the registered names most like it."""

    def __init__(self, message: str, *, callable: str = "", nearest: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.callable = callable
        self.nearest: tuple[str, ...] = tuple(nearest)


class AmbiguousHandlerError(ResolutionError):
    """By convention ``callable`` means each of ``candidates``."""

    def __init__(self, message: str, *, callable: str = "", candidates: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.callable = callable
        self.candidates: tuple[str, ...] = tuple(candidates)


class ResolverNotFoundError(ResolutionError):
    """A step asks for a resolver that the chain doesn't have."""
