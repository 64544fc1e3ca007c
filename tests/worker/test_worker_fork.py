"""Servers that load the application, and then fork: clients and workers are used on in the children."""

from __future__ import annotations

import os

import pytest

from tasker_core import Worker
from tests.support.forks import fork, in_a_child
from tests.support.workshop import Workshop


@pytest.fixture
def serving(workshop: Workshop) -> Workshop:
    workshop.handler("work")(lambda: {"process": os.getpid()})
    workshop.template({"work": []})
    return workshop


def test_a_client_that_was_opened_before_the_fork_works_in_the_child(serving: Workshop) -> None:
    before = serving.create(context={"who": "parent"})

    def work() -> None:
        assert serving.client.get_task(before).status == "steps_in_process"
        created = [serving.create(context={"who": "child", "no": no}) for no in range(3)]
        assert serving.client.list_tasks().pagination.total_count == 4
        assert len(set(created)) == 3
        serving.client.close()

    in_a_child(work)
    after = serving.create(context={"who": "parent again"})
    assert serving.client.list_tasks().pagination.total_count == 5
    assert {serving.client.get_task(task).status for task in (before, after)} == {"steps_in_process"}
    assert serving.query("pragma integrity_check") == [("ok",)]


def test_a_child_may_run_a_worker_of_its_own(serving: Workshop) -> None:
    task = serving.create()

    def work() -> None:
        with serving.start():
            assert serving.finish(task).status == "complete"
            assert serving.result(task, "work") == {"process": os.getpid()}

    in_a_child(work)
    assert serving.finish(task).status == "complete"
    assert serving.result(task, "work")["process"] != os.getpid()


def test_the_worker_of_the_parent_stays_the_parents(serving: Workshop) -> None:
    """A child that creates a task mustn't take steps in the name of a worker that isn't there."""
    worker = serving.start()
    serving.run(context={"who": "parent"})

    def work() -> None:
        assert Worker.instance() is None
        task = serving.create(context={"who": "child"})
        done = serving.finish(task, timeout=1.5)
        assert done.status == "complete"

    in_a_child(work)
    assert worker.is_running and serving.run(context={"who": "parent again"}).status == "complete"
    (task,) = [t for t in serving.client.list_tasks().tasks if t.context == {"who": "child"}]
    assert [entry.to_state for entry in serving.audit(task.task_uuid, "work")] == ["complete"]
    assert serving.result(task.task_uuid, "work") == {"process": os.getpid()}


def test_parent_and_children_write_at_the_same_time(serving: Workshop) -> None:
    def work() -> None:
        for no in range(30):
            serving.create(context={"process": os.getpid(), "no": no})

    serving.create()
    children = []
    for _ in range(3):
        if (child := fork()) == 0:
            try:
                work()
                os._exit(0)
            finally:
                os._exit(1)
        children.append(child)
    work()
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0, 0, 0]
    assert serving.query("select count(*), count(distinct uuid) from tasker_tasks") == [(121, 121)]
    assert serving.query("pragma integrity_check") == [("ok",)]
