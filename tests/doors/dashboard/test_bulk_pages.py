"""The same act on all tasks of a search, and pauses, from the pages."""

from __future__ import annotations

import pytest

from tests.doors.dashboard.conftest import Shown
from tests.doors.dashboard.stage import fails


def _blocked(shown: Shown, tag: str, count: int) -> list[str]:
    tasks = []
    for _ in range(count):
        tasks.append(shown.stage.create(tags=[tag]))
        shown.stage.play(tasks[-1], {"check_for_fraud": fails("the list is away", "permanent_error")})
    return tasks


def test_what_failed_of_a_search_is_counted_and_then_retried(shown: Shown) -> None:
    tasks = _blocked(shown, "flood", 4)
    page = shown.reader.open("/tasks?q=tag:flood&state=blocked_by_failures")
    assert page.form("/tasks/bulk").fields["q"] == "tag:flood"
    before = shown.reader.open("/tasks/bulk?act=retry&q=tag:flood&state=blocked_by_failures")
    assert "Retry what failed: 4 tasks" in before.text
    assert {link for link in before.links if "01" in link and "?" not in link} == {f"/tasks/{task}" for task in tasks}
    assert shown.served.engine.board.states({"tag": "flood"}) == {"blocked_by_failures": 4}, "counting changes nothing"
    after = shown.reader.send(before.form("/tasks/bulk"), reason="the list is back")
    assert "Retry what failed: 4 done" in after.text
    assert shown.served.engine.board.states({"tag": "flood"}) == {"steps_in_process": 4}
    assert shown.reader.open("/audit").text.count("the list is back") >= 4
    again = shown.reader.send(before.form("/tasks/bulk"))
    assert "Retry what failed: 0 done" in again.text


def test_a_search_is_restarted_from_a_step(shown: Shown) -> None:
    tasks = _blocked(shown, "anew", 2)
    line = shown.reader.open("/tasks?q=tag:anew").form("/tasks/bulk")
    assert "from_step" in line.fields
    assert "from which step" in shown.reader.open("/tasks/bulk?act=restart&q=tag:anew", 400).text
    before = shown.reader.open("/tasks/bulk?act=restart&q=tag:anew&from_step=check_for_fraud")
    assert "Restart: 2 tasks" in before.text and "check_for_fraud" in before.text
    after = shown.reader.send(before.form("/tasks/bulk"), reason="the list was wrong")
    assert "Restart: 2 done" in after.text
    assert shown.served.engine.board.states({"tag": "anew"}) == {"steps_in_process": len(tasks)}


def test_what_does_not_fit_into_one_request_goes_on_in_the_next(shown: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasker_core.dashboard.pages.bulk.STRETCH", 2)
    _blocked(shown, "many", 5)
    page = shown.reader.open("/tasks/bulk?act=give_up&q=tag:many")
    page = shown.reader.send(page.form("/tasks/bulk"), reason="out of stock")
    requests = 1
    while "Go on" in page.text:
        page = shown.reader.send(page.form("/tasks/bulk"))
        requests += 1
    assert requests >= 3 and "Give up: 5 done" in page.text
    assert shown.served.engine.board.states({"tag": "many"}) == {"error": 5}


def test_nothing_is_done_with_all_tasks_of_the_store(shown: Shown) -> None:
    assert "Say which tasks" in shown.reader.open("/tasks/bulk?act=cancel", 400).text
    assert "'burn' can't be done with many tasks" in shown.reader.open("/tasks/bulk?act=burn&q=ns:shop", 400).text
    assert not [form for form in shown.reader.open("/tasks").forms if form.action == "/tasks/bulk"]


def test_a_task_is_paused_and_goes_on_from_its_page(shown: Shown) -> None:
    task = shown.stage.create()
    page = shown.reader.open(f"/tasks/{task}")
    page = shown.reader.send(page.form("/mend", action="pause"), reason="the gateway is down")
    assert "This task is paused by client" in page.text and "the gateway is down" in page.text
    shown.stage.play(task, {})
    assert shown.served.engine.views.task(task)["completed_steps"] == 0
    page = shown.reader.send(page.form("/mend", action="resume"))
    assert "The task goes on." in page.text
    shown.stage.play(task, {})
    assert shown.served.engine.views.task(task)["status"] == "complete"


def test_a_namespace_is_paused_and_says_by_whom_and_why(shown: Shown) -> None:
    form = shown.reader.open("/namespaces").form("/namespaces/shop", action="pause")
    page = shown.reader.send(form, reason="the bank has a holiday")
    assert "By client" in page.text and "the bank has a holiday" in page.text
    try:
        task = shown.stage.create()
        assert "The namespace is paused by client" in shown.reader.open(f"/tasks/{task}").text
    finally:
        page = shown.reader.send(shown.reader.open("/namespaces").form("/namespaces/shop", action="resume"))
    assert "Namespace shop goes on." in page.text
