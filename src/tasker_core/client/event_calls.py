"""What a client asks about domain events, and about who is given them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tasker_core.client.call import Call, Request
from tasker_core.engine import Engine
from tasker_core.engine.events import LARGEST_PAGE, Asked
from tasker_core.engine.requests import as_uuid
from tasker_core.errors import InvalidRequestError
from tasker_core.rules.payload import encode
from tasker_core.settings import load_settings
from tasker_core.store.subscriptions import SUBSCRIBER, WEBHOOK

PLACES = {WEBHOOK: "/v1/webhooks", SUBSCRIBER: "/v1/events/subscriptions"}


class EventCalls:
    """The calls of a client. The answers are plain data, the same as the REST API's."""

    def list_events(
        self, names: str | Sequence[str], namespace: str | None, task_uuid: str | None, after: int | None,
        before: int | None, limit: int,
    ) -> Call[dict[str, Any]]:  # fmt: skip
        patterns = (names,) if isinstance(names, str) else tuple(names)
        task = None if task_uuid is None else as_uuid(task_uuid, "task_uuid")
        if after is not None and before is not None:
            raise InvalidRequestError("give after or before, not both", field="after")
        if not 1 <= limit <= LARGEST_PAGE:
            raise InvalidRequestError(f"limit must be from 1 to {LARGEST_PAGE}, not {limit}", field="limit")
        asked = Asked(namespace, task, patterns)
        said = {"namespace": namespace, "task_uuid": task, "after": after, "before": before, "limit": limit}
        query = {"name": list(patterns), **{key: value for key, value in said.items() if value is not None}}
        return Call(
            lambda local: local.ask(lambda engine: engine.events.page(asked, limit, after=after, before=before)),
            lambda: Request("/v1/events", query=query),
            dict,
        )

    def list_of(self, kind: str) -> Call[list[dict[str, Any]]]:
        return Call(
            lambda local: local.ask(lambda engine: engine.subscriptions.list(kind)),
            lambda: Request(PLACES[kind]),
            list,
        )

    def create_webhook(self, said: Mapping[str, Any]) -> Call[dict[str, Any]]:
        given = {key: value for key, value in said.items() if value is not None}

        def create(engine: Engine) -> dict[str, Any]:
            options = {"patterns" if key == "events" else key: value for key, value in given.items()}
            return engine.subscriptions.create_webhook(**options, private=_private())

        return Call(
            lambda local: local.ask(create),
            lambda: Request(PLACES[WEBHOOK], "POST", body=encode(given, "request"), once=True),
            dict,
        )

    def change(self, kind: str, subscription: str, said: Mapping[str, Any]) -> Call[dict[str, Any]]:
        which, given = as_uuid(subscription, "id"), {key: value for key, value in said.items() if value is not None}
        return Call(
            lambda local: local.ask(lambda engine: engine.subscriptions.change(which, kind, given, private=_private())),
            lambda: Request(f"{PLACES[kind]}/{which}", "PATCH", body=encode(given, "request")),
            dict,
        )

    def delete(self, kind: str, subscription: str) -> Call[dict[str, Any]]:
        which = as_uuid(subscription, "id")
        return Call(
            lambda local: local.ask(lambda engine: engine.subscriptions.drop(which, kind)),
            lambda: Request(f"{PLACES[kind]}/{which}", "DELETE", once=True),
            dict,
        )

    def list_deliveries(self, webhook: str, limit: int, before: int | None) -> Call[dict[str, Any]]:
        which = as_uuid(webhook, "id")
        query = {"limit": limit} if before is None else {"limit": limit, "before": before}
        return Call(
            lambda local: local.ask(lambda engine: engine.subscriptions.deliveries(which, limit, before)),
            lambda: Request(f"{PLACES[WEBHOOK]}/{which}/deliveries", query=query),
            dict,
        )


def _private() -> bool:
    return load_settings().server.webhooks_to_private_addresses
