"""Creates of many callers in one transaction: each succeeds or fails as it would have alone."""

from __future__ import annotations

import pytest

from tasker_core.engine import Created, Engine, TaskRequest
from tasker_core.errors import (
    ClientError,
    DuplicateTaskError,
    InvalidRequestError,
    PayloadTooLargeError,
    StoreDataError,
    UnknownTemplateError,
)
from tasker_core.rules.payload import LARGEST_PAYLOAD
from tests.support.flows import flow, wish


@pytest.fixture(autouse=True)
def template(engine: Engine) -> None:
    engine.catalog.register(flow({"pay": []}), replace=False)


def kinds(answers: list[Created | ClientError]) -> list[object]:
    """What became of each: "new", "replay", or the error's class."""
    return [
        type(answer) if isinstance(answer, ClientError) else "new" if answer.new else "replay" for answer in answers
    ]


def test_each_request_has_its_own_answer(engine: Engine) -> None:
    (before,) = engine.create([wish(engine, context={"n": 0})])
    again = wish(engine, context={"n": 9}, idempotency_key="k")
    engine.create([again])
    twin = wish(engine, context={"n": 1})
    answers = engine.create_each(
        [
            wish(engine, context={"n": 1}),
            wish(engine, name="odrer"),
            twin,
            wish(engine, context={"n": 0}),
            wish(engine, context={"big": "x" * LARGEST_PAYLOAD}),
            again,
            wish(engine, context={"n": 2}, task_uuid=before.task),
            wish(engine, context={"n": 3}),
            wish(engine, context={"n": 8}, idempotency_key="k", task_uuid=again.task_uuid),
        ]
    )
    assert kinds(answers) == [
        "new", UnknownTemplateError, DuplicateTaskError, DuplicateTaskError, PayloadTooLargeError, "replay",
        InvalidRequestError, "new", DuplicateTaskError,
    ]  # fmt: skip
    first, _, second, known, _, replay, _, _, other = answers
    assert isinstance(first, Created) and isinstance(replay, Created)
    assert isinstance(second, DuplicateTaskError) and second.task_uuid == first.task
    assert isinstance(known, DuplicateTaskError) and known.task_uuid == before.task and known.same_context
    assert replay.task == again.task_uuid
    assert isinstance(other, DuplicateTaskError) and not other.same_context
    assert engine.views.tasks({}, 1, 0)["pagination"]["total_count"] == 4


def test_what_was_created_is_told_without_reading_it_back(engine: Engine) -> None:
    for answer in engine.create_each([wish(engine, context={"n": n}, priority=n) for n in range(3)]):
        assert isinstance(answer, Created) and answer.fresh is not None
        fresh, read = engine.views.fresh(*answer.fresh), engine.views.task(answer.task)
        assert fresh == read


def test_the_same_request_twice_at_once_is_one_task(engine: Engine) -> None:
    request = wish(engine, context={"n": 1})
    answers = engine.create_each([request, request])
    assert kinds(answers) == ["new", "replay"]
    assert {answer.task for answer in answers if isinstance(answer, Created)} == {request.task_uuid}


def test_one_id_for_two_orders_is_the_first_ones(engine: Engine) -> None:
    own = engine.ids.new()
    answers = engine.create_each([wish(engine, context={"n": n}, task_uuid=own) for n in (1, 2)])
    assert kinds(answers) == ["new", InvalidRequestError]
    assert engine.views.task(own)["context"] == {"n": 1}


def test_a_value_that_the_database_refuses_costs_its_own_request_alone(engine: Engine) -> None:
    # Nothing that passes the checks is refused by a database today: such a request is made past them.
    bad: TaskRequest = wish(engine, context={"n": -1})
    object.__setattr__(bad, "initiator", "half \ud800 of a pair")
    answers = engine.create_each([wish(engine, context={"n": n}) for n in range(5)] + [bad])
    assert kinds(answers) == ["new"] * 5 + [StoreDataError]


def test_a_template_that_was_replaced_meanwhile_is_looked_up_again(engine: Engine) -> None:
    engine.create_each([wish(engine, context={"n": 0})])
    other = Engine(engine.store, clock=engine.clock)
    other.catalog.register(flow({"pay": [], "ship": []}), replace=True)
    answers = engine.create_each([wish(engine, context={"n": n}) for n in (1, 2)])
    assert kinds(answers) == ["new", "new"]
    assert [len(engine.views.steps(answer.task)) for answer in answers if isinstance(answer, Created)] == [2, 2]


def test_nothing_asked_is_nothing_answered(engine: Engine) -> None:
    assert engine.create_each([]) == []
