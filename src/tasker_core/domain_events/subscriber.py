"""Who hears: says which events it wants, and handles each."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from fnmatch import fnmatchcase
from typing import Any, ClassVar

from tasker_core.domain_events.poller import InProcessDomainEventPoller
from tasker_core.types import InProcessDomainEvent

log = logging.getLogger("tasker_core.domain_events")


class BaseSubscriber(ABC):
    """Handles the events whose names match its patterns. An event that matches two of them is handled twice.

    With a ``durable_name`` it is given durable events by the worker of its process: each at least once, in their
    order, from where this name stood, in one process at a time; an event on which ``handle`` fails comes again, and
    those behind it wait. ``from_beginning`` says that a new name is given all events that are still kept, not only new
    ones.
    """

    durable_name: ClassVar[str] = ""
    from_beginning: ClassVar[bool] = False

    _poller: InProcessDomainEventPoller | None = None

    @classmethod
    @abstractmethod
    def subscribes_to(cls) -> list[str]:
        """Names of events, with ``*``, ``?`` and ``[...]`` as in file names: ``["payment.*"]``; ``["*"]`` is all."""

    @abstractmethod
    def handle(self, event: dict[str, Any]) -> None:
        """Handle one event.

        Args:
            event: ``event_id``, ``event_name``, ``event_version``, ``metadata`` (where it comes from) and ``payload``,
                which holds ``task_sequence_step``, ``execution_result`` and the event's own ``payload``.
        """

    # -- hooks

    def before_handle(self, event: dict[str, Any]) -> bool:  # noqa: ARG002  # a hook's shape
        """Called before ``handle``; False passes the event over."""
        return True

    def after_handle(self, event: dict[str, Any]) -> None:  # noqa: B027  # a hook, not a duty
        """Called after ``handle``."""

    def on_handle_error(self, event: dict[str, Any], error: Exception) -> None:
        """Called when ``handle`` or a hook failed. By default it is logged; other subscribers aren't touched by it."""
        log.error("%s failed on event %s", type(self).__name__, event.get("event_name"), exc_info=error)

    # -- what callers use

    @classmethod
    def matches(cls, event_name: str) -> bool:
        """Whether an event of this name is one that it wants."""
        return any(fnmatchcase(event_name, pattern) for pattern in cls.subscribes_to())

    def start(self, poller: InProcessDomainEventPoller) -> None:
        """Hear what ``poller`` delivers from now on. A second call does nothing."""
        if self._poller is None:
            self._poller = poller
            poller.on_event(self._hear)

    def stop(self) -> None:
        """Hear nothing more."""
        poller, self._poller = self._poller, None
        if poller is not None:
            poller.off_event(self._hear)

    @property
    def active(self) -> bool:
        """Whether it hears events."""
        return self._poller is not None

    @property
    def subscriptions(self) -> list[str]:
        """The patterns under which it hears events now; none when it isn't active."""
        return list(self.subscribes_to()) if self.active else []

    def handle_event_safely(self, event: dict[str, Any]) -> bool:
        """Run ``handle`` with its hooks; whether the event was handled. Nothing is raised."""
        handled, error = self._try(event)
        return handled and error is None

    def take_delivery(self, event: dict[str, Any]) -> Exception | None:
        """The same for an event that comes again when it fails: what went wrong, None when the event is done with."""
        return self._try(event)[1]

    def _try(self, event: dict[str, Any]) -> tuple[bool, Exception | None]:
        try:
            if self.before_handle(event) is False:
                return False, None
            self.handle(event)
            self.after_handle(event)
        except Exception as error:
            try:
                self.on_handle_error(event, error)
            except Exception:
                log.exception("on_handle_error of %s failed", type(self).__name__)
            return False, error
        return True, None

    def _hear(self, event: InProcessDomainEvent) -> None:
        for pattern in self.subscribes_to():
            if fnmatchcase(event.event_name, pattern):
                self.handle_event_safely(event.model_dump(mode="json"))
