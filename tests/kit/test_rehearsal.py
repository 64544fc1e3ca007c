"""Rehearsals: what a user's test of a workflow can do and see."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from examples.approval_routing import handlers as approval
from tasker_core import HandlerNotFoundError, PermanentError, RetryableError, StepContext, TaskerClient, TemplateError
from tasker_core.step_handler import BatchConfig, Decision, StepHandler, batch_analyzer, depends_on, step_handler
from tasker_core.testing import Crash, Rehearsal
from tasker_core.types import StepHandlerResult
from tests.support.flows import flow

ORDER = flow({"pay": [], "pack": ["pay"], "ship": ["pack"]}).content()
APPROVAL = Path(approval.__file__).parent / "approval.yaml"


def order(**settings: Any) -> dict[str, Any]:
    return flow({"pay": [], "pack": ["pay"], "ship": ["pack"]}, **settings).content()


def test_thirty_days_of_retries_take_a_moment() -> None:
    nobody = RetryableError("nobody answers", retry_after=86_400)
    with Rehearsal([order(retry={"max_attempts": 40})]) as rehearsal:
        rehearsal.replace("pay", [*[nobody] * 30, {"paid": 30}])
        rehearsal.replace("pack", lambda context: {"packed": context.get_dependency_result("pay")["paid"]})
        rehearsal.replace("ship", {})
        began = time.process_time()
        run = rehearsal.run("order", {"cart": 1}, namespace="shop").assert_complete()
        took = time.process_time() - began
    assert run.took >= timedelta(days=30)
    assert run.step("pay").attempts == 31
    assert run.result("pack") == {"packed": 30}
    assert run.ran == ["pay"] * 31 + ["pack", "ship"]
    assert took < 2, "the clock leaps over the waits"


@step_handler("decorated")
@depends_on(paid="pay")
def pack(paid: dict[str, Any]) -> dict[str, Any]:
    return {"packed": paid["paid"]}


class Ship(StepHandler):
    handler_name = "by_class"

    def call(self, context: StepContext) -> StepHandlerResult:
        return self.success({"shipped": context.get_dependency_result("pack")["packed"]})


async def pay(context: StepContext) -> dict[str, Any]:
    return {"paid": context.get_input("cents")}


def test_what_stands_in_may_be_a_handler_a_class_a_coroutine_function_or_a_result() -> None:
    with Rehearsal([ORDER]) as rehearsal:
        rehearsal.replace("pay", pay)
        rehearsal.replace("pack", pack)
        rehearsal.replace("ship", Ship)
        assert rehearsal.run("order", {"cents": 5}, namespace="shop").result("ship") == {"shipped": 5}
        rehearsal.replace("ship", "gone")
        assert rehearsal.run("order", {"cents": 6}, namespace="shop").result("ship") == {"result": "gone"}


def test_an_async_test_has_its_own_event_loop() -> None:
    async def test() -> str:
        with Rehearsal([ORDER]) as rehearsal:
            for name in ("pay", "pack", "ship"):
                rehearsal.replace(name, pay)
            return rehearsal.run("order", {"cents": 5}, namespace="shop").state

    assert asyncio.run(test()) == "complete"


def test_a_failure_tells_how_it_went() -> None:
    with Rehearsal([ORDER]) as rehearsal:
        rehearsal.replace("pay", PermanentError("the card is stolen"))
        rehearsal.replace("pack", {})
        rehearsal.replace("ship", {})
        run = rehearsal.run("order", namespace="shop").assert_state("blocked_by_failures")
        assert (run.step("pay").state, run.step("pay").error) == ("error", "the card is stolen")
        assert run.step("pay").error_type == "permanent_error"
        with pytest.raises(AssertionError, match=r"(?s)not complete.*pay is error after 1 attempt: the card"):
            run.assert_complete()
        with pytest.raises(LookupError, match="did you mean 'pack'"):
            run.step("pakc")


def test_a_step_without_a_handler_is_told_before_anything_runs() -> None:
    with Rehearsal([ORDER]) as rehearsal:
        rehearsal.replace("pay", {})
        with pytest.raises(HandlerNotFoundError, match="no handler is registered as 'pack'"):
            rehearsal.run("order", namespace="shop")
        assert rehearsal.runs()[0].ran == []


def test_a_wrong_template_is_refused_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "order.yaml").write_text("name: order\nsteps:\n  - name: pay\n    handlr: {callable: pay}\n")
    with pytest.raises(TemplateError, match=r"order.yaml:4"):
        Rehearsal(tmp_path)


def test_an_empty_list_stands_in_for_nothing() -> None:
    with Rehearsal([ORDER]) as rehearsal, pytest.raises(ValueError, match="one entry for each attempt"):
        rehearsal.replace("pay", [])


def test_a_decision_takes_its_branches() -> None:
    with Rehearsal(APPROVAL, [approval.__name__]) as rehearsal:
        rehearsal.replace("approval_ask", {"by": "Ada", "agreed": True})
        rehearsal.replace("approval_verdict", {"agreed": True})
        rehearsal.replace("approval_carry_out", {})
        rehearsal.replace("approval_route", Decision.route(["ask_manager"]))
        rehearsal.replace("approval_review", Decision.route(["ask_finance", "ask_security"]))
        purchase = {"company": "", "request": 1, "what": "a press", "cents": 5_000_000}
        run = rehearsal.run("approval", purchase, namespace="approval_routing", idempotency_key="1").assert_complete()
    assert {"ask_manager", "ask_finance", "ask_security"} <= set(run.ran)
    assert "waive" not in run.steps


def test_the_application_meets_the_same_store_and_an_operator_moves_the_task_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with Rehearsal([ORDER]) as rehearsal:
        monkeypatch.setenv("TASKER_DATABASE_URL", rehearsal.database_url)
        for name in ("pack", "ship"):
            rehearsal.replace(name, {})
        rehearsal.replace("pay", PermanentError("the gateway is closed"))
        with TaskerClient() as application:
            task = application.create_task("order", namespace="shop", context={"cart": 2})
        (run,) = rehearsal.finish_all()
        assert (run.task_uuid, run.state) == (task.task_uuid, "blocked_by_failures")
        rehearsal.replace("pay", {"paid": 1})
        rehearsal.client.retry_task(task.task_uuid, reason="the gateway is open again")
        assert rehearsal.finish(task.task_uuid).assert_complete().ran == ["pay", "pay", "pack", "ship"]


def test_time_passes_as_far_as_it_is_let() -> None:
    with Rehearsal([order(retry={"max_attempts": 3})]) as rehearsal:
        rehearsal.replace("pay", [RetryableError("later", retry_after=3_600), {"paid": 1}])
        for name in ("pack", "ship"):
            rehearsal.replace(name, {})
        run = rehearsal.run("order", namespace="shop", within=timedelta(minutes=59))
        assert run.step("pay").state == "waiting_for_retry"
        assert "retr" in run.why
        rehearsal.advance(timedelta(minutes=10))
        assert rehearsal.look(run.task_uuid).state == "complete"


def test_a_limit_lets_them_through_one_after_the_other() -> None:
    template = order()
    template["steps"][0]["rate"] = "1/min"
    with Rehearsal([template]) as rehearsal:
        for name in ("pay", "pack", "ship"):
            rehearsal.replace(name, {})
        for cart in range(4):
            rehearsal.client.create_task("order", namespace="shop", context={"cart": cart})
        runs = rehearsal.finish_all()
    assert [run.state for run in runs] == ["complete"] * 4
    assert max(run.took for run in runs) > timedelta(minutes=2)


def test_what_a_step_undoes_and_publishes_is_there() -> None:
    template = order()
    template["steps"][0] |= {
        "compensate": {"handler": {"callable": "refund"}},
        "publishes_events": [
            {"name": "order.paid", "description": "It is paid", "condition": "success", "schema": {"type": "object"}}
        ],
    }
    with Rehearsal([template]) as rehearsal:
        rehearsal.replace("pay", {"charge": "c-1"})
        rehearsal.replace("pack", PermanentError("out of stock"))
        rehearsal.replace("ship", {})
        rehearsal.replace("refund", {"refunded": "c-1"})
        run = rehearsal.run("order", namespace="shop").assert_state("error")
    assert run.compensated
    assert run.ran == ["pay", "pack", "undo:pay"]
    assert [event["event_name"] for event in run.events] == ["order.paid"]


@pytest.mark.parametrize("committed", [False, True])
@pytest.mark.parametrize("commit", range(1, 6))
def test_a_step_in_the_applications_transaction_writes_once_wherever_the_worker_dies(
    commit: int, committed: bool
) -> None:
    def pack(context: StepContext) -> dict[str, Any]:
        context.transaction.execute("insert into parcels values (?)", (str(context.task_uuid),))
        return {"packed": True}

    with Rehearsal([ORDER], crash=Crash(commit, committed)) as rehearsal:
        connection = sqlite3.connect(rehearsal.database_url.removeprefix("sqlite:///"))
        connection.execute("create table parcels (task text)")
        rehearsal.replace("pay", {})
        rehearsal.replace("pack", pack)
        rehearsal.replace("ship", {})
        run = rehearsal.run("order", namespace="shop").assert_complete()
        assert rehearsal.has_crashed
        assert connection.execute("select count(*) from parcels").fetchall() == [(1,)]
        connection.close()
    assert 3 <= len(run.ran) <= 4
    assert [step.attempts for step in run.steps.values()] == [1, 1, 1]


def test_what_attempts_came_to_is_done_again_by_each_step_and_each_instance_of_a_batch() -> None:
    template = flow({"cut": [], "count": ["cut"], "add": ["count"]}).content()
    template["steps"][0]["type"] = "batchable"
    template["steps"][1]["type"] = "batch_worker"
    template["steps"][2]["type"] = "deferred_convergence"
    with Rehearsal([template]) as rehearsal:
        rehearsal.replace("cut", batch_analyzer("cut", worker_template="count")(lambda: BatchConfig(10, 5)))
        rehearsal.replace("count", lambda context: {"counted": context.step_name})
        rehearsal.replace("add", {"sum": 10})
        first = rehearsal.run("order", {"no": 1}, namespace="shop").assert_complete()
        instances = [name for name in first.steps if name not in ("cut", "count", "add")]
        assert len(instances) == 2
        rehearsal.replay({name: [step.result] for name, step in first.steps.items() if step.attempts})
        again = rehearsal.run("order", {"no": 2}, namespace="shop").assert_complete()
        assert again.end == first.end
        with pytest.raises(LookupError, match="no registered template has a step 'ad'; did you mean 'add'"):
            rehearsal.replay({"ad": [{}]})
