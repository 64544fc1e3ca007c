"""Domain events in the outbox: they are there if and only if the transition is, in the order of each task."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from tasker_core.clock import ManualClock
from tasker_core.engine import Engine
from tasker_core.engine.events import Asked
from tasker_core.errors import InvalidRequestError, TaskNotFoundError
from tasker_core.rules.template import Template
from tasker_core.store.postgres import PostgresDatabase
from tasker_core.store.settling import Order, Ruling
from tasker_core.telemetry import metrics
from tasker_core.words import Draft, Ending, LeaseKey, Report, Settled, StepState, Verdict
from tests.support.events import EACH_CONDITION, event, paying
from tests.support.flows import AWAY, Hands, failed, flow, ok, wish, yielded
from tests.support.meddling import meddle

TWICE = {"max_attempts": 2, "backoff": "none"}


def register(engine: Engine, template: Template) -> None:
    engine.catalog.register(template, replace=True)


def create(engine: Engine, **wishes: Any) -> str:
    (made,) = engine.create([wish(engine, **{"context": {"of": engine.ids.new()}, **wishes})])
    return made.task


def names(engine: Engine) -> list[str]:
    told, _ = engine.events.after(0, 1_000)
    return [each.name for each in told]


def payloads(engine: Engine) -> list[Any]:
    told, _ = engine.events.after(0, 1_000)
    return [each.envelope["payload"]["payload"] for each in told]


def warnings(engine: Engine, task: str) -> list[tuple[str, str]]:
    return [(warning["code"], warning["message"]) for warning in engine.views.task(task)["warnings"]]


# -- when


def test_row_13_all_five_conditions_publish_what_the_engine_decided(
    engine: Engine, hands: Hands, clock: ManualClock
) -> None:
    register(engine, paying(EACH_CONDITION, retry=TWICE))
    create(engine)
    hands.report(failed(hands.claim()["pay"]))
    clock.advance(1)
    engine.enqueue_due("test")
    assert names(engine) == ["pay.failure", "pay.retryable_failure", "pay.always"]
    hands.report(ok(hands.claim()["pay"]))
    assert names(engine)[3:] == ["pay.success", "pay.always"]

    create(engine)
    hands.report(failed(hands.claim()["pay"], retryable=False))
    assert names(engine)[5:] == ["pay.failure", "pay.permanent_failure", "pay.always"]


def test_a_failure_is_permanent_when_it_was_the_last_attempt(engine: Engine, hands: Hands) -> None:
    register(engine, paying(EACH_CONDITION, retry={"max_attempts": 1}))
    create(engine)
    hands.report(failed(hands.claim()["pay"], retryable=True))
    assert names(engine) == ["pay.failure", "pay.permanent_failure", "pay.always"]


def test_a_lost_worker_is_a_failure(engine: Engine, clock: ManualClock) -> None:
    register(engine, paying(EACH_CONDITION, retry=TWICE))
    create(engine)
    gone = Hands(engine, AWAY)
    for _ in range(2):
        gone.claim()
        engine.store.workers.end(gone.number)
        engine.sweep()
        gone = Hands(engine, AWAY)
    told = ["pay.failure", "pay.retryable_failure", "pay.always", "pay.failure", "pay.permanent_failure", "pay.always"]
    assert names(engine) == told
    assert payloads(engine)[-1]["error_type"] == "worker_lost"


def test_what_ends_no_work_publishes_nothing(engine: Engine, hands: Hands) -> None:
    register(engine, paying(EACH_CONDITION, retry=TWICE))
    task = create(engine)
    hands.report(yielded(hands.claim()["pay"], done=1))
    lease = hands.claim()["pay"]
    engine.give_back(hands.number, [lease.key], "the test says so")
    engine.cancel(task, actor="test")
    assert names(engine) == []


def test_a_result_that_is_refused_by_its_schema_is_a_failure(engine: Engine, hands: Hands) -> None:
    content = paying(EACH_CONDITION, retry=TWICE, result_schema={"required": ["cents"]}).content()
    register(engine, Template.from_content({**content, "schema_validation": "enforce"}))
    create(engine)
    hands.report(ok(hands.claim()["pay"], {"pence": 1}))
    assert names(engine) == ["pay.failure", "pay.permanent_failure", "pay.always"]


def test_fast_events_are_told_to_the_worker_and_kept_nowhere(engine: Engine, hands: Hands) -> None:
    register(engine, paying([event("a.fast", mode="fast"), event("a.both", mode="broadcast"), event("a.kept")]))
    create(engine)
    reply = hands.report(ok(hands.claim()["pay"], {"cents": 1}))
    assert [(each.name, each.mode) for each in reply.events] == [
        ("a.fast", "fast"), ("a.both", "broadcast"), ("a.kept", "durable")
    ]  # fmt: skip
    assert names(engine) == ["a.both", "a.kept"]


# -- if and only if


def test_a_late_report_publishes_nothing_and_a_repeated_one_once(engine: Engine, hands: Hands) -> None:
    register(engine, paying([event("a.paid")], retry=TWICE))
    create(engine)
    lost = hands.claim()["pay"]
    engine.give_back(hands.number, [lost.key], "the test says so")
    assert hands.answer(ok(lost)) is Settled.LOST
    assert names(engine) == []
    lease = hands.claim()["pay"]
    assert hands.answer(ok(lease)) is Settled.APPLIED
    reply = hands.report(ok(lease))
    assert (reply.answers[lease.key], reply.events) == (Settled.REPLAYED, [])
    assert len(hands.report(ok(lease), ok(lease)).events) == 0
    assert names(engine) == ["a.paid"]


def test_a_valid_report_beside_stale_ones_publishes_once(engine: Engine, hands: Hands) -> None:
    register(engine, paying([event("a.paid")], retry=TWICE))
    create(engine)
    stale = hands.claim()["pay"]
    engine.give_back(hands.number, [stale.key], "the test says so")
    lease = hands.claim()["pay"]
    reply = hands.report(ok(stale), ok(lease), ok(lease))
    assert len(reply.events) == 1
    assert names(engine) == ["a.paid"]


def test_steps_without_events_cost_no_statement() -> None:
    key = LeaseKey(1, 1, 1)
    plain = Ruling(Verdict(key, StepState.COMPLETE, 0, ""), 1, Ending.OK)
    said = [call.statement for call in Order([plain], 1, 0, "test", None).calls]
    assert said == [
        "lock_tasks", "settle_steps", "record_attempts", "free_children", "rest_tasks", "record_rest"
    ]  # fmt: skip


# -- what


def test_the_envelope(engine: Engine, hands: Hands) -> None:
    content = flow({"cart": [], "pay": ["cart"]}).content()
    content["steps"][1]["publishes_events"] = [event("payment.processed")]
    content["steps"][1]["handler"]["initialization"] = {"gateway": "test"}
    register(engine, Template.from_content(content))
    task = create(engine, context={"sku": "tea"})
    hands.report(ok(hands.claim()["cart"], {"total": 9}))
    hands.report(ok(hands.claim()["pay"], {"cents": 900}))
    ((told,), reached) = engine.events.after(0, 10)
    envelope = told.envelope
    assert (told.number, reached, told.task, told.namespace) == (1, 1, task, "shop")
    assert list(envelope) == ["event_id", "event_name", "event_version", "payload", "metadata"]
    assert (envelope["event_name"], envelope["event_version"]) == ("payment.processed", "1.0")
    assert envelope["event_id"][14] == "7"
    assert list(envelope["payload"]) == ["task_sequence_step", "execution_result", "payload"]
    assert envelope["payload"]["payload"] == {"cents": 900}
    assert envelope["payload"]["execution_result"] == {
        "success": True, "result": {"cents": 900}, "error": None, "execution_time_ms": 0, "metadata": {}
    }  # fmt: skip
    sequence = envelope["payload"]["task_sequence_step"]
    assert sequence["task"]["task"]["context"] == {"sku": "tea"}
    assert sequence["dependency_results"] == {"cart": {"result": {"total": 9}, "metadata": {}}}
    assert sequence["step_definition"] == {
        "name": "pay", "handler": {"callable": "pay", "initialization": {"gateway": "test"}}
    }  # fmt: skip
    assert set(envelope["metadata"]) == {
        "task_uuid", "step_uuid", "step_name", "namespace", "correlation_id", "fired_at", "fired_by"
    }  # fmt: skip
    assert envelope["metadata"]["step_name"] == "pay"
    assert envelope["metadata"]["fired_by"] == "default"
    assert envelope["metadata"]["step_uuid"] == sequence["workflow_step"]["workflow_step_uuid"]


def drafted(report: Report, *drafts: Draft) -> Report:
    return report._replace(drafts=drafts)


def test_what_the_workers_publishers_made_is_published(engine: Engine, hands: Hands) -> None:
    register(engine, paying([event("a.one", publisher="One"), event("a.two"), event("a.three"), event("a.four")]))
    task = create(engine)
    drafts = [
        Draft(0, "One", '{"of": "one"}', '{"trace": 7, "task_uuid": "forged"}'),
        Draft(1, "default"),  # held back
        Draft(2, "default", trouble="isn't published: its publisher raised ValueError"),
    ]
    hands.report(drafted(ok(hands.claim()["pay"], {"cents": 1}), *drafts))
    told, _ = engine.events.after(0, 10)
    assert [(each.name, each.envelope["payload"]["payload"]) for each in told] == [
        ("a.one", {"of": "one"}), ("a.four", {"cents": 1})
    ]  # fmt: skip
    metadata = told[0].envelope["metadata"]
    assert (metadata["fired_by"], metadata["trace"], metadata["task_uuid"]) == ("One", 7, task)
    assert warnings(engine, task) == [
        ("event_publisher", "event a.three: isn't published: its publisher raised ValueError")
    ]


def test_a_worker_without_publishers_gets_its_events_published_as_the_step_ended(engine: Engine, hands: Hands) -> None:
    register(engine, paying([event("a.one", publisher="One"), event("a.two")]))
    task = create(engine)
    hands.report(ok(hands.claim()["pay"], ["not", "an", "object"]))
    assert payloads(engine) == [{"result": ["not", "an", "object"]}] * 2
    ((code, said),) = warnings(engine, task)
    assert code == "event_publisher" and "'One' wasn't asked" in said


# -- an event never fails a step

AMOUNT = {"type": "object", "properties": {"cents": {"type": "integer"}}, "required": ["cents"]}


def test_row_8_a_payload_that_doesnt_fit_its_schema_isnt_published_and_is_told(engine: Engine, hands: Hands) -> None:
    register(engine, paying([event("a.paid", schema=AMOUNT), event("a.done")]))
    task, before = create(engine), metrics.EVENTS_FAILED.read().get(("event_schema",), 0)
    hands.report(ok(hands.claim()["pay"], {"cents": "nine"}))
    assert engine.views.task(task)["status"] == "complete"
    assert names(engine) == ["a.done"]
    assert warnings(engine, task) == [
        ("event_schema", 'event a.paid isn\'t published: the value is not of type "integer"')
    ]
    assert metrics.EVENTS_FAILED.read()[("event_schema",)] == before + 1


@pytest.mark.parametrize(
    "draft",
    [
        Draft(0, "One", "{not json"),
        Draft(0, "One", '{"a": NaN}'),
        Draft(0, "One", '{"a": "\x00"}'),
        Draft(0, "One", "[" * 200 + "]" * 200),
        Draft(0, "One", "{}", "[]"),
        Draft(0, "One", "{}", "{"),
        Draft(0, "One", json.dumps({"a": "x" * 1_100_000})),
    ],
    ids=["no json", "nan", "nul", "deep", "metadata a list", "metadata no json", "large"],
)
def test_whatever_a_worker_sends_as_an_event_its_step_completes(engine: Engine, hands: Hands, draft: Draft) -> None:
    register(engine, paying([event("a.paid")]))
    task = create(engine)
    assert hands.answer(drafted(ok(hands.claim()["pay"]), draft)) is Settled.APPLIED
    assert engine.views.task(task)["status"] == "complete"
    assert names(engine) == []
    assert [code for code, _ in warnings(engine, task)] == ["event_schema"]


def test_half_of_a_surrogate_pair_passes_through(engine: Engine, hands: Hands) -> None:
    register(engine, paying([event("a.paid")]))
    create(engine)
    hands.report(drafted(ok(hands.claim()["pay"]), Draft(0, "One", '{"a": "\\ud800", "n": 12345678901234567890123}')))
    assert payloads(engine) == [{"a": "\ud800", "n": 12345678901234567890123}]


# -- the order


def test_events_of_a_task_are_in_the_order_of_its_settlements(engine: Engine, hands: Hands) -> None:
    content = flow({f"s{n}": [f"s{n - 1}"] if n else [] for n in range(6)}).content()
    for step in content["steps"]:
        step["publishes_events"] = [event(f"{step['name']}.a"), event(f"{step['name']}.b", "always")]
    register(engine, Template.from_content(content))
    tasks = [create(engine) for _ in range(5)]
    hands.play()
    told, _ = engine.events.after(0, 1_000)
    for task in tasks:
        of_task = [each.name for each in told if each.task == task]
        assert of_task == [f"s{n}.{which}" for n in range(6) for which in "ab"]
    assert [each.number for each in told] == list(range(1, 61))


def test_numbers_are_given_once_and_many_at_a_time(
    another_engine: Callable[[], Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasker_core.store.outbox.MOST_NUMBERED", 3)
    engine, other = another_engine(), another_engine()
    register(engine, paying([event("a.paid"), event("a.done")]))
    for _ in range(5):
        create(engine)
    Hands(engine).play()
    assert (engine.events.last(), other.events.last()) == (10, 10)
    numbers = meddle(engine.store, "select number from {events} order by id")
    assert numbers == [(n,) for n in range(1, 11)]


@pytest.mark.parametrize("store_url", ["postgres"], indirect=True)
def test_a_reader_doesnt_pass_over_what_a_slow_transaction_commits_later(engine: Engine, hands: Hands) -> None:
    """Its identity is lower than those of others that were read before it was committed. (SQLite has one writer.)"""
    register(engine, paying([event("a.paid")]))
    database = engine.store.database
    assert isinstance(database, PostgresDatabase)
    create(engine)
    slow = hands.claim()["pay"]
    table = f'"{database.schema}".events'
    with closing(database.connect_directly()) as beside:
        beside.execute("begin")
        beside.execute(
            f"insert into {table} (number, uuid, task_id, no, fence, position, namespace, step, name, mode, publisher,"
            " at, payload, metadata) values (0, gen_random_uuid(), %s, %s, %s, 0, 'shop', 'pay', 'a.slow', 'durable',"
            " 'default', 1, '{}', '{}')",
            slow.key,
        )
        for _ in range(2):
            create(engine)
            hands.report(ok(hands.claim()["pay"]))
        told, place = engine.events.after(0, 10)
        assert [each.name for each in told] == ["a.paid", "a.paid"]
        beside.execute("commit")
    hands.report(failed(slow, retryable=False))
    told, _ = engine.events.after(place, 10)
    assert [each.name for each in told] == ["a.slow"]


# -- pages


def many(engine: Engine, hands: Hands, count: int) -> list[str]:
    register(engine, paying([event("a.paid"), event("b.done")]))
    tasks = [create(engine) for _ in range(count)]
    hands.play()
    return tasks


def walk(engine: Engine, asked: Asked, limit: int, **place: int) -> list[int]:
    seen: list[int] = []
    while True:
        page = engine.events.page(asked, limit, **place)
        seen += [each["sequence"] for each in page["events"]]
        if page["next"] is None:
            return seen
        place = {("after" if "after" in place else "before"): page["next"]}


@pytest.mark.parametrize("window", [3, 5_000])
def test_pages_forward_and_backward_miss_nothing(
    engine: Engine, hands: Hands, window: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasker_core.engine.events.WINDOW", window)
    monkeypatch.setattr("tasker_core.engine.events.MOST_WINDOWS", 2)
    tasks = many(engine, hands, 6)
    everything = list(range(1, 13))
    for limit in (1, 4, 100):
        assert walk(engine, Asked(), limit, after=0) == everything
        assert walk(engine, Asked(), limit) == everything[::-1]
    paid = everything[::2]
    assert walk(engine, Asked(patterns=["a.*"]), 2, after=0) == paid
    assert walk(engine, Asked(patterns=["[a].pai?"]), 2) == paid[::-1]
    assert walk(engine, Asked(patterns=["b*", "a.*"]), 5) == everything[::-1]
    assert walk(engine, Asked(namespace="elsewhere"), 5) == []
    assert walk(engine, Asked(patterns=["a_p*"]), 5) == []
    (of_task,) = {tuple(walk(engine, Asked(task=tasks[2]), n, after=0)) for n in (1, 9)}
    assert len(of_task) == 2 and tuple(walk(engine, Asked(task=tasks[2]), 1)) == of_task[::-1]
    assert walk(engine, Asked(task=tasks[2], patterns=["b.*"]), 1) == [of_task[1]]


def test_what_cant_be_asked_for_is_refused(engine: Engine) -> None:
    with pytest.raises(InvalidRequestError, match="fits no event"):
        engine.events.page(Asked(patterns=["Order Paid"]), 1)
    with pytest.raises(TaskNotFoundError):
        engine.events.page(Asked(task=engine.ids.new()), 1)


# -- pruning


def test_events_go_with_their_task_unless_somebody_lacks_them(engine: Engine, hands: Hands, clock: ManualClock) -> None:
    many(engine, hands, 2)
    webhook = engine.subscriptions.create_webhook("late", "https://shop.example/hook", from_beginning=True)
    clock.advance(86_400)
    assert (engine.prune(1, dry_run=True).tasks, engine.prune(1).tasks) == (0, 0)
    engine.subscriptions.change(webhook["id"], "webhook", {"state": "paused"})
    assert engine.prune(1, dry_run=True).tasks == 2
    engine.subscriptions.change(webhook["id"], "webhook", {"state": "active", "position": 2})
    assert engine.prune(1).tasks == 1
    clock.advance(8 * 86_400)
    assert engine.prune(1).tasks == 1, "a subscription that nobody has heard of for a week isn't waited for"
    assert names(engine) == [] and engine.events.last() == 4
    assert meddle(engine.store, "select count(*) from {events}") == [(0,)]
