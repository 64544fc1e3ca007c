"""What operators say through the clients, in process and over HTTP, and with the command."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from tasker_core import AsyncTaskerClient, PermanentError
from tasker_core.errors import InvalidRequestError, PayloadError, StepNotFoundError, TaskStateError
from tests.support.workshop import Finished, Workshop, flow, tasker

NOBODY = "01980000-0000-7000-8000-000000000000"


def blocked(shop: Workshop) -> str:
    """A task whose payment failed for good, once: pay, then ship, which tells what it was given."""
    tried: list[str] = []

    @shop.handler("pay")
    def pay() -> dict[str, str]:
        tried.append("once")
        if len(tried) == 1:
            raise PermanentError("card declined")
        return {"with": "another card"}

    shop.handler("ship")(lambda context: {"paid": context.get_dependency_result("pay")})
    shop.template({"pay": [], "ship": ["pay"]})
    shop.start()
    task = shop.run()
    assert task.status == "blocked_by_failures"
    return task.task_uuid


def id_of(shop: Workshop, task: str, step: str) -> str:
    return shop.steps(task)[step].step_uuid


def test_a_step_is_reset_and_the_task_goes_on(each_door: Workshop) -> None:
    task = blocked(each_door)
    step = each_door.client.reset_step(task, id_of(each_door, task, "pay"), "another card", by="ann")
    assert step.name == "pay"
    assert each_door.finish(task).status == "complete"
    assert each_door.result(task, "ship") == {"paid": {"with": "another card"}}
    ((actor, reason),) = each_door.query("select actor, reason from tasker_transitions where no = 1")
    assert actor.startswith("client ") and actor.endswith("ann") and reason == "another card"


def test_a_step_is_completed_and_the_next_reads_its_result(each_door: Workshop) -> None:
    task = blocked(each_door)
    client = each_door.connect("till-3")
    step = client.complete_step(task, id_of(each_door, task, "pay"), {"cash": 9.0}, "paid in cash", metadata={"no": 1})
    assert (step.current_state, (step.results or {})["result"]) == ("complete", {"cash": 9.0})
    assert each_door.finish(task).status == "complete" and each_door.result(task, "ship") == {"paid": {"cash": 9.0}}
    assert (step.results or {})["metadata"] == {
        "no": 1, "manually_completed": True, "completed_by": "till-3", "completion_reason": "paid in cash",
    }  # fmt: skip
    client.close()


def test_a_step_is_resolved_and_the_next_does_without(each_door: Workshop) -> None:
    task = blocked(each_door)
    assert each_door.client.resolve_step(task, id_of(each_door, task, "pay")).current_state == "resolved_manually"
    assert each_door.finish(task).status == "complete" and each_door.result(task, "ship") == {"paid": None}


def test_what_cant_be_done_is_refused_alike(each_door: Workshop) -> None:
    task, client = blocked(each_door), each_door.client
    ship = id_of(each_door, task, "ship")
    with pytest.raises(TaskStateError, match="is pending; only a step in error can be reset") as refused:
        client.reset_step(task, ship)
    assert refused.value.state == "pending"
    with pytest.raises(StepNotFoundError):
        client.resolve_step(task, NOBODY)
    with pytest.raises(InvalidRequestError) as odd:
        client.resolve_step(task, ship, "r" * 501)
    assert odd.value.field == "reason"
    with pytest.raises(InvalidRequestError) as odd:
        client.resolve_step(task, ship, by="")
    assert odd.value.field == "by"
    with pytest.raises(PayloadError):
        client.complete_step(task, ship, object())
    assert each_door.states(task) == {"pay": "error", "ship": "pending"}


def test_a_task_is_restarted_on_another_context(each_door: Workshop) -> None:
    task, client = blocked(each_door), each_door.client
    client.retry_task(task, "another card")
    assert each_door.finish(task).status == "complete"
    again = client.restart_task(task, "ship", context={"express": True}, by="ann")
    assert again.task_uuid == task and again.context == {"express": True}
    assert each_door.finish(task).status == "complete"
    assert [len(each_door.audit(task, step)) for step in ("pay", "ship")] == [2, 2]
    with pytest.raises(InvalidRequestError) as odd:
        client.restart_task(task, "ship", context=[])  # type: ignore[arg-type]  # as callers without a type checker may
    assert odd.value.field == "context"


def test_a_task_is_undone_by_word(each_door: Workshop) -> None:
    each_door.handler("pay")(lambda: {"charge": 7})
    each_door.handler("refund")(lambda context: {"back": context.get_dependency_result("pay")["charge"]})
    each_door.template({"pay": []}, pay={"compensate": {"handler": "refund"}})
    each_door.start()
    task = each_door.run()
    assert (task.status, task.compensated) == ("complete", False)
    each_door.client.undo_task(task.task_uuid, "sent back", by="ann")
    task = each_door.finish(task.task_uuid)
    assert (task.status, task.compensated) == ("error", True)
    assert each_door.result(task.task_uuid, "undo:pay") == {"back": 7}
    assert each_door.steps(task.task_uuid)["undo:pay"].compensates == "pay"
    said = each_door.query(
        "select actor, reason from tasker_transitions where no = 0 and to_state = 'steps_in_process'"
    )
    assert [(actor.endswith("ann"), reason) for actor, reason in said] == [(True, "sent back")]
    with pytest.raises(TaskStateError, match="undone already"):
        each_door.client.undo_task(task.task_uuid)
    shown = tasker("task", "undo", task.task_uuid, url=each_door.url)
    assert shown.code != 0 and "undone already" in shown.err


def test_a_task_is_given_up_and_then_resolved(each_door: Workshop) -> None:
    task, client = blocked(each_door), each_door.client
    assert client.give_up_task(task, "sold out").status == "error"
    with pytest.raises(TaskStateError) as refused:
        client.give_up_task(task)
    assert refused.value.state == "error"
    assert client.resolve_task(task, "refunded").status == "resolved_manually"


def test_an_event_loop_can_say_the_same(each_door: Workshop) -> None:
    task = blocked(each_door)

    async def main() -> str:
        async with AsyncTaskerClient("ann", **each_door.door) as client:
            pay = (await client.list_task_steps(task))[0].step_uuid
            with pytest.raises(TaskStateError):
                await client.reset_step(task, (await client.list_task_steps(task))[1].step_uuid)
            await client.complete_step(task, pay, "cash")
            return (await client.wait(task, 20)).status

    assert asyncio.run(main()) == "complete"


def test_a_word_whose_answer_was_lost_is_done_once(each_door: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    if "url" not in each_door.door:
        return
    task, client = blocked(each_door), each_door.client
    pay, sent = id_of(each_door, task, "pay"), []
    send = httpx.Client.request

    def lose_the_first(self: httpx.Client, *args: Any, **said: Any) -> httpx.Response:
        answer = send(self, *args, **said)
        if said["method"] == "PATCH":
            sent.append(answer.status_code)
            if len(sent) == 1:
                assert each_door.finish(task).status == "complete", "it has been done, and the task has gone on"
                raise httpx.ReadTimeout("lost")
        return answer

    monkeypatch.setattr(httpx.Client, "request", lose_the_first)
    assert client.complete_step(task, pay, "cash").current_state == "complete"
    assert sent == [200, 200]
    assert each_door.query("select count(*) from tasker_attempts where no = 1") == [(2,)]


def say(shop: Workshop, *arguments: str) -> Finished:
    return tasker("task", *arguments, cwd=shop.directory, url=shop.url)


def test_the_command_mends_steps(workshop: Workshop) -> None:
    task = blocked(workshop)
    odd = say(workshop, "reset-step", task, "pya")
    assert odd.code == 2 and f"error: task {task} has no step 'pya'; did you mean 'pay'" in odd.err
    refused = say(workshop, "reset-step", task, "ship")
    assert refused.code == 1 and "only a step in error can be reset" in refused.err
    shown = say(workshop, "complete-step", task, "pay", "--result", '"cash"', "--metadata", '{"no": 1}', "-b", "ann")
    assert shown.code == 0 and "complete" in shown.out
    assert workshop.finish(task).status == "complete" and workshop.result(task, "ship") == {"paid": "cash"}
    assert workshop.steps(task)["pay"].results == {
        "success": True, "status": "completed", "result": "cash", "error": None, "execution_time_ms": 0,
        "metadata": {"no": 1, "manually_completed": True, "completed_by": "ann", "completion_reason": ""},
    }  # fmt: skip


def test_the_command_resets_and_resolves_in_json(workshop: Workshop) -> None:
    task = blocked(workshop)
    told = json.loads(say(workshop, "reset-step", task, id_of(workshop, task, "pay"), "-r", "again", "--json").out)
    assert told["task_uuid"] == task and workshop.finish(task).status == "complete"
    workshop.client.register_template(flow({"wait": [], "go": ["wait"]}, name="waiting"))
    waiting = workshop.create("waiting")
    told = json.loads(say(workshop, "resolve-step", waiting, "wait", "--json").out)
    assert [step["current_state"] for step in told["steps"]] == ["resolved_manually", "enqueued"]


def test_the_command_mends_tasks(workshop: Workshop) -> None:
    task = blocked(workshop)
    assert say(workshop, "give-up", task, "-r", "no").code == 0 and workshop.client.get_task(task).status == "error"
    assert say(workshop, "retry", task).code == 0 and workshop.finish(task).status == "complete"
    told = json.loads(say(workshop, "restart", task, "ship", "-i", '{"no": 2}', "--json").out)
    assert told["context"] == {"no": 2} and workshop.finish(task).status == "complete"
    workshop.client.register_template(flow({"wait": []}, name="waiting"))
    shown = say(workshop, "resolve", workshop.create("waiting"))
    assert shown.code == 0 and "resolved_manually" in shown.out
