"""A worker inside an application: started, stopped, started again, and what it is told by whom."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from tasker_core import (
    BootstrapConfig,
    StepContext,
    StepHandler,
    StepHandlerResult,
    Worker,
    bootstrap_worker,
    get_worker_status,
    is_worker_running,
    stop_worker,
    transition_to_graceful_shutdown,
)
from tasker_core.logging import OWN_LOGGERS
from tasker_core.step_handler import depends_on, inputs, step_handler
from tests.support.workshop import Workshop, eventually, flow


class Cart(BaseModel):
    customer: str
    quantity: int
    coupon: str = "none"


class Priced(BaseModel):
    total: int
    seen: Cart


def test_functions_classes_and_coroutines_share_a_task(workshop: Workshop) -> None:
    @step_handler("price")
    @inputs(Cart)
    def price(inputs: Cart) -> Priced:
        return Priced(total=inputs.quantity * 5, seen=inputs)

    @step_handler("pay")
    @depends_on(priced=("price", Priced))
    async def pay(priced: Priced, context: StepContext) -> dict[str, Any]:
        return {"paid": priced.total, "by": priced.seen.customer, "attempt": context.attempt}

    class Ship(StepHandler):
        handler_name = "ship"

        def call(self, context: StepContext) -> StepHandlerResult:
            paid = context.get_dependency_field("pay", "paid")
            return self.success({"shipped": paid, "carrier": context.get_config("carrier")}, {"note": "by hand"})

    class Thank(StepHandler):
        handler_name = "thank"

        async def call(self, context: StepContext) -> StepHandlerResult:
            return self.success({"to": context.get_input("customer"), "names": context.get_dependency_result_keys()})

    for name, handler in (("price", price), ("pay", pay), ("ship", Ship), ("thank", Thank)):
        workshop.register(name, handler)
    graph = {"price": [], "pay": ["price"], "ship": ["pay"], "thank": ["ship"]}
    workshop.template(graph, ship={"handler": {"callable": "ship", "initialization": {"carrier": "bicycle"}}})
    workshop.start()
    task = workshop.run(context={"customer": "Ann", "quantity": 3})
    assert (task.status, task.completed_steps, task.execution_status) == ("complete", 4, "all_complete")
    results = {name: workshop.result(task.task_uuid, name) for name in graph}
    assert results == {
        "price": {"total": 15, "seen": {"customer": "Ann", "quantity": 3, "coupon": "none"}},
        "pay": {"paid": 15, "by": "Ann", "attempt": 1},
        "ship": {"shipped": 15, "carrier": "bicycle"},
        "thank": {"to": "Ann", "names": ["ship"]},
    }
    shipped = workshop.steps(task.task_uuid)["ship"].results
    assert shipped is not None and shipped["metadata"] == {"note": "by hand"}


def test_a_handler_knows_where_it_is(workshop: Workshop) -> None:
    @workshop.handler("look")
    def look(context: StepContext) -> dict[str, Any]:
        return {
            "task": context.task_name,
            "namespace": context.namespace,
            "step": context.step_name,
            "key": context.idempotency_key,
            "deadline": context.deadline is not None,
            "cancelled": context.cancelled,
            "attempts": [context.attempt, context.retry_count, context.max_retries],
        }

    workshop.template({"look": []}, look={"timeout_seconds": 30})
    workshop.start()
    task = workshop.run().task_uuid
    assert workshop.result(task, "look") == {
        "task": "flow",
        "namespace": "shop",
        "step": "look",
        "key": f"{task}:look",
        "deadline": True,
        "cancelled": False,
        "attempts": [1, 0, 3],
    }


def test_handlers_are_found_in_packages(workshop: Workshop) -> None:
    workshop.template({"hello": []}, hello={"handler": {"callable": "greet"}})
    workshop.start(["tests.support.workshop"])
    task = workshop.run(context={"name": "Ann"})
    assert workshop.result(task.task_uuid, "hello") == {"greeting": "hello, Ann"}


def test_a_package_that_is_not_there_or_is_broken_refuses_the_start(
    workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ModuleNotFoundError, match="no_such_shop"):
        workshop.start(["no_such_shop"])
    package = tmp_path / "halfshop"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "pay.py").write_text("import a_library_that_is_missing\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ImportError, match=r"halfshop\.pay, .*can't be imported.*a_library_that_is_missing"):
        workshop.start(["halfshop"])
    assert Worker.instance() is None


def test_an_empty_package_is_said(workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                  caplog: pytest.LogCaptureFixture) -> None:  # fmt: skip
    (tmp_path / "emptyshop.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    workshop.start(["emptyshop"])
    assert "package emptyshop holds no handlers" in caplog.text


def test_there_is_one_worker_per_process(workshop: Workshop, caplog: pytest.LogCaptureFixture) -> None:
    first = workshop.start()
    assert workshop.start(concurrency=1) is first is Worker.instance()
    assert "runs in this process already" in caplog.text
    assert first.is_running and first.worker_id
    assert first.bootstrap_result.success and first.bootstrap_result.worker_id == first.worker_id


def test_stopping_twice_is_stopping_once(workshop: Workshop) -> None:
    worker = workshop.start()
    worker.stop()
    assert not worker.is_running and Worker.instance() is None and worker.worker_id == ""
    worker.stop()
    Worker.reset_instance()
    assert workshop.query("select state from tasker_workers") == [("gone",)]


def test_a_worker_that_was_never_started_says_so() -> None:
    with pytest.raises(RuntimeError, match="Worker has not been started"):
        _ = Worker().bootstrap_result
    assert Worker().is_running is False


def test_the_block_ends_the_worker_also_when_it_fails(workshop: Workshop) -> None:
    with pytest.raises(KeyError), workshop.start() as worker:
        raise KeyError("in the application")
    assert not worker.is_running


def test_a_process_may_start_a_worker_again(workshop: Workshop) -> None:
    calls: list[str] = []

    @workshop.handler("count")
    def count(context: StepContext) -> None:
        calls.append(str(context.task_uuid))

    workshop.template({"count": []})
    ids = set()
    tasks = []
    for no in range(3):
        with workshop.start() as worker:
            ids.add(worker.worker_id)
            tasks.append(workshop.run(context={"no": no}).task_uuid)
    assert len(ids) == 3 and calls == tasks


def test_what_was_created_while_no_worker_ran_is_done_by_the_next(workshop: Workshop) -> None:
    workshop.handler("work")(lambda: None)
    workshop.template({"work": []})
    tasks = [workshop.create(context={"no": no}) for no in range(5)]
    assert {workshop.client.get_task(task).execution_status for task in tasks} == {"has_ready_steps"}
    workshop.start()
    assert {workshop.finish(task).status for task in tasks} == {"complete"}


def test_a_worker_may_serve_some_namespaces_only(workshop: Workshop) -> None:
    workshop.handler("work")(lambda: None)
    workshop.template({"work": []}, namespace="shop")
    workshop.template({"work": []}, namespace="warehouse")
    other = workshop.create(namespace="warehouse")
    workshop.start(namespaces=["shop"])
    assert workshop.run().status == "complete"
    assert workshop.states(other) == {"work": "enqueued"}


def test_concurrency_below_one_is_refused(workshop: Workshop) -> None:
    with pytest.raises(ValueError, match="concurrency must be a whole number of at least 1, not 0"):
        workshop.start(concurrency=0)
    assert Worker.instance() is None


def test_a_worker_that_cannot_start_leaves_nothing_behind(workshop: Workshop, tmp_path: Path) -> None:
    before = {thread.name for thread in threading.enumerate()}
    for url, words in (
        (f"sqlite:///{tmp_path}/nowhere/tasker.db", "doesn't exist; make it first"),
        ("mysql://localhost/shop", "unknown kind of database 'mysql'"),
    ):
        with pytest.raises(RuntimeError, match=words):
            workshop.start(database_url=url)
        answer = bootstrap_failing(url)
        assert words in answer
    assert {thread.name for thread in threading.enumerate()} == before
    assert not is_worker_running()


def bootstrap_failing(url: str) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TASKER_DATABASE_URL", url)
        result = bootstrap_worker()
    assert (result.success, result.status) == (False, "error")
    return str(result.error_message)


def test_the_functions_of_bootstrap_drive_the_same_worker(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASKER_DATABASE_URL", workshop.url)
    workshop.handler("work")(lambda: None)
    workshop.template({"work": []})
    assert (stop_worker(), transition_to_graceful_shutdown()) == ("not_running", "not_running")
    assert get_worker_status().running is False
    started = bootstrap_worker(BootstrapConfig(worker_id="front-desk"))
    assert started.success and started.status == "started" and is_worker_running()
    assert workshop.run().status == "complete"
    status = get_worker_status()
    assert (status.running, status.namespaces, status.handlers) == (True, ["shop"], ["work"])
    assert workshop.query("select name, state from tasker_workers") == [("front-desk", "live")]
    assert transition_to_graceful_shutdown() == "draining"
    waiting = workshop.create(context={"no": 2})
    assert stop_worker() == "stopped" and not is_worker_running()
    assert workshop.states(waiting) == {"work": "enqueued"}


@pytest.fixture
def levels() -> Iterator[None]:
    """Puts the levels of Tasker's loggers back."""
    loggers = [logging.getLogger(name) for name in OWN_LOGGERS]
    before = [logger.level for logger in loggers]
    yield
    for logger, level in zip(loggers, before, strict=True):
        logger.setLevel(level)


@pytest.mark.usefixtures("levels")
def test_a_bootstrap_config_names_a_file_of_settings_and_a_level(workshop: Workshop, tmp_path: Path) -> None:
    file = tmp_path / "else.toml"
    file.write_text("[worker]\nconcurrency = 3\n")
    worker = workshop.start(config=BootstrapConfig(config_path=str(file), log_level="debug"))
    assert worker.service.loop.executor.slots == 3
    assert [logging.getLogger(name).level for name in OWN_LOGGERS] == [logging.DEBUG, logging.DEBUG]
    worker.stop()
    workshop.start(config=BootstrapConfig(worker_id="w"))
    assert logging.getLogger("tasker").level == logging.DEBUG, "a level that isn't given changes nothing"
    Worker.reset_instance()
    with pytest.raises(ValueError, match=r"config_path names a file that can't be used: .*nowhere\.toml"):
        workshop.start(config=BootstrapConfig(config_path=str(tmp_path / "nowhere.toml")))


def test_a_method_that_a_handler_has_not_is_said_once(workshop: Workshop, caplog: pytest.LogCaptureFixture) -> None:
    workshop.handler("pay")(lambda: {"by": "call"})
    workshop.template({"pay": []}, pay={"handler": {"callable": "pay", "method": "refund"}})
    workshop.start()
    assert workshop.result(workshop.run().task_uuid, "pay") == {"by": "call"}
    workshop.handler("other")(lambda: None)
    workshop.template({"other": []}, name="other")
    assert workshop.run("other").status == "complete"
    said = [record.message for record in caplog.records if "refund" in record.message]
    assert said == ["step 'pay' names the method 'refund', which pay doesn't have: 'call' runs"]


def test_a_handler_that_is_registered_late_is_served(workshop: Workshop, caplog: pytest.LogCaptureFixture) -> None:
    workshop.template({"early": [], "late": ["early"]})
    workshop.handler("early")(lambda: None)
    caplog.set_level(logging.WARNING, "tasker.worker")
    workshop.start()
    assert "shop/flow/late" in caplog.text and "no handler is registered as 'late'" in caplog.text
    task = workshop.create()
    eventually(lambda: workshop.states(task) == {"early": "complete", "late": "enqueued"})
    workshop.handler("late")(lambda: None)
    assert workshop.finish(task).status == "complete"


def test_a_template_that_comes_after_the_worker_is_served(workshop: Workshop) -> None:
    workshop.handler("work")(lambda: {"done": True})
    workshop.start()
    workshop.template({"work": []})
    assert workshop.run().status == "complete"


def test_steps_that_nobody_serves_are_reported_also_when_their_template_comes_late(
    workshop: Workshop, caplog: pytest.LogCaptureFixture
) -> None:
    workshop.handler("known")(lambda: None)
    workshop.start()
    workshop.client.register_template(flow({"known": [], "unknown": ["known"]}))
    task = workshop.create()
    eventually(lambda: "shop/flow/unknown" in caplog.text, what="a warning")
    assert "no handler is registered as 'unknown'" in caplog.text
    eventually(lambda: workshop.states(task) == {"known": "complete", "unknown": "enqueued"})
    assert workshop.client.get_task(task).execution_status == "has_ready_steps"
