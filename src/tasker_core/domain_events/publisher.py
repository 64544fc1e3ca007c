"""Who publishes: decides, shapes the payload, and hands the event to whoever listens in this process."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any, NamedTuple

from tasker_core.clock import RandomIds
from tasker_core.domain_events import channel
from tasker_core.domain_events.contexts import PublishContext
from tasker_core.types import DomainEventMetadata, InProcessDomainEvent

log = logging.getLogger("tasker_core.domain_events")

_ids = RandomIds()


class Prepared(NamedTuple):
    """An event whose hooks have run: it ``is_to_go`` out, or a hook held it back, or failed with ``error``."""

    event_name: str
    payload: dict[str, Any] = {}  # noqa: RUF012  # a default, never written to
    metadata: dict[str, Any] = {}  # noqa: RUF012
    error: Exception | None = None
    is_to_go: bool = False


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
        """The event's payload: by default what the step's handler returned, after a failure what went wrong."""
        return ctx.step_result.plain_payload()

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
        made = self.prepare(ctx, name)
        if not made.is_to_go:
            return False
        whole = {
            "task_sequence_step": ctx.step_context.task_sequence_step if ctx.step_context else {},
            "execution_result": ctx.step_result.as_dict(),
            "payload": made.payload,
        }
        metadata = DomainEventMetadata(**{**made.metadata, **self._usual(ctx, made.metadata["fired_at"])})
        channel.put(InProcessDomainEvent(event_id=_ids.new(), event_name=name, metadata=metadata, payload=whole))
        return self.confirm(made)

    # -- what a worker uses

    def prepare(self, ctx: PublishContext, event_name: str) -> Prepared:
        """Run the hooks that come before an event goes out. Nothing is raised: the answer tells what went wrong."""
        payload: dict[str, Any] = {}
        metadata: dict[str, Any] = {}
        try:
            if not self.should_publish(ctx):
                return Prepared(event_name)
            payload = self.transform_payload(ctx)
            metadata = {**self.additional_metadata(ctx), **self._usual(ctx, datetime.now(UTC).isoformat())}
            if self.before_publish(event_name, payload, metadata) is False:
                return Prepared(event_name)
        except Exception as error:
            self._tell(event_name, error, payload)
            return Prepared(event_name, payload, metadata, error)
        return Prepared(event_name, payload, metadata, is_to_go=True)

    def confirm(self, made: Prepared) -> bool:
        """Run the hook that comes after the event is out; whether it succeeded. Nothing is raised."""
        try:
            self.after_publish(made.event_name, made.payload, made.metadata)
        except Exception as error:
            self._tell(made.event_name, error, made.payload)
            return False
        return True

    def _usual(self, ctx: PublishContext, fired_at: str) -> dict[str, Any]:
        step = ctx.step_context
        return {
            "task_uuid": step.task_uuid if step else "",
            "step_uuid": step.step_uuid if step else None,
            "step_name": step.step_name if step else None,
            "namespace": step.namespace if step else "",
            "correlation_id": step.correlation_id if step else "",
            "fired_at": fired_at,
            "fired_by": self.publisher_name or type(self).__name__,
        }

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
