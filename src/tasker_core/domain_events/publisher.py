"""Who publishes: decides, shapes the payload, and hands the event to whoever listens in this process."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

from tasker_core.clock import RandomIds
from tasker_core.domain_events import channel
from tasker_core.domain_events.contexts import PublishContext
from tasker_core.types import DomainEventMetadata, InProcessDomainEvent

log = logging.getLogger("tasker_core.domain_events")

_ids = RandomIds()


class BasePublisher:
    """Publishes events. A subclass gives itself a ``publisher_name`` and overrides the hooks that it needs.

    >>> class Payments(BasePublisher):
    ...     publisher_name = "payments"
    ...
    ...     def transform_payload(self, ctx):
    ...         return {"cents": (ctx.step_result.result or {}).get("cents", 0)}
    >>> Payments()
    Payments(publisher_name='payments')
    """

    publisher_name: str = ""

    # -- hooks

    def should_publish(self, ctx: PublishContext) -> bool:
        """Whether there is anything to publish: by default what the declaration's condition says."""
        return ctx.event_declaration is None or ctx.event_declaration.applies_to(ctx.step_result)

    def transform_payload(self, ctx: PublishContext) -> dict[str, Any]:
        """The event's payload: by default what the step's handler returned."""
        return dict(ctx.step_result.result or {})

    def additional_metadata(self, ctx: PublishContext) -> dict[str, Any]:  # noqa: ARG002  # a hook's shape
        """What to tell beside the usual of where the event comes from; JSON-able."""
        return {}

    def before_publish(self, event_name: str, payload: dict[str, Any], metadata: dict[str, Any]) -> bool:  # noqa: ARG002
        """Called last before the event goes out; False holds it back."""
        return True

    def after_publish(self, event_name: str, payload: dict[str, Any], metadata: dict[str, Any]) -> None:
        """Called when the event is out."""

    def on_publish_error(self, event_name: str, error: Exception, payload: dict[str, Any]) -> None:  # noqa: ARG002
        """Called when a hook failed: the event isn't out, and the step isn't touched by it. By default it is logged."""
        log.error("event %s isn't published by %r: %s: %s", event_name, self, type(error).__name__, error)

    # -- what callers use

    def publish(self, ctx: PublishContext, event_name: str | None = None) -> bool:
        """Publish one event to the subscribers of this process.

        Args:
            ctx: the event, how its step ended, which step it was.
            event_name: the event's name, if it isn't the one in ``ctx``.

        Returns:
            Whether the event went out: False when a hook held it back, or failed. Nothing is raised, for an event must
            never fail its step.

        Raises:
            ValueError: neither ``ctx`` nor ``event_name`` gives the event a name.
        """
        name = event_name or ctx.name
        if not name:
            raise ValueError("an event needs a name: give event_name, or a context with a name or a declaration")
        payload: dict[str, Any] = {}
        try:
            if not self.should_publish(ctx):
                return False
            payload = self.transform_payload(ctx)
            event = self._event(name, payload, ctx)
            metadata = event.metadata.model_dump()
            if self.before_publish(name, payload, metadata) is False:
                return False
            channel.put(event)
            self.after_publish(name, payload, metadata)
        except Exception as error:
            self._tell(name, error, payload)
            return False
        return True

    def _event(self, name: str, payload: dict[str, Any], ctx: PublishContext) -> InProcessDomainEvent:
        step = ctx.step_context
        where = {
            "task_uuid": step.task_uuid if step else "",
            "step_uuid": step.step_uuid if step else None,
            "step_name": step.step_name if step else None,
            "namespace": step.namespace if step else "",
            "correlation_id": step.correlation_id if step else "",
            "fired_at": datetime.now(UTC).isoformat(),
            "fired_by": self.publisher_name or type(self).__name__,
        }
        metadata = DomainEventMetadata(**{**self.additional_metadata(ctx), **where})
        whole = {
            "task_sequence_step": step.task_sequence_step if step else {},
            "execution_result": ctx.step_result.as_dict(),
            "payload": payload,
        }
        return InProcessDomainEvent(event_id=_ids.new(), event_name=name, metadata=metadata, payload=whole)

    def _tell(self, name: str, error: Exception, payload: dict[str, Any]) -> None:
        try:
            self.on_publish_error(name, error, payload)
        except Exception:
            log.exception("on_publish_error of %r failed", self)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(publisher_name={self.publisher_name!r})"


class DefaultPublisher(BasePublisher):
    """Publishes what the step's handler returned, as it is."""

    publisher_name = "default"
