"""Dead letters through the clients, in process and over HTTP, with the command, and with their permissions."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tasker_core import AsyncTaskerClient, RetryableError
from tasker_core.errors import DeadLetterNotFoundError, InvalidRequestError, NotPermittedError, TaskStateError
from tests.support.guard import Guard
from tests.support.served import served
from tests.support.workshop import Finished, Workshop, tasker

NOBODY = "01980000-0000-7000-8000-000000000000"


def failing(shop: Workshop, tasks: int = 1) -> list[str]:
    """Tasks whose step has no attempt left; it succeeds once the gate is open."""

    @shop.handler("pay")
    def pay(context: Any) -> dict[str, str]:
        if not shop.gate.is_set():
            raise RetryableError(f"no answer for order {context.input_data['order']}")
        return {"paid": "yes"}

    shop.template({"pay": []}, pay={"retry": {"max_attempts": 1}})
    shop.start()
    made = [shop.create(context={"order": n, "card": "4111"}) for n in range(tasks)]
    assert {shop.finish(task).status for task in made} == {"blocked_by_failures"}
    return made


def test_they_are_found_requeued_and_resolved(each_door: Workshop) -> None:
    tasks, client = failing(each_door, 4), each_door.client
    (group,) = client.dead_letter_groups()
    assert (group.entries, group.dlq_reason, group.step_name) == (4, "max_retries_exceeded", "pay")
    assert group.title == "test/flow pay: retryable_error: no answer for order <n>" or group.title.endswith("order <n>")
    assert len(client.list_dead_letters(fingerprint=group.fingerprint, limit=2)) == 2
    first = client.dead_letter_of_task(tasks[0])
    assert first.task_snapshot is not None and first.task_snapshot["context"]["order"] == 0
    assert first.task_snapshot == client.get_dead_letter(first.dlq_entry_uuid).task_snapshot
    assert {letter.task_uuid for letter in client.investigation_queue()} == set(tasks)
    assert client.standing_tasks() == [], "they wait for a person, not for time"
    each_door.gate.set()
    done = client.requeue_dead_letter(first.dlq_entry_uuid, "the gateway is back", by="ann")
    assert done.resolution_status == "manually_resolved" and "ann" in (done.resolved_by or "")
    with pytest.raises(TaskStateError, match="only a pending one is requeued"):
        client.requeue_dead_letter(first.dlq_entry_uuid)
    rest = client.requeue_dead_letters(group.fingerprint, "the gateway is back", rate=50)
    assert (rest.requeued, rest.remaining, rest.refused) == (3, 0, [])
    assert rest.first_run_at is not None and rest.last_run_at is not None and rest.first_run_at < rest.last_run_at
    assert {each_door.finish(task).status for task in tasks} == {"complete"}
    sent = client.send_to_dead_letters(tasks[0], "charged twice?", by="bob")
    assert (sent.dlq_reason, sent.step_name) == ("manual_dlq", None)
    noted = client.resolve_dead_letter(sent.dlq_entry_uuid, "permanently_failed", notes="no", metadata={"ticket": 7})
    assert (noted.resolution_status, noted.resolution_notes, noted.metadata) == (
        "permanently_failed",
        "no",
        {"ticket": 7},
    )
    counts = {stats.dlq_reason: stats for stats in client.dead_letter_stats()}
    assert counts["max_retries_exceeded"].manually_resolved == 4 and counts["manual_dlq"].permanently_failed == 1


def test_what_cant_be_done_is_refused_alike(each_door: Workshop) -> None:
    (task,), client = failing(each_door), each_door.client
    letter = client.dead_letter_of_task(task)
    for missing in (client.get_dead_letter, client.requeue_dead_letter, client.resolve_dead_letter):
        with pytest.raises(DeadLetterNotFoundError):
            missing(NOBODY)
    with pytest.raises(DeadLetterNotFoundError):
        client.requeue_dead_letters("0" * 16)
    with pytest.raises(TaskStateError, match="a task has one at most"):
        client.send_to_dead_letters(task)
    for rate in (0, -1):
        with pytest.raises(InvalidRequestError) as odd:
            client.requeue_dead_letters(letter.fingerprint, rate=rate)
        assert odd.value.field == "rate"
    with pytest.raises(InvalidRequestError) as odd:
        client.resolve_dead_letter(letter.dlq_entry_uuid, "gone")
    assert odd.value.field == "resolution_status"
    with pytest.raises(InvalidRequestError):
        client.list_dead_letters(reason="gone")
    assert client.get_dead_letter(letter.dlq_entry_uuid) == letter, "nothing has changed"


def test_the_same_in_an_event_loop(each_door: Workshop) -> None:
    tasks = failing(each_door, 2)
    each_door.gate.set()

    async def main() -> list[str]:
        async with AsyncTaskerClient(**each_door.door) as client:
            (group,) = await client.dead_letter_groups()
            first, *_ = await client.list_dead_letters(status="pending", limit=1)
            await client.requeue_dead_letter(first.dlq_entry_uuid)
            assert (await client.requeue_dead_letters(group.fingerprint)).requeued == 1
            assert (await client.get_dead_letter(first.dlq_entry_uuid)).resolution_status == "manually_resolved"
            await client.dead_letter_of_task(tasks[0])
            assert await client.investigation_queue() == [] and len(await client.dead_letter_stats()) == 1
            await client.standing_tasks()
            ended = [(await client.wait(task, 20)).status for task in tasks]
            sent = await client.send_to_dead_letters(tasks[0])
            assert (await client.resolve_dead_letter(sent.dlq_entry_uuid)).resolution_status == "manually_resolved"
            return ended

    assert asyncio.run(main()) == ["complete", "complete"]


def test_each_permission_is_needed_and_secrets_are_masked(workshop: Workshop) -> None:
    (task,) = failing(workshop)
    letter = workshop.client.dead_letter_of_task(task)
    assert letter.task_snapshot is not None and letter.task_snapshot["context"]["card"] == "4111"
    guard = Guard()
    reads, writes = guard.key("reader", "dlq:read"), guard.key("writer", "dlq:update")
    with served(workshop.url, guard.access()) as server:
        with workshop.connect(database_url=None, url=server.url, api_key=reads) as reader:
            seen = reader.get_dead_letter(letter.dlq_entry_uuid).task_snapshot
            assert seen is not None and seen["context"] == {"order": 0, "card": "[redacted]"}
            for refused in (
                lambda: reader.requeue_dead_letter(letter.dlq_entry_uuid),
                lambda: reader.requeue_dead_letters(letter.fingerprint),
                lambda: reader.resolve_dead_letter(letter.dlq_entry_uuid),
                lambda: reader.send_to_dead_letters(task),
                reader.dead_letter_stats,
            ):
                with pytest.raises(NotPermittedError):
                    refused()
        with workshop.connect(database_url=None, url=server.url, api_key=writes) as writer:
            assert writer.resolve_dead_letter(letter.dlq_entry_uuid).resolution_status == "manually_resolved"
            with pytest.raises(NotPermittedError):
                writer.list_dead_letters()


def say(shop: Workshop, *arguments: str) -> Finished:
    return tasker("dlq", *arguments, cwd=shop.directory, url=shop.url)


def test_the_command(workshop: Workshop) -> None:
    tasks = failing(workshop, 3)
    (group,) = json.loads(say(workshop, "groups", "--json").out)
    assert group["entries"] == 3
    shown = say(workshop, "show", tasks[0], "--task")
    assert shown.code == 0 and "no answer for order 0" in shown.out and "max_retries_exceeded" in shown.out
    assert say(workshop, "show", NOBODY).code == 2
    listed = json.loads(say(workshop, "list", "--group", group["fingerprint"], "--json").out)
    assert {letter["task_uuid"] for letter in listed} == set(tasks)
    workshop.gate.set()
    done = say(workshop, "requeue", "--group", group["fingerprint"], "--rate", "20", "-r", "the gateway is back")
    assert done.code == 0 and "requeued 3, the last runs at" in done.out and "0 are left" in done.out
    assert {workshop.finish(task).status for task in tasks} == {"complete"}
    odd = say(workshop, "requeue")
    assert odd.code == 2 and "either a dead letter's UUID or --group" in odd.err
    sent = say(workshop, "send", tasks[0], "-r", "charged twice?").out.strip()
    assert "charged twice?" in say(workshop, "queue").out
    assert say(workshop, "resolve", sent, "--notes", "once", "-b", "ann").out.strip() == "manually_resolved"
    stats = {each["dlq_reason"]: each for each in json.loads(say(workshop, "stats", "--json").out)}
    assert (stats["manual_dlq"]["manually_resolved"], stats["max_retries_exceeded"]["manually_resolved"]) == (1, 3)
    assert json.loads(say(workshop, "staleness", "--json").out) == []
