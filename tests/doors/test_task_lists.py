"""Lists of tasks by whatever can be asked for: the same in process, over HTTP and from the command."""

from __future__ import annotations

import asyncio
import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tasker_core import AsyncTaskerClient
from tasker_core.errors import InvalidRequestError
from tests.support.workshop import Workshop, tasker

CHAIN = str(uuid.uuid4())
OURS: dict[str, Any] = {
    "initiator": "ann", "source_system": "till", "tags": ["eu", "a, \"b\""], "correlation_id": CHAIN,
    "parent_correlation_id": str(uuid.uuid4()), "priority": 7, "reason": "she asked",
}  # fmt: skip


@pytest.fixture
def shop(each_door: Workshop) -> tuple[Workshop, str, str]:
    """A shop with two tasks, an older one and ours."""
    each_door.template({"pay": []})
    other = each_door.create(context={"customer": {"id": 7}})
    return each_door, other, each_door.create(context={"customer": {"id": 42}}, **OURS)


def test_what_a_task_was_created_with_is_returned_and_can_be_asked_for(shop: tuple[Workshop, str, str]) -> None:
    door, other, ours = shop
    task = door.client.get_task(ours)
    assert {key: getattr(task, key) for key in OURS} == OURS
    created = datetime.fromisoformat(task.created_at or "")
    later, much_later = created + timedelta(microseconds=1), created + timedelta(days=1)
    for asked in (
        *({key: OURS[key]} for key in ("initiator", "source_system", "correlation_id", "parent_correlation_id")),
        {"tag": "eu"}, {"tag": "a, \"b\"", "version": "1.0.0"}, {"correlation_id": uuid.UUID(CHAIN)},
        {"created_after": created}, {"updated_after": task.updated_at},
        {"created_after": created.astimezone().isoformat()},
        {"context_path": "customer.id", "context_value": 42}, {"context_path": "$.customer.id", "context_value": "42"},
    ):  # fmt: skip
        assert [found.task_uuid for found in door.client.list_tasks(**asked).tasks] == [ours], asked
    for asked in (
        {"created_before": created}, {"updated_before": created}, {"context_path": "customer.id", "context_value": 7.0},
    ):  # fmt: skip
        assert [found.task_uuid for found in door.client.list_tasks(**asked).tasks] == [other], asked
    for asked in (
        {"tag": "a"}, {"version": "2.0.0"}, {"created_after": much_later},
        {"updated_before": created - timedelta(days=1)},
        {"context_path": "customer", "context_value": "42"}, {"context_path": "customer.id", "context_value": "x"},
        {"created_after": later, "created_before": later},
    ):  # fmt: skip
        assert door.client.list_tasks(**asked).tasks == [], asked


@pytest.mark.parametrize(("asked", "field"), [
    ({"status": "asleep"}, "status"), ({"tag": 7}, "tag"), ({"correlation_id": "7"}, "correlation_id"),
    ({"created_after": "yesterday"}, "created_after"), ({"updated_before": 7}, "updated_before"),
    ({"context_path": "a"}, "context_value"), ({"context_value": "a"}, "context_path"),
    ({"context_path": "a..b", "context_value": "x"}, "context_path"),
    ({"context_path": "a", "context_value": {}}, "context_value"),
])  # fmt: skip
def test_what_cannot_be_asked_names_its_argument(workshop: Workshop, asked: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        workshop.client.list_tasks(**asked)
    assert caught.value.field == field


def test_an_event_loop_asks_the_same(shop: tuple[Workshop, str, str]) -> None:
    door, _, ours = shop

    async def ask() -> list[str]:
        place = getattr(door, "door", None) or {"database_url": door.url}
        async with AsyncTaskerClient(**place) as client:
            now = datetime.now(UTC)
            page = await client.list_tasks(
                tag="eu", updated_before=now + timedelta(days=1), context_path="customer.id", context_value=42
            )
            return [task.task_uuid for task in page.tasks]

    assert asyncio.run(ask()) == [ours]


def test_the_command_asks_the_same(workshop: Workshop) -> None:
    workshop.template({"pay": []})
    workshop.create(context={"customer": {"id": 7}})
    made = tasker(
        "task", "create", "flow", "-n", "shop", "-i", '{"customer": {"id": 42}}', "--tag", "eu", "-c", CHAIN,
        "--parent-correlation-id", OURS["parent_correlation_id"], url=workshop.url,
    )  # fmt: skip
    ours = made.out.strip()
    for asked in (
        ["--tag", "eu"], ["-c", CHAIN], ["--parent-correlation-id", OURS["parent_correlation_id"]],
        ["--context", "customer.id=42", "--version", "1.0.0", "--source-system", "tasker command"],
        ["--context", "customer.id=42", "--created-after", "2020-01-01", "--updated-before", "2999-01-01T00:00:00Z"],
    ):  # fmt: skip
        told = tasker("task", "list", "--json", *asked, url=workshop.url)
        assert [task["task_uuid"] for task in json.loads(told.out)["tasks"]] == [ours], asked
    wrong = tasker("task", "list", "--context", "customer.id", url=workshop.url)
    assert wrong.code == 2 and "customer.id=42" in wrong.err
