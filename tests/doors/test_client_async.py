"""The client for event loops, at the store itself and at a server: the same answers and errors, many at once."""

from __future__ import annotations

import asyncio
import inspect
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from typing import Any

import pytest

from tasker_core import AsyncTaskerClient, DuplicateTaskError, TaskerClient, TaskNotFoundError
from tasker_core.errors import InvalidRequestError, StepNotFoundError, TemplateError, WorkerNotFoundError
from tests.support.workshop import Workshop, flow

NOBODY = "01980000-0000-7000-8000-000000000000"


@pytest.fixture
def shop(each_door: Workshop) -> Workshop:
    each_door.handler("cart")(lambda: {"total": 42})
    each_door.template({"cart": []})
    return each_door


def play(shop: Workshop, scene: Callable[[AsyncTaskerClient], Awaitable[None]]) -> None:
    """Run ``scene`` with a client of the workshop in an event loop of its own."""

    async def main() -> None:
        async with AsyncTaskerClient("ann", "till-3", **shop.door) as client:
            await scene(client)

    asyncio.run(main())


async def create(client: AsyncTaskerClient, no: int = 1, **wishes: Any) -> str:
    return (await client.create_task("flow", namespace="shop", context={"no": no}, **wishes)).task_uuid


def test_it_has_the_methods_of_the_other_with_their_arguments() -> None:
    def public(cls: type) -> dict[str, str]:
        named = dict(inspect.getmembers(cls, inspect.isfunction))
        shown = {name: str(inspect.signature(member)) for name, member in named.items() if not name.startswith("_")}
        return shown | {"__init__": str(inspect.signature(cls))}

    assert public(AsyncTaskerClient) == public(TaskerClient)


def test_it_answers_as_the_other_does(shop: Workshop) -> None:
    async def scene(client: AsyncTaskerClient) -> None:
        await client.register_template(flow({"cart": []}, name="another"))
        task = await create(client)
        many = await client.create_tasks([{"name": "another", "context": {"no": no}} for no in range(3)])
        assert len({each.task_uuid for each in many}) == 3 and await client.create_tasks([]) == []
        done = await client.wait(task, timeout=20)
        assert (done.status, done.initiator, done.source_system) == ("complete", "ann", "till-3")
        same, steps = shop.client, await client.list_task_steps(task)
        step = steps[0].step_uuid
        assert await client.get_task(task) == same.get_task(task) == done
        assert steps == same.list_task_steps(task)
        assert await client.get_step(task, step) == same.get_step(task, step)
        assert await client.get_step_audit_history(task, step) == same.get_step_audit_history(task, step)
        assert await client.explain(task) == same.explain(task)
        assert (await client.get_performance()).keys() == same.get_performance().keys()
        assert (await client.get_bottlenecks(min_executions=1))["slow_steps"]
        with pytest.raises(InvalidRequestError, match="hours must lie between 1 and"):
            await client.get_performance(0)
        assert await client.summarise_task(task) == same.summarise_task(task)
        assert await client.list_task_transitions(task) == same.list_task_transitions(task) != []
        assert await client.list_templates() == same.list_templates() and len(same.list_templates("shop")) == 2
        assert await client.get_template("shop", "flow", "1.0.0") == same.get_template("shop", "flow", "1.0.0")
        assert (
            [worker["worker_uuid"] for worker in await client.list_workers()]
            == [worker["worker_uuid"] for worker in same.list_workers()]
            != []
        )
        worker = same.list_workers()[0]["worker_uuid"]
        assert (await client.drain_worker(worker))["state"] == same.drain_worker(worker)["state"] == "draining"
        with pytest.raises(WorkerNotFoundError):
            await client.drain_worker(NOBODY)
        assert (await client.list_tasks(name="flow", limit=5)) == same.list_tasks(name="flow", limit=5)
        assert (await client.health_check()).healthy
        assert {check.kind for check in (await client.doctor()).checks} == {c.kind for c in same.doctor().checks}

    shop.start()
    play(shop, scene)


def test_it_refuses_as_the_other_does(shop: Workshop) -> None:
    async def scene(client: AsyncTaskerClient) -> None:
        task = await create(client)
        with pytest.raises(DuplicateTaskError) as duplicate:
            await create(client)
        assert duplicate.value.task_uuid == task
        assert await create(client, on_duplicate="return") == task
        with pytest.raises(InvalidRequestError, match="task_uuid must be a UUID"):
            await client.get_task("task-1")
        with pytest.raises(TaskNotFoundError):
            await client.wait(NOBODY)
        with pytest.raises(StepNotFoundError):
            await client.get_step(task, NOBODY)
        with pytest.raises(TemplateError, match="did you mean 'cart'"):
            await client.register_template(flow({"cart": [], "pay": ["crat"]}))
        with pytest.raises(TimeoutError, match=rf"task {task} is steps_in_process after 0.2 s"):
            await client.wait(task, timeout=0.2)
        assert await client.cancel_task(task, "no more") == {"cancelled": True}

    play(shop, scene)


def test_many_wait_at_once_and_hold_up_nobody(shop: Workshop) -> None:
    async def scene(client: AsyncTaskerClient) -> None:
        tasks = [await create(client, no) for no in range(40)]
        waiting = [asyncio.create_task(client.wait(task, timeout=30)) for task in tasks]
        await asyncio.sleep(0.1)
        async with asyncio.timeout(5):
            last = await create(client, 40)
        shop.start()
        assert {done.status for done in await asyncio.gather(*waiting)} == {"complete"}
        assert (await client.wait(last, timeout=20)).status == "complete"

    play(shop, scene)


def test_a_caller_that_is_cancelled_leaves_nothing_behind(shop: Workshop) -> None:
    async def scene(client: AsyncTaskerClient) -> None:
        task = await create(client)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await client.wait(task)
        assert (await client.get_task(task)).status == "steps_in_process"

    play(shop, scene)


def test_a_task_in_the_callers_transaction(shop: Workshop) -> None:
    async def scene(client: AsyncTaskerClient) -> None:
        with closing(sqlite3.connect(shop.path)) as connection:
            if "url" in shop.door:
                with pytest.raises(InvalidRequestError, match="can't write in your transaction"):
                    await create(client, connection=connection)
                return
            lost = await create(client, connection=connection)
            connection.rollback()
            with pytest.raises(TaskNotFoundError):
                await client.get_task(lost)
            kept = await create(client, connection=connection)
            connection.commit()
            assert (await client.get_task(kept)).task_uuid == kept

    play(shop, scene)
