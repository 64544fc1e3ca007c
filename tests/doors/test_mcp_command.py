"""``tasker mcp``, a process of its own that the official client of the protocol drives over its standard streams."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import yaml
from mcp import StdioServerParameters
from mcp.client import Client

from tasker_core import PermanentError, TaskerClient
from tasker_core.errors import InvalidRequestError
from tasker_core.mcp_server import make_server
from tests.support.workshop import Workshop, flow
from tests.support.workshop.processes import COMMAND, environment

OFFLINE = {
    "template_validate", "template_inspect", "template_visualize", "handler_generate", "schema_inspect", "schema_diff",
    "schema_compare", "template_generate",
}  # fmt: skip
ACTING = {"task_submit", "task_cancel", "step_retry", "step_resolve", "step_complete", "dlq_update"}
Say = Callable[..., Awaitable[Any]]


@pytest.fixture
def shop(workshop: Workshop) -> Workshop:
    workshop.handler("cart")(lambda: {"total": 42, "password": "hush"})

    @workshop.handler("pay")
    def pay() -> None:
        raise PermanentError("the card was declined")

    workshop.template({"cart": [], "pay": ["cart"]})
    return workshop


def drive(shop: Workshop, scene: Callable[[Client, Say], Awaitable[None]], *options: str) -> None:
    """Play ``scene`` with a client of a process that serves this workshop's store."""

    async def main() -> None:
        asked = StdioServerParameters(command=str(COMMAND), args=["mcp", *options], env=environment(shop.url))
        async with Client(asked, read_timeout_seconds=60) as client:

            async def say(tool: str, **arguments: Any) -> Any:
                answer = await client.call_tool(tool, arguments)
                (content,) = answer.content
                text = getattr(content, "text", "")
                if answer.is_error:
                    return text
                return text if text.startswith("graph ") else json.loads(text)

            await scene(client, say)

    asyncio.run(main())


def test_a_blocked_task_is_looked_into_and_mended(shop: Workshop) -> None:
    task = shop.create()
    shop.start()
    shop.finish(task)
    letter = shop.client.send_to_dead_letters(task).dlq_entry_uuid
    step = next(each.step_uuid for each in shop.client.list_task_steps(task) if each.name == "pay")

    async def scene(client: Client, say: Say) -> None:
        tools = {tool.name for tool in (await client.list_tools()).tools}
        assert tools >= OFFLINE | ACTING | {"task_list", "task_explain", "dlq_queue", "connection_status"}
        assert (await say("connection_status"))["healthy"]
        assert (await say("task_list", status="blocked_by_failures"))["tasks"][0]["task_uuid"] == task
        told = await say("task_inspect", task_uuid=task)
        assert told["steps"][0]["results"]["result"] == {"total": 42, "password": "[redacted]"}
        assert "the card was declined" in json.dumps(await say("task_explain", task_uuid=task))
        assert ":::error" in await say("task_visualize", task_uuid=task)
        assert (await say("dlq_queue"))[0]["dlq_entry_uuid"] == letter
        assert (await say("step_audit", task_uuid=task, step_uuid=step))[0]["to_state"] == "error"
        assert (await say("analytics_performance", hours=1))["total_tasks"] == 1
        assert (await say("analytics_bottlenecks", min_executions=1))["slow_steps"]
        assert "hours must lie between" in await say("analytics_performance", hours=0)
        told = await say("system_config")
        assert told["settings"]["database.url"] == {"value": shop.url, "from": "TASKER_DATABASE_URL"}
        assert "there is no task" in await say("task_inspect", task_uuid="01980000-0000-7000-8000-000000000000")

        asked = {"task_uuid": task, "step_uuid": step, "reason": "paid in cash"}
        preview = await say("step_resolve", **asked)
        assert preview["preview"]["step"] == {"name": "pay", "state": "error", "attempts": 1}
        assert shop.client.get_step(task, step).current_state == "error", "a preview changes nothing"
        for wrong in ({**asked, "reason": "another"}, {**asked}):
            word = preview["confirm"] if wrong["reason"] == "another" else "0" * 16
            assert "refused" in await say("step_resolve", **wrong, confirm=word)
        assert shop.client.get_step(task, step).current_state == "error"
        done = await say("step_resolve", **asked, confirm=preview["confirm"])
        assert done["done"]["current_state"] == "resolved_manually"
        again = await say("step_resolve", **asked, confirm=preview["confirm"])
        assert "refused" in again, "what it was asked about stands otherwise by now"
        assert shop.client.get_task(task).status == "complete"

        letter_word = await say("dlq_update", dlq_entry_uuid=letter, notes="cash")
        assert letter_word["preview"]["status"] == "pending"
        done = await say("dlq_update", dlq_entry_uuid=letter, notes="cash", confirm=letter_word["confirm"])
        assert done["done"]["resolution_status"] == "manually_resolved"

        wish = {"name": "flow", "namespace": "shop", "context": {"no": 2}}
        word = (await say("task_submit", **wish))["confirm"]
        assert shop.client.list_tasks().pagination.total_count == 1
        made = (await say("task_submit", **wish, confirm=word))["done"]["task_uuid"]
        shop.finish(made)
        word = (await say("task_cancel", task_uuid=made, reason="no more"))["confirm"]
        assert (await say("task_cancel", task_uuid=made, reason="no more", confirm=word))["done"] == {"cancelled": True}

    drive(shop, scene, "--tools", "tier1,tier2,tier3")


def test_nothing_acts_unless_it_is_asked_for_and_offline_nothing_is_opened(shop: Workshop) -> None:
    def never() -> TaskerClient:
        raise AssertionError("nothing is opened")

    async def names(*tiers: str) -> set[str]:
        async with Client(make_server(tiers, never)) as client:
            return {tool.name for tool in (await client.list_tools()).tools}

    async def offline() -> None:
        async with Client(make_server(["tier1"], never)) as client:
            template = yaml.safe_dump(flow({"cart": [], "pay": ["crat"]}))
            (told,) = (await client.call_tool("template_validate", {"template": template})).content
            assert "did you mean 'cart'" in getattr(told, "text", "")
            good = yaml.safe_dump(flow({"cart": []}))
            asked = {"name": "order", "steps": ["pay", "ship:pay"], "params": ["order_id=integer"]}
            (made,) = (await client.call_tool("template_generate", asked)).content
            (fine,) = (await client.call_tool("template_validate", {"template": getattr(made, "text", "")})).content
            assert json.loads(getattr(fine, "text", ""))["valid"]
            schemas = {"producer": {"properties": {}}, "consumer": {"required": ["total"], "properties": {"total": {}}}}
            (told,) = (await client.call_tool("schema_compare", schemas)).content
            assert json.loads(getattr(told, "text", ""))["findings"][0]["code"] == "MISSING_REQUIRED_FIELD"
            (code,) = (await client.call_tool("handler_generate", {"template": good})).content
            assert "@step_handler" in json.loads(getattr(code, "text", ""))["handlers.py"]

    assert asyncio.run(names("tier1")) == OFFLINE
    assert not asyncio.run(names("tier1", "tier2")) & ACTING and asyncio.run(names("tier3")) == ACTING
    asyncio.run(offline())
    with pytest.raises(InvalidRequestError, match="there is no tier 'tier4'"):
        make_server(["tier4"], never)
