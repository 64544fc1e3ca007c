"""Which tasks a list gives, on each kind of database."""

from __future__ import annotations

from typing import Any

import pytest

from tasker_core.clock import ManualClock
from tasker_core.engine import Engine
from tasker_core.rules.context_field import ContextField
from tests.support.flows import flow, wish

CONTEXTS: list[dict[str, Any]] = [
    {"customer": {"id": 42, "vip": True}, "items": [{"sku": "tea"}, {"sku": "pot"}]},
    {"customer": {"id": "42", "vip": None}, "items": []},
    {"customer": 42, "note": 'it\'s "quoted" \\ % _ \u0000 \ud800 \U0001f375'},
    {"customer": {"id": 2**70}, "a.b": 1.5},
]


@pytest.fixture
def tasks(engine: Engine, clock: ManualClock) -> list[str]:
    """A task of each context, a second apart."""
    engine.catalog.register(flow({"pay": []}), replace=False)
    made = []
    for context in CONTEXTS:
        (created,) = engine.create([wish(engine, context=context)])
        made.append(created.task)
        clock.advance(1)
    return made


def listed(engine: Engine, **filters: Any) -> list[str]:
    page = engine.views.tasks(filters, 10, 0)
    found = [task["task_uuid"] for task in page["tasks"]]
    assert page["pagination"]["total_count"] == len(found)
    return found


@pytest.mark.parametrize(("path", "value", "found"), [
    (("customer", "id"), "42", [1, 0]), (("customer", "id"), str(2**70), [3]), (("customer",), "42", [2]),
    (("customer", "vip"), "true", [0]), (("customer", "vip"), "null", [1]), (("items", 1, "sku"), "pot", [0]),
    (("items", 0), "tea", []), (("a.b",), "1.50", [3]),
    (("note",), CONTEXTS[2]["note"], [2]), (("customer", "id"), "%", []),
    (("note' or 1=1 --",), "x", []), (("no\u0000",), "\ud800", []),
])  # fmt: skip
def test_a_field_of_the_context_is_found_alike(
    engine: Engine, tasks: list[str], path: tuple[str | int, ...], value: str, found: list[int]
) -> None:
    assert listed(engine, context=ContextField(path, value)) == [tasks[n] for n in found]


def test_a_search_goes_page_by_page(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasker_core.store.tasks.SEARCHED_AT_ONCE", 3)
    engine.catalog.register(flow({"pay": []}), replace=False)
    requests = [wish(engine, context={"n": n, "odd": bool(n % 2)}) for n in range(20)]
    made = [engine.create([request])[0].task for request in requests]
    odd = [task for n, task in enumerate(made) if n % 2][::-1]
    asked = {"context": ContextField(("odd",), "true")}
    page = engine.views.tasks(asked, 4, 4)
    assert [task["task_uuid"] for task in page["tasks"]] == odd[4:8]
    assert (page["pagination"]["total_count"], page["pagination"]["has_next"]) == (10, True)
    page = engine.views.tasks_after(asked, 4, odd[7])
    assert [task["task_uuid"] for task in page["tasks"]] == odd[8:] and not page["pagination"]["has_next"]
    assert engine.views.tasks({**asked, "state": "complete"}, 4, 0)["tasks"] == []


def test_a_range_of_changes(engine: Engine, tasks: list[str], clock: ManualClock) -> None:
    engine.cancel(tasks[0], actor="ann")
    at = clock.now()
    assert listed(engine, updated_after=at) == [tasks[0]]
    assert listed(engine, updated_before=at) == tasks[:0:-1]
    assert listed(engine, updated_after=at, created_after=at) == []
    assert listed(engine, updated_after=at - 1_000_000, updated_before=at) == [tasks[3]]


def test_what_belongs_together(engine: Engine, tasks: list[str]) -> None:
    chain = engine.ids.new()
    (first,) = engine.create([wish(engine, context={"n": 1}, correlation_id=chain, tags=["a"])])
    (second,) = engine.create([wish(engine, context={"n": 2}, correlation_id=chain, parent_correlation_id=chain)])
    assert listed(engine, correlation_id=chain) == [second.task, first.task]
    assert listed(engine, correlation_id=chain, tag="a") == [first.task]
    assert listed(engine, correlation_id=chain, context=ContextField(("n",), "2")) == [second.task]
    assert listed(engine, parent_correlation_id=chain) == [second.task]
    page = engine.views.tasks_after({"correlation_id": chain}, 5, second.task)
    assert [task["task_uuid"] for task in page["tasks"]] == [first.task]
