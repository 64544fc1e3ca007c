"""What the clients and the command say about domain events, in process and over HTTP alike."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tasker_core import AsyncTaskerClient
from tasker_core.errors import InvalidRequestError, SubscriptionNotFoundError, TaskNotFoundError
from tests.support.events import event
from tests.support.workshop import Finished, Workshop, tasker

NOBODY = "01980000-0000-7000-8000-000000000000"
HOOK = "https://books.example/hook"


@pytest.fixture
def paid(each_door: Workshop) -> str:
    """A task that has published pay.done and pay.told."""
    each_door.handler("pay")(lambda: {"cents": 9})
    each_door.template({"pay": []}, pay={"publishes_events": [event("pay.done"), event("pay.told")]})
    with each_door.start():
        return each_door.run().task_uuid


def test_events_are_listed(each_door: Workshop, paid: str) -> None:
    client = each_door.client
    page = client.list_events(limit=1)
    assert ([each["event_name"] for each in page["events"]], page["next"]) == (["pay.told"], 2)
    assert [each["sequence"] for each in client.list_events(after=0)["events"]] == [1, 2]
    (told,) = client.list_events("*.told", task_uuid=paid, namespace="shop")["events"]
    assert told["payload"]["payload"] == {"cents": 9}
    assert client.list_events(["pay.d*", "x.*"], before=2)["events"][0]["event_name"] == "pay.done"
    for wrong in ({"names": "Pay"}, {"limit": 101}, {"after": 1, "before": 1}):
        with pytest.raises(InvalidRequestError):
            client.list_events(**wrong)
    with pytest.raises(TaskNotFoundError):
        client.list_events(task_uuid=NOBODY)


def test_a_webhook_is_made_changed_and_ended(each_door: Workshop) -> None:
    client = each_door.client
    made = client.create_webhook("books", HOOK, ["pay.*"], namespace="shop")
    assert made["secret"].startswith("whsec_") and made["events"] == ["pay.*"]
    with pytest.raises(InvalidRequestError, match="already"):
        client.create_webhook("books", HOOK)
    with pytest.raises(InvalidRequestError, match="https"):
        client.create_webhook("plain", "http://books.example/")
    changed = client.change_webhook(made["id"], state="paused", events=["*"], secret="new")
    assert (changed["state"], changed["events"]) == ("paused", ["*"]) and changed["secret"] != made["secret"]
    assert [each["name"] for each in client.list_webhooks()] == ["books"]
    assert client.list_deliveries(made["id"]) == {"deliveries": [], "next": None}
    assert client.delete_webhook(made["id"])["name"] == "books"
    for ask in (client.delete_webhook, client.list_deliveries, client.delete_subscription):
        with pytest.raises(SubscriptionNotFoundError):
            ask(made["id"])
    assert client.list_subscriptions() == []


def test_an_event_loop_asks_the_same(each_door: Workshop, paid: str) -> None:
    async def main() -> tuple[Any, ...]:
        async with AsyncTaskerClient(**each_door.door) as client:
            made = await client.create_webhook("books", HOOK)
            await client.change_webhook(made["id"], position=0)
            found = await client.list_webhooks(), await client.list_subscriptions(), await client.list_events("*.done")
            await client.list_deliveries(made["id"], limit=1)
            await client.delete_webhook(made["id"])
            return found

    webhooks, subscriptions, events = asyncio.run(main())
    assert (webhooks[0]["behind"], subscriptions, len(events["events"])) == (2, [], 1)


def test_the_command(workshop: Workshop) -> None:
    def say(*words: str, code: int = 0) -> Finished:
        done = tasker(*words, url=workshop.url)
        assert done.code == code, done.err
        return done

    workshop.handler("pay")(lambda: {"ok": True})
    workshop.template({"pay": []}, pay={"publishes_events": [event("pay.done")]})
    with workshop.start() as worker:
        task = workshop.run().task_uuid
        worker.service.engine.subscriptions.subscribe("clerk", ["pay.*"], from_beginning=True)
    assert task in say("events", "list", "pay.*").out
    assert json.loads(say("events", "list", "--after", "1", "--json").out) == {"events": [], "next": None}
    assert "clerk" in say("events", "subscriptions").out
    (moved,) = json.loads(say("events", "set", "clerk", "--position", "1", "--json").out)
    assert (moved["position"], moved["behind"]) == (1, 0)
    assert "did you mean 'clerk'" in say("events", "forget", "clark", code=2).err
    say("events", "forget", "clerk")
    assert say("webhook", "add", "books", HOOK, "-e", "pay.*").out.startswith("secret: whsec_")
    assert "paused" in say("webhook", "set", "books", "--state", "paused").out
    assert say("webhook", "set", "books", "--new-secret").out.startswith("secret: whsec_")
    assert "state" in say("webhook", "set", "books", "--state", "asleep", code=2).err
    assert json.loads(say("webhook", "log", "books", "--json").out) == []
    assert "books" in say("webhook", "list").out
    say("webhook", "remove", "books")
    assert json.loads(say("webhook", "list", "--json").out) == []
