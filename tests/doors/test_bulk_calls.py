"""The same said of all tasks that match: through the clients, in process and over HTTP, and with the command."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import subprocess
import sys
from typing import Any

import httpx
import pytest

from tasker_core import AsyncTaskerClient, PermanentError
from tasker_core.client import local
from tasker_core.errors import InvalidRequestError, NotPermittedError
from tests.support.guard import Guard
from tests.support.served import served
from tests.support.workshop import Finished, Workshop, tasker


def blocked(shop: Workshop, count: int) -> list[str]:
    """So many tasks whose payment failed for good at first."""
    tried: set[str] = set()

    @shop.handler("pay")
    def pay(context: Any) -> None:
        if str(context.task_uuid) not in tried:
            tried.add(str(context.task_uuid))
            raise PermanentError("the gateway is down")

    shop.template({"pay": []})
    shop.start()
    tasks = [shop.create(context={"n": n, "customer": n % 2}) for n in range(count)]
    assert {shop.finish(task).status for task in tasks} == {"blocked_by_failures"}
    return tasks


def test_they_are_counted_then_changed(each_door: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "A_STRETCH", 2)
    tasks, client = blocked(each_door, 5), each_door.client
    found = client.change_tasks("retry", dry_run=True, sample=2, status="blocked_by_failures")
    assert (found.matching, [task["task_uuid"] for task in found.sample]) == (5, [tasks[4], tasks[3]])
    assert (found.done, each_door.states(tasks[0])) == (0, {"pay": "error"})
    done = client.change_tasks("retry", "it is back", by="ann", status="blocked_by_failures")
    assert (done.done, done.skipped, done.failures, done.next) == (5, {}, 0, None)
    assert {each_door.finish(task).status for task in tasks} == {"complete"}
    assert client.change_tasks("retry", status="blocked_by_failures").done == 0
    wrong: list[tuple[str, dict[str, Any]]] = [
        ("retyr", {"namespace": "shop"}), ("retry", {}), ("retry", {"stauts": "complete"}),
    ]  # fmt: skip
    for act, filters in wrong:
        with pytest.raises(InvalidRequestError):
            client.change_tasks(act, **filters)


def test_they_are_restarted_from_a_step(each_door: Workshop) -> None:
    tasks, client = blocked(each_door, 3), each_door.client
    with pytest.raises(InvalidRequestError, match="from which step"):
        client.change_tasks("restart", namespace="shop")
    found = client.change_tasks("restart", dry_run=True, from_step="pay", namespace="shop")
    assert (found.matching, each_door.states(tasks[0])) == (3, {"pay": "error"})
    assert client.change_tasks("restart", "all anew", from_step="pay", namespace="shop").done == 3
    assert {each_door.finish(task).status for task in tasks} == {"complete"}
    ended = tasker("task", "bulk", "restart", "-n", "shop", "--from-step", "pay", "--dry-run", url=each_door.url)
    assert ended.out.startswith("3 tasks would be restarted")


def test_a_context_chooses_them_and_an_event_loop_says_it(each_door: Workshop) -> None:
    tasks = blocked(each_door, 4)

    async def main() -> int:
        async with AsyncTaskerClient("ann", **each_door.door) as client:
            filters: dict[str, Any] = {"context_path": "customer", "context_value": 1}
            assert (await client.change_tasks("cancel", dry_run=True, **filters)).matching == 2
            return (await client.change_tasks("cancel", "no longer wanted", **filters)).done

    assert asyncio.run(main()) == 2
    states = [each_door.client.get_task(task).status for task in tasks]
    assert states == ["blocked_by_failures", "cancelled"] * 2


def test_a_stretch_whose_answer_was_lost_is_counted_once(each_door: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    if "url" not in each_door.door:
        return
    tasks, sent = blocked(each_door, 3), []
    send = httpx.Client.request

    def lose_the_first(self: httpx.Client, *args: Any, **said: Any) -> httpx.Response:
        answer = send(self, *args, **said)
        if said["method"] == "PATCH":
            sent.append(answer.json()["done"])
            if len(sent) == 1:
                assert {each_door.finish(task).status for task in tasks} == {"complete"}
                raise httpx.ReadTimeout("lost")
        return answer

    monkeypatch.setattr(httpx.Client, "request", lose_the_first)
    assert each_door.client.change_tasks("retry", namespace="shop").done == 3
    assert sent == [3, 3]


@pytest.mark.parametrize(
    ("permissions", "act", "may"),
    [
        (("tasks:list", "tasks:operate"), "retry", True), (("tasks:list", "tasks:operate"), "cancel", False),
        (("tasks:list", "tasks:cancel"), "cancel", True), (("tasks:list", "tasks:cancel"), "pause", False),
        (("tasks:operate", "tasks:cancel"), "pause", False),
    ],
)  # fmt: skip
def test_it_needs_the_permission_of_the_act(
    workshop: Workshop, permissions: tuple[str, ...], act: str, may: bool
) -> None:
    guard = Guard()
    key = guard.key("till", *permissions)
    with served(workshop.url, guard.access()) as server:
        client = workshop.connect(url=server.url, database_url=None, api_key=key)
        if may:
            assert client.change_tasks(act, namespace="shop").done == 0
        else:
            with pytest.raises(NotPermittedError, match="this needs the permission tasks:"):
                client.change_tasks(act, namespace="shop")
        client.close()


def say(shop: Workshop, *arguments: str) -> Finished:
    return tasker("task", "bulk", *arguments, cwd=shop.directory, url=shop.url)


def test_the_command_counts_and_does(workshop: Workshop) -> None:
    tasks = blocked(workshop, 3)
    shown = say(workshop, "retry", "--status", "blocked_by_failures", "--dry-run")
    lines = shown.out.splitlines()
    assert shown.code == 0 and lines[0] == "3 tasks would be retried"
    assert [line.split() for line in lines[1:]] == [
        [task, "shop/flow", "blocked_by_failures"] for task in reversed(tasks)
    ]
    refused = say(workshop, "retry", "-n", "shop")
    assert refused.code == 2 and "3 tasks would be retried; say --yes to do it" in refused.err
    assert say(workshop, "retry").code == 2, "no filter"
    done = say(workshop, "retry", "-n", "shop", "--yes", "-r", "it is back")
    assert (done.code, done.out.strip()) == (0, "3 tasks retried")
    assert {workshop.finish(task).status for task in tasks} == {"complete"}
    told = json.loads(say(workshop, "give-up", "-n", "shop", "--yes", "--json").out)
    assert told == {"done": 0, "skipped": {}, "failures": 0, "failed": []}
    assert json.loads(say(workshop, "pause", "-n", "shop", "--dry-run", "--json").out) == {"matching": 0, "sample": []}


@pytest.mark.parametrize(("answer", "code", "status"), [("y", 0, "cancelled"), ("n", 1, "steps_in_process")])
def test_who_sits_at_a_terminal_is_asked(workshop: Workshop, answer: str, code: int, status: str) -> None:
    workshop.template({"pay": []})
    task = workshop.create()
    mine, its = pty.openpty()
    try:
        os.write(mine, f"{answer}\n".encode())
        command = [sys.executable, "-m", "tasker_core.cli", "task", "bulk", "cancel", "-n", "shop"]
        said = subprocess.run(
            [*command, "--database-url", workshop.url], stdin=its, capture_output=True, text=True, timeout=60,
            cwd=workshop.directory, check=False,
        )  # fmt: skip
    finally:
        os.close(mine)
        os.close(its)
    assert said.returncode == code, said.stderr
    assert "1 task will be cancelled. Go on? [y/N]" in said.stdout + said.stderr
    assert workshop.client.get_task(task).status == status
