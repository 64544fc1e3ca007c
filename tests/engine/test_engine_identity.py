"""The same order is the same task, however often, by whom and under which version it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from tasker_core.engine import Engine
from tasker_core.errors import ClientError, DuplicateTaskError, InvalidRequestError, PayloadError, UnknownTemplateError
from tasker_core.rules.template import Template
from tests.support.flows import Hands, flow, wish
from tests.support.graphs import tables


@pytest.fixture(autouse=True)
def templates(engine: Engine) -> None:
    for version in ("1.0.0", "2.0.0"):
        engine.catalog.register(flow({"pay": []}, version=version), replace=False)
    engine.catalog.register(flow({"pay": []}, name="refund"), replace=False)


def test_a_task_is_created_once_and_found(engine: Engine) -> None:
    request = wish(engine, context={"cart": 7})
    (created,) = engine.create([request])
    assert (created.task, created.new, created.same_context) == (request.task_uuid, True, True)
    assert engine.views.task(created.task)["context"] == {"cart": 7}
    assert engine.create([]) == []


def test_the_same_context_is_the_same_task_whatever_the_order_of_its_keys(engine: Engine) -> None:
    (first,) = engine.create([wish(engine, context={"a": 1, "b": {"c": 2, "d": 3}})])
    before = tables(engine.store)
    with pytest.raises(DuplicateTaskError) as caught:
        engine.create([wish(engine, context={"b": {"d": 3, "c": 2}, "a": 1})])
    assert caught.value.task_uuid == first.task
    assert caught.value.same_context
    assert str(caught.value) == f"shop/order exists already for this context: task {first.task}"
    assert isinstance(caught.value, ClientError) and isinstance(caught.value, RuntimeError)
    assert tables(engine.store) == before


@pytest.mark.parametrize("changes", [
    {"context": {"n": 2}}, {"context": {"n": 1.5}}, {"context": {"n": "1"}}, {"context": {}},
    {"version": "2.0.0"}, {"name": "refund"}, {"idempotency_key": "k"},
])  # fmt: skip
def test_anything_else_is_another_task(engine: Engine, changes: dict[str, Any]) -> None:
    engine.create([wish(engine, context={"n": 1})])
    (other,) = engine.create([wish(engine, **{"context": {"n": 1}, **changes})])
    assert other.new


def test_who_asks_and_why_does_not_make_another_task(engine: Engine) -> None:
    (first,) = engine.create([wish(engine, context={"n": 1})])
    again = wish(engine, context={"n": 1}, initiator="bob", reason="again", priority=50, tags=["x"], version="1.0.0")
    with pytest.raises(DuplicateTaskError, match=first.task):
        engine.create([again])


def test_a_key_is_the_same_task_over_all_versions_and_wins_over_the_context(engine: Engine) -> None:
    (first,) = engine.create([wish(engine, context={"n": 1}, idempotency_key="order-7")])
    for changes in ({"context": {"n": 1}}, {"context": {"n": 1}, "version": "2.0.0"}):
        with pytest.raises(DuplicateTaskError) as caught:
            engine.create([wish(engine, idempotency_key="order-7", **changes)])
        assert (caught.value.task_uuid, caught.value.same_context) == (first.task, True)
        assert "idempotency key 'order-7'" in str(caught.value)
    (other,) = engine.create([wish(engine, name="refund", idempotency_key="order-7")])
    assert other.new, "a key is unique per namespace and name"


def test_a_key_that_comes_back_with_other_content_says_so(engine: Engine) -> None:
    (first,) = engine.create([wish(engine, context={"n": 1}, idempotency_key="order-7")])
    with pytest.raises(DuplicateTaskError) as caught:
        engine.create([wish(engine, context={"n": 2}, idempotency_key="order-7")])
    assert (caught.value.task_uuid, caught.value.same_context) == (first.task, False)
    assert "with a different context" in str(caught.value)
    (found,) = engine.create(
        [wish(engine, context={"n": 2}, idempotency_key="order-7")], refuse_duplicates=False
    )  # fmt: skip
    assert (found.task, found.new, found.same_context) == (first.task, False, False)
    assert engine.views.task(first.task)["context"] == {"n": 1}, "the first one stands"


def test_duplicates_can_be_answered_with_the_tasks_there_are(engine: Engine) -> None:
    (first,) = engine.create([wish(engine, context={"n": 1})])
    answers = engine.create([wish(engine, context={"n": n}) for n in (2, 1, 3)], refuse_duplicates=False)
    assert [answer.new for answer in answers] == [True, False, True]
    assert answers[1].task == first.task
    assert engine.store.tasks.newest({}, 1, 0)[1] == 3


def test_one_duplicate_refuses_the_whole_call(engine: Engine) -> None:
    (first,) = engine.create([wish(engine, context={"n": 1})])
    before = tables(engine.store)
    with pytest.raises(DuplicateTaskError) as caught:
        engine.create([wish(engine, context={"n": n}) for n in (2, 1, 3)])
    assert caught.value.task_uuid == first.task
    assert tables(engine.store) == before


def test_twice_in_one_call_is_a_duplicate(engine: Engine) -> None:
    before = tables(engine.store)
    with pytest.raises(DuplicateTaskError):
        engine.create([wish(engine, context={"n": 1}), wish(engine, context={"n": 2}), wish(engine, context={"n": 1})])
    assert tables(engine.store) == before
    requests = [wish(engine, context={"n": 1}), wish(engine, context={"n": 2}), wish(engine, context={"n": 1})]
    answers = engine.create(requests, refuse_duplicates=False)
    assert [answer.new for answer in answers] == [True, True, False]
    assert answers[2].task == answers[0].task == requests[0].task_uuid


@pytest.mark.parametrize("refuse", [True, False])
def test_a_create_whose_answer_was_lost_is_answered_again(engine: Engine, refuse: bool) -> None:
    requests = [wish(engine, context={"n": n}) for n in range(3)]
    engine.create(requests)
    before = tables(engine.store)
    again = engine.create(requests, refuse_duplicates=refuse)
    assert [(answer.task, answer.same_context) for answer in again] == [(r.task_uuid, True) for r in requests]
    assert tables(engine.store) == before


def test_a_lost_answer_is_known_even_after_the_task_ran(engine: Engine, hands: Hands) -> None:
    request = wish(engine, idempotency_key="order-7")
    engine.create([request])
    hands.play()
    (again,) = engine.create([request])
    assert (again.task, again.new) == (request.task_uuid, False)


def test_an_id_that_another_task_has_is_refused(engine: Engine) -> None:
    (first,) = engine.create([wish(engine, context={"n": 1})])
    before = tables(engine.store)
    for refuse in (True, False):
        with pytest.raises(InvalidRequestError, match="another task's already") as caught:
            engine.create([wish(engine, task_uuid=first.task, context={"n": 2})], refuse_duplicates=refuse)
        assert caught.value.field == "task_uuid"
    assert tables(engine.store) == before


def test_one_id_for_two_tasks_of_a_call_is_refused(engine: Engine) -> None:
    same = engine.ids.new()
    before = tables(engine.store)
    with pytest.raises(InvalidRequestError) as caught:
        engine.create([wish(engine, task_uuid=same, context={"n": n}) for n in (1, 2)])
    assert caught.value.field == "task_uuid"
    assert tables(engine.store) == before


def test_a_uuid_may_be_spelled_as_one_likes(engine: Engine) -> None:
    plain = engine.ids.new()
    (created,) = engine.create([wish(engine, task_uuid=plain.upper())])
    assert engine.views.task(plain)["task_uuid"] == plain
    assert (created.task, created.new) == (plain, True)


def test_engines_that_create_the_same_agree(engine: Engine, another_engine: Callable[[], Engine]) -> None:
    other = another_engine()
    (first,) = engine.create([wish(engine, context={"n": 1})])
    with pytest.raises(DuplicateTaskError, match=first.task):
        other.create([wish(other, context={"n": 1})])


def test_a_context_has_what_the_template_says_where_the_request_says_nothing(engine: Engine) -> None:
    said = {
        "default_context": {"currency": "EUR", "limits": {"low": 1, "high": 9}},
        "input_schema": {"type": "object", "required": ["currency", "n"]}, "schema_validation": "enforce",
    }  # fmt: skip
    template = flow({"pay": []}, name="priced").content() | said
    engine.catalog.register(Template.from_content(template), replace=False)
    (first,) = engine.create([wish(engine, name="priced", context={"n": 1, "limits": {"low": 2}})])
    kept = engine.views.task(first.task)["context"]
    assert kept == {"currency": "EUR", "limits": {"low": 2}, "n": 1}
    assert first.fresh is not None
    assert engine.views.fresh(*first.fresh)["context"] == kept
    with pytest.raises(DuplicateTaskError, match=first.task) as caught:
        engine.create([wish(engine, name="priced", context=kept)])
    assert caught.value.same_context, "whoever says as much as the template would is asking for the same"
    (other,) = engine.create([wish(engine, name="priced", context={**kept, "currency": "CHF"})])
    assert engine.views.task(other.task)["context"]["currency"] == "CHF"


def test_what_is_said_of_a_task_is_kept(engine: Engine) -> None:
    parent = engine.ids.new()
    request = wish(
        engine, context={"z": 1, "a": [1.0, 2**60, "\u0000"]}, initiator="ann", source_system="till", reason="sold",
        tags=["b", "a"], priority=7, correlation_id=parent, parent_correlation_id=parent, idempotency_key="k",
        requested_at="2027-01-01T12:00:00+02:00",
    )  # fmt: skip
    engine.create([request])
    view = engine.views.task(request.task_uuid)
    assert list(view["context"]) == ["z", "a"] and view["context"]["a"] == [1.0, 2**60, "\u0000"]
    assert (view["initiator"], view["source_system"], view["reason"]) == ("ann", "till", "sold")
    assert (view["tags"], view["priority"], view["idempotency_key"]) == (["b", "a"], 7, "k")
    assert view["correlation_id"] == view["parent_correlation_id"] == parent
    assert view["requested_at"] == "2027-01-01T10:00:00.000000Z"


def test_a_higher_priority_is_claimed_first_then_the_older_task(engine: Engine, hands: Hands) -> None:
    order = [0, 100, -100, 100, 0, 1]
    for n, priority in enumerate(order):
        engine.create([wish(engine, context={"n": n}, priority=priority)])
        engine.clock.advance(0.001)  # type: ignore[attr-defined]  # the clock of these tests is a ManualClock
    claimed = [lease.context for _ in order for lease in hands.claim_all(room=1)]
    assert claimed == [f'{{"n":{n}}}' for n in (1, 3, 5, 0, 4, 2)]


@pytest.mark.parametrize(("changes", "field"), [
    ({"name": ""}, "name"), ({"name": 7}, "name"), ({"name": "x" * 256}, "name"), ({"name": "a\u0000b"}, "name"),
    ({"namespace": " "}, "namespace"), ({"version": 1.0}, "version"), ({"context": [1]}, "context"),
    ({"context": "text"}, "context"), ({"tags": "one"}, "tags"), ({"tags": [1]}, "tags"),
    ({"priority": 101}, "priority"), ({"priority": -101}, "priority"), ({"priority": True}, "priority"),
    ({"priority": 1.5}, "priority"), ({"task_uuid": "no"}, "task_uuid"), ({"correlation_id": "no"}, "correlation_id"),
    ({"parent_correlation_id": 7}, "parent_correlation_id"), ({"idempotency_key": ""}, "idempotency_key"),
    ({"idempotency_key": "k" * 1_001}, "idempotency_key"), ({"initiator": None}, "initiator"),
    ({"reason": "x" * 501}, "reason"), ({"requested_at": "yesterday"}, "requested_at"),
    ({"reason": "half a pair: \ud800"}, "reason"), ({"idempotency_key": "\udfff"}, "idempotency_key"),
])  # fmt: skip
def test_a_malformed_request_names_its_field(engine: Engine, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        engine.create([wish(engine, **changes)])
    assert caught.value.field == field
    assert field in str(caught.value)
    assert isinstance(caught.value, ValueError)
    assert engine.store.tasks.newest({}, 10, 0) == ([], 0)


def test_a_context_that_is_not_json_or_too_large_is_refused(engine: Engine) -> None:
    with pytest.raises(PayloadError, match=r"\['at'\] is a datetime"):
        engine.create([wish(engine, context={"at": datetime.now(UTC)})])
    with pytest.raises(PayloadError, match="at most 1,048,576 are kept"):
        engine.create([wish(engine, context={"blob": "x" * 1_048_576})])


def test_too_many_tasks_a_call_are_refused(engine: Engine) -> None:
    one = wish(engine)
    with pytest.raises(InvalidRequestError, match=r"at most 10,000 tasks a call, not 10,001"):
        engine.create([one] * 10_001)


def test_an_unknown_template_refuses_the_whole_call(engine: Engine) -> None:
    with pytest.raises(UnknownTemplateError, match="did you mean 'order'"):
        engine.create([wish(engine), wish(engine, name="ordre")])
    assert engine.store.tasks.newest({}, 10, 0) == ([], 0)
