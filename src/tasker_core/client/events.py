"""What the clients offer about domain events, and about who is given them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tasker_core.client.event_calls import EventCalls

if TYPE_CHECKING:
    from tasker_core.client.http import AsyncHttp, Http
    from tasker_core.client.local import Local
    from tasker_core.client.threads import Threads


class Eventful:
    """Methods of ``TaskerClient``. The answers are plain data, the same as the REST API's."""

    _door: Local | Http
    _events: EventCalls

    def list_events(
        self,
        names: str | Sequence[str] = (),
        *,
        namespace: str | None = None,
        task_uuid: str | None = None,
        after: int | None = None,
        before: int | None = None,
        limit: int = 25,
    ) -> dict[str, Any]:
        """A page of domain events: the latest first, or those ``after`` a number in their order.

        Args:
            names: patterns of names, as ``payment.*``; without one, all.
            namespace: only those of this one.
            task_uuid: only those of this task.
            after: those behind this number; ``before`` are those before it, the latest first.
            limit: so many at most, up to 100.

        Returns:
            ``events``, each with its ``sequence`` (its number in the order of all), and ``next``, the number to go on
            with in the same direction, None at the end.

        Raises:
            InvalidRequestError: a pattern that no name can fit, or a limit that is out of range.
            TaskNotFoundError: there is no such task.
        """
        return self._door.do(self._events.list_events(names, namespace, task_uuid, after, before, limit))

    def list_subscriptions(self) -> list[dict[str, Any]]:
        """The durable subscriptions of subscribers, and how far each is."""
        return self._door.do(self._events.list_of("subscriber"))

    def change_subscription(self, id: str, *, state: str | None = None, position: int | None = None) -> dict[str, Any]:
        """Pause a subscription (``state="paused"``), have it go on (``active``), or set it behind another event: back
        to have events delivered again, on to leave some out. Raises SubscriptionNotFoundError."""
        return self._door.do(self._events.change("subscriber", id, {"state": state, "position": position}))

    def delete_subscription(self, id: str) -> dict[str, Any]:
        """Forget a subscription; what it was. A subscriber that starts under its name begins a new one."""
        return self._door.do(self._events.delete("subscriber", id))

    def list_webhooks(self) -> list[dict[str, Any]]:
        """The webhooks, and how far each is."""
        return self._door.do(self._events.list_of("webhook"))

    def create_webhook(
        self,
        name: str,
        url: str,
        events: Sequence[str] = ("*",),
        *,
        namespace: str | None = None,
        secret: str | None = None,
        from_beginning: bool = False,
    ) -> dict[str, Any]:
        """Have a server send events to ``url``, signed; the answer alone shows the ``secret``.

        Args:
            name: what to call it.
            url: where; HTTPS, unless the setting ``server.webhooks_to_private_addresses`` allows other.
            events: patterns of their names.
            namespace: only events of this one.
            secret: ``whsec_`` and 24 to 64 bytes in base64; without it one is made.
            from_beginning: also what was published before and is still kept.

        Raises:
            InvalidRequestError: one of these can't be, or there is a webhook of this name.
        """
        return self._door.do(
            self._events.create_webhook(
                {
                    "name": name,
                    "url": url,
                    "events": list(events),
                    "namespace": namespace,
                    "secret": secret,
                    "from_beginning": from_beginning,
                }
            )
        )

    def change_webhook(
        self,
        id: str,
        *,
        state: str | None = None,
        position: int | None = None,
        url: str | None = None,
        events: Sequence[str] | None = None,
        secret: str | None = None,
    ) -> dict[str, Any]:
        """Change what is given; whatever it was waiting for, the next event is tried at once. ``secret="new"`` makes
        one, which the answer shows. Raises SubscriptionNotFoundError, InvalidRequestError."""
        return self._door.do(
            self._events.change(
                "webhook",
                id,
                {
                    "state": state,
                    "position": position,
                    "url": url,
                    "events": None if events is None else list(events),
                    "secret": secret,
                },
            )
        )

    def delete_webhook(self, id: str) -> dict[str, Any]:
        """End a webhook and forget its log; what it was. Raises SubscriptionNotFoundError."""
        return self._door.do(self._events.delete("webhook", id))

    def list_deliveries(self, id: str, *, limit: int = 50, before: int | None = None) -> dict[str, Any]:
        """What became of the latest tries to deliver to a webhook, the latest first: ``deliveries``, and ``next``."""
        return self._door.do(self._events.list_deliveries(id, limit, before))


class AsyncEventful:
    """The same for an event loop; see ``Eventful``."""

    _door: Threads | AsyncHttp
    _events: EventCalls

    async def list_events(
        self,
        names: str | Sequence[str] = (),
        *,
        namespace: str | None = None,
        task_uuid: str | None = None,
        after: int | None = None,
        before: int | None = None,
        limit: int = 25,
    ) -> dict[str, Any]:
        """See ``TaskerClient.list_events``."""
        return await self._door.do(self._events.list_events(names, namespace, task_uuid, after, before, limit))

    async def list_subscriptions(self) -> list[dict[str, Any]]:
        """See ``TaskerClient.list_subscriptions``."""
        return await self._door.do(self._events.list_of("subscriber"))

    async def change_subscription(
        self, id: str, *, state: str | None = None, position: int | None = None
    ) -> dict[str, Any]:
        """See ``TaskerClient.change_subscription``."""
        return await self._door.do(self._events.change("subscriber", id, {"state": state, "position": position}))

    async def delete_subscription(self, id: str) -> dict[str, Any]:
        """See ``TaskerClient.delete_subscription``."""
        return await self._door.do(self._events.delete("subscriber", id))

    async def list_webhooks(self) -> list[dict[str, Any]]:
        """See ``TaskerClient.list_webhooks``."""
        return await self._door.do(self._events.list_of("webhook"))

    async def create_webhook(
        self,
        name: str,
        url: str,
        events: Sequence[str] = ("*",),
        *,
        namespace: str | None = None,
        secret: str | None = None,
        from_beginning: bool = False,
    ) -> dict[str, Any]:
        """See ``TaskerClient.create_webhook``."""
        return await self._door.do(
            self._events.create_webhook(
                {
                    "name": name,
                    "url": url,
                    "events": list(events),
                    "namespace": namespace,
                    "secret": secret,
                    "from_beginning": from_beginning,
                }
            )
        )

    async def change_webhook(
        self,
        id: str,
        *,
        state: str | None = None,
        position: int | None = None,
        url: str | None = None,
        events: Sequence[str] | None = None,
        secret: str | None = None,
    ) -> dict[str, Any]:
        """See ``TaskerClient.change_webhook``."""
        return await self._door.do(
            self._events.change(
                "webhook",
                id,
                {
                    "state": state,
                    "position": position,
                    "url": url,
                    "events": None if events is None else list(events),
                    "secret": secret,
                },
            )
        )

    async def delete_webhook(self, id: str) -> dict[str, Any]:
        """See ``TaskerClient.delete_webhook``."""
        return await self._door.do(self._events.delete("webhook", id))

    async def list_deliveries(self, id: str, *, limit: int = 50, before: int | None = None) -> dict[str, Any]:
        """See ``TaskerClient.list_deliveries``."""
        return await self._door.do(self._events.list_deliveries(id, limit, before))
