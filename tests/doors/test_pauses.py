"""Pauses through the clients, in process and over HTTP, and with the command."""

from __future__ import annotations

import asyncio
import json

import pytest

from tasker_core import AsyncTaskerClient
from tasker_core.errors import NamespaceNotFoundError, TaskStateError
from tests.support.workshop import Finished, Workshop, tasker


def stock(workshop: Workshop) -> None:
    """A template in two steps, and their handlers."""
    workshop.handler("cart")(lambda: {"total": 42})
    workshop.handler("pay")(lambda: {"paid": True})
    workshop.template({"cart": [], "pay": ["cart"]})


def test_a_task_waits_while_it_is_paused(each_door: Workshop) -> None:
    stock(each_door)
    client, task = each_door.client, each_door.create()
    held = client.pause_task(task, "the bank is down", by="ann")
    assert held.paused is not None and held.paused["what"] == "task" and held.paused["by"].endswith("ann")
    assert client.get_task(task).paused == client.list_tasks().tasks[0].paused == held.paused
    assert client.explain(task).steps[0].reason.kind == "task_paused"
    with pytest.raises(TaskStateError, match="is paused already"):
        client.pause_task(task)
    each_door.start()
    other = each_door.create(context={"no": 2})
    assert each_door.finish(other).status == "complete"
    assert each_door.states(task) == {"cart": "enqueued", "pay": "pending"}
    assert client.resume_task(task, "it is back").paused is None
    assert each_door.finish(task).status == "complete"
    with pytest.raises(TaskStateError, match="only an unfinished task can be paused"):
        client.pause_task(task)


def test_a_namespace_waits_while_it_is_paused(each_door: Workshop) -> None:
    stock(each_door)
    client = each_door.client
    held = client.pause_namespace("shop", "the bank is down", by="ann")
    assert held.namespace == "shop" and held.templates == 1 and held.paused is not None
    assert held.paused["by"].endswith("ann") and [word["verb"] for word in held.history] == ["pause"]
    assert [(each.namespace, each.paused) for each in client.list_namespaces()] == [("shop", held.paused)]
    with pytest.raises(TaskStateError, match="is paused already") as refused:
        client.pause_namespace("shop")
    assert refused.value.state == "paused"
    with pytest.raises(NamespaceNotFoundError, match="did you mean 'shop'"):
        client.pause_namespace("shpo")
    each_door.start()
    task = each_door.create()
    assert client.explain(task).steps[0].reason.kind == "namespace_paused"
    client.resume_namespace("shop", "it is back")
    assert each_door.finish(task).status == "complete"
    assert [word["reason"] for word in client.get_namespace("shop").history] == ["it is back", "the bank is down"]
    with pytest.raises(TaskStateError, match="isn't paused"):
        client.resume_namespace("shop")


def test_an_event_loop_can_say_the_same(each_door: Workshop) -> None:
    stock(each_door)
    task = each_door.create()

    async def main() -> list[object]:
        async with AsyncTaskerClient("ann", **each_door.door) as client:
            seen: list[object] = [(await client.pause_task(task)).paused, (await client.resume_task(task)).paused]
            seen += [(await client.pause_namespace("shop")).paused, (await client.list_namespaces())[0].paused]
            seen += [(await client.get_namespace("shop")).paused, (await client.resume_namespace("shop")).paused]
            return seen

    assert [bool(each) for each in asyncio.run(main())] == [True, False, True, True, True, False]


def say(shop: Workshop, *arguments: str) -> Finished:
    return tasker(*arguments, cwd=shop.directory, url=shop.url)


def test_the_command_pauses_tasks_and_namespaces(workshop: Workshop) -> None:
    stock(workshop)
    shop, task = workshop, workshop.create()
    shown = say(shop, "task", "pause", task, "-r", "the bank is down", "-b", "ann")
    assert shown.code == 0 and "\ntask paused by client ann since " in shown.out and ": the bank is down\n" in shown.out
    told = say(shop, "explain", task).out
    assert "held: task paused by client ann" in " ".join(told.split()) and f"tasker task resume {task}" in told
    again = say(shop, "task", "pause", task)
    assert again.code == 1 and "is paused already" in again.err
    assert json.loads(say(shop, "task", "resume", task, "--json").out)["paused"] is None
    assert say(shop, "namespace", "pause", "shop", "-r", "stocktaking").out.strip() == "namespace shop is paused"
    listed = say(shop, "namespace", "list")
    assert listed.out.splitlines()[0].split() == ["namespace", "templates"]
    assert "shop" in listed.out and ": stocktaking" in listed.out
    (told_in_json,) = json.loads(say(shop, "namespace", "list", "--json").out)
    assert told_in_json["paused"]["reason"] == "stocktaking" and told_in_json.keys() == {
        "namespace", "templates", "paused",
    }  # fmt: skip
    assert say(shop, "namespace", "pause", "shpo").code == 2
    assert json.loads(say(shop, "namespace", "resume", "shop", "--json").out)["paused"] is None
