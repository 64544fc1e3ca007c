"""Contexts and results against their schemas: warned of, or refused where that is asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tasker_core.clock import ManualClock
from tasker_core.engine import Engine
from tasker_core.errors import InvalidRequestError, SchemaViolationError, TemplateError
from tasker_core.rules.template import Template
from tasker_core.store import Store, open_database
from tasker_core.types import TaskResponse
from tasker_core.words import Settled
from tests.support.flows import Hands, failed, ok, wish
from tests.support.graphs import tables
from tests.support.meddling import meddle

INPUT = {"type": "object", "required": ["sku"], "properties": {"quantity": {"type": "integer"}}}
RESULT = {"type": "object", "required": ["charge_id"], "properties": {"cents": {"type": "integer"}}}
GOOD, BAD = {"sku": "tea", "quantity": 2}, {"quantity": "two"}


def order(**keys: Any) -> Template:
    """``check`` without a schema, then ``pay`` with one."""
    steps = [
        {"name": "check", "handler": {"callable": "check"}},
        {"name": "pay", "handler": {"callable": "pay"}, "dependencies": ["check"], "result_schema": RESULT},
    ]
    whole = {"name": "order", "namespace_name": "shop", "version": "1.0.0", "input_schema": INPUT, "steps": steps}
    return Template.from_content({**whole, **keys})


def create(engine: Engine, context: dict[str, Any], **more: Any) -> str:
    return engine.create([wish(engine, context=context, **more)])[0].task


def warnings(engine: Engine, task: str) -> list[tuple[str, str | None, int | None, str, str]]:
    told = TaskResponse.from_dict(engine.views.task(task)).warnings
    return [(w["code"], w["step"], w["attempt"], w["path"], w["message"]) for w in told]


def test_what_fits_leaves_no_trace(engine: Engine, hands: Hands) -> None:
    engine.catalog.register(order(schema_validation="enforce"), replace=False)
    task = create(engine, GOOD)
    hands.play({"pay": lambda _: {"charge_id": "ch_1"}})
    assert engine.views.task(task)["status"] == "complete"
    assert tables(engine.store, "warnings") == {"warnings": []}


def test_a_bad_context_is_a_warning_and_the_task_runs(engine: Engine, hands: Hands, clock: ManualClock) -> None:
    engine.catalog.register(order(), replace=False)
    (created,) = engine.create([wish(engine, context=BAD)])
    assert created.fresh is not None
    fresh, read = engine.views.fresh(*created.fresh), engine.views.task(created.task)
    assert fresh["warnings"] == read["warnings"] == engine.views.brief(created.fresh[0])["warnings"]
    assert all(w["at"] == read["created_at"] for w in read["warnings"])
    assert set(warnings(engine, created.task)) == {
        ("input_schema", None, None, "", '"sku" is a required property'),
        ("input_schema", None, None, "/quantity", 'the value is not of type "integer"'),
    }
    hands.play({"pay": lambda _: {"charge_id": "ch_1"}})
    assert engine.views.task(created.task)["status"] == "complete"
    assert [len(task["warnings"]) for task in engine.views.tasks({}, 10, 0)["tasks"]] == [2]


def test_a_bad_result_is_a_warning_of_its_step_and_attempt(engine: Engine, hands: Hands, clock: ManualClock) -> None:
    engine.catalog.register(order(), replace=False)
    task = create(engine, GOOD)
    hands.report(ok(hands.claim()["check"], {"cents": "not looked at: this step has no schema"}))
    hands.answer(failed(hands.claim()["pay"], "busy", retry_after=0))
    clock.advance(60)
    engine.enqueue_due("test")
    hands.answer(ok(hands.claim()["pay"], {"cents": "9"}))
    assert engine.views.task(task)["status"] == "complete"
    assert set(warnings(engine, task)) == {
        ("result_schema", "pay", 2, "", '"charge_id" is a required property'),
        ("result_schema", "pay", 2, "/cents", 'the value is not of type "integer"'),
    }


def test_enforced_a_bad_context_creates_nothing(engine: Engine) -> None:
    engine.catalog.register(order(schema_validation="enforce"), replace=False)
    before = tables(engine.store)
    with pytest.raises(SchemaViolationError) as refused:
        create(engine, BAD)
    assert {violation.path for violation in refused.value.violations} == {"", "/quantity"}
    assert refused.value.field in ("context", "context/quantity")
    assert "the context doesn't fit the input_schema of shop/order 1.0.0: " in str(refused.value)
    assert '/quantity: the value is not of type "integer"' in str(refused.value)
    assert isinstance(refused.value, InvalidRequestError) and isinstance(refused.value, ValueError)
    with pytest.raises(SchemaViolationError):
        engine.create([wish(engine, context=GOOD), wish(engine, context=BAD)], refuse_duplicates=False)
    assert tables(engine.store) == before


def test_enforced_a_bad_result_ends_the_step_for_good(engine: Engine, hands: Hands) -> None:
    engine.catalog.register(order(schema_validation="enforce"), replace=False)
    task = create(engine, GOOD)
    hands.report(ok(hands.claim()["check"]))
    late = ok(hands.claim()["pay"], {"charge_id": "ch_1", "cents": "9"})
    assert hands.answer(late) is Settled.APPLIED
    check, pay = engine.views.steps(task)
    assert (check["current_state"], pay["current_state"], pay["attempts"]) == ("complete", "error", 1)
    assert engine.views.task(task)["status"] == "blocked_by_failures"
    error = pay["results"]["error"]
    assert error["message"] == (
        "the result doesn't fit the step's result_schema: /cents: the value is not of type \"integer\""
    )
    assert (error["error_type"], error["error_code"], error["retryable"]) == (
        "validation_error",
        "result_schema",
        False,
    )
    assert error["context"] == {"violations": [{"path": "/cents", "message": 'the value is not of type "integer"'}]}
    assert warnings(engine, task) == []
    settled = tables(engine.store)
    assert hands.answer(late) is Settled.REPLAYED, "the same report again is known, though it was settled otherwise"
    assert tables(engine.store) == settled


def test_a_late_report_leaves_no_warning(engine: Engine, hands: Hands) -> None:
    engine.catalog.register(order(), replace=False)
    task = create(engine, GOOD)
    hands.report(ok(hands.claim()["check"]))
    lease = hands.claim()["pay"]
    engine.cancel(task, actor="ann")
    assert hands.answer(ok(lease, {"cents": "9"})) is Settled.CANCELLED
    assert warnings(engine, task) == []


def test_in_a_batch_only_what_doesnt_fit_is_warned_of(engine: Engine, hands: Hands) -> None:
    engine.catalog.register(order(), replace=False)
    tasks = [create(engine, {**GOOD, "no": no}) for no in range(4)]
    hands.report(*(ok(lease) for lease in hands.claim_all()))
    results = [{"charge_id": "ch"} if no % 2 else {} for no in range(4)]
    leases = sorted(hands.claim_all(), key=lambda lease: tasks.index(lease.task_uuid))
    hands.report(*(ok(lease, result) for lease, result in zip(leases, results, strict=True)))
    assert [len(warnings(engine, task)) for task in tasks] == [1, 0, 1, 0]


def test_the_setting_enforces_every_template(store_url: str, clock: ManualClock) -> None:
    database = open_database(store_url)
    database.migrate()
    engine = Engine(Store(database), clock=clock, enforce_schemas=True)
    try:
        engine.catalog.register(order(schema_validation="warn"), replace=False)
        with pytest.raises(SchemaViolationError):
            create(engine, BAD)
        task, hands = create(engine, GOOD), Hands(engine)
        hands.play({"pay": lambda _: {"cents": 9}})
        assert engine.views.task(task)["status"] == "blocked_by_failures"
    finally:
        engine.close()


def test_a_task_is_judged_by_the_content_that_it_started_with(engine: Engine, hands: Hands) -> None:
    engine.catalog.register(order(), replace=False)
    task = create(engine, GOOD)
    engine.catalog.register(order(schema_validation="enforce"), replace=True)
    hands.play({"pay": lambda _: {"cents": 9}})
    assert engine.views.task(task)["status"] == "complete"
    assert [code for code, *_ in warnings(engine, task)] == ["result_schema"]


def test_another_process_reads_the_same_warnings(engine: Engine, another_engine: Callable[[], Engine]) -> None:
    engine.catalog.register(order(), replace=False)
    task = create(engine, BAD)
    assert warnings(another_engine(), task) == warnings(engine, task) != []


def test_warnings_go_with_their_task(engine: Engine, hands: Hands, clock: ManualClock) -> None:
    engine.catalog.register(order(), replace=False)
    create(engine, BAD)
    hands.play()
    assert len(tables(engine.store, "warnings")["warnings"]) == 3
    clock.advance(1)
    assert engine.prune(0).tasks == 1
    assert tables(engine.store, "warnings") == {"warnings": []}


@pytest.mark.parametrize("text", ["[1, 2]", '{"other": 1}', "{broken", "17"])
def test_a_result_that_is_not_wrapped_as_it_should_be_does_not_pass_by(engine: Engine, hands: Hands, text: str) -> None:
    engine.catalog.register(order(schema_validation="enforce"), replace=False)
    task = create(engine, GOOD)
    hands.report(ok(hands.claim()["check"]))
    report = ok(hands.claim()["pay"])
    assert hands.answer(report._replace(outcome=report.outcome._replace(result=text))) is Settled.APPLIED
    assert engine.views.steps(task)[1]["results"]["error"]["error_code"] == "result_schema"


def test_a_schema_in_the_store_that_can_not_be_used_is_told_when_its_template_is(
    engine: Engine, another_engine: Callable[[], Engine]
) -> None:
    engine.catalog.register(order(), replace=False)
    meddle(engine.store, "update {templates} set content = replace(content, '\"object\"', '\"objct\"')")
    with pytest.raises(TemplateError, match=r"shop/order 1\.0\.0 in the store can't be read: \"objct\" is not valid"):
        create(another_engine(), GOOD)
