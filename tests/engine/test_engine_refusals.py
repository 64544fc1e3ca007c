"""Reports that can never be settled: each is answered, and nobody else waits for it."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

from tasker_core.clock import ManualClock
from tasker_core.engine import Engine
from tasker_core.words import Settled
from tests.support.flows import Hands, failed, flow, ok, wish
from tests.support.graphs import tables
from tests.support.meddling import forbid, meddle

CHAIN = {"pay": [], "ship": ["pay"]}


@pytest.fixture
def tasks(engine: Engine) -> list[str]:
    """Five tasks of two steps, in the order in which their first steps are claimed."""
    engine.catalog.register(flow(CHAIN), replace=False)
    engine.create([wish(engine, context={"n": n}) for n in range(5)])
    return [task["task_uuid"] for task in engine.views.tasks({}, 5, 0)["tasks"]]


@pytest.fixture
def refused(engine: Engine, tasks: list[str]) -> str:
    """The task of which the database keeps no attempt, whatever it ended as."""
    number = engine.number(tasks[2])
    forbid(engine.store, "attempts", f"task_id = {number}")
    return tasks[2]


def states(engine: Engine, task: str) -> dict[str, str]:
    return {step["name"]: step["current_state"] for step in engine.views.steps(task)}


def said_of(engine: Engine, task: str) -> list[str]:
    return [t.reason for t in engine.store.tasks.transitions(engine.number(task)) if t.from_state == t.to_state]


@pytest.mark.parametrize("last", [False, True])
def test_a_report_that_the_database_refuses_in_any_form_is_answered_and_the_others_are_settled(
    engine: Engine, hands: Hands, tasks: list[str], refused: str, last: bool, caplog: pytest.LogCaptureFixture
) -> None:
    leases = {lease.task_uuid: lease for lease in hands.claim_all()}
    others = [lease for task, lease in leases.items() if task != refused]
    reports = [ok(lease) for lease in others]
    reports.insert(len(reports) if last else 2, ok(leases[refused]))
    with caplog.at_level(logging.ERROR):
        reply = hands.report(*reports, then=hands.request(room=3))
    assert reply.answers == {**{lease.key: Settled.APPLIED for lease in others}, leases[refused].key: Settled.LOST}
    assert [lease.step for lease in reply.leases] == ["ship"] * 3, "and the claim that rode along isn't lost"
    assert [states(engine, task)["pay"] for task in tasks].count("complete") == 4
    assert "step pay" in caplog.text and "refuses it even without its content" in caplog.text
    assert states(engine, refused) == {"pay": "in_progress", "ship": "pending"}
    (said,) = said_of(engine, refused)
    assert said.startswith("report refused: the database refuses it even without its content")


def test_alone_it_is_answered_as_well_and_its_step_is_found_as_lost(
    engine: Engine, hands: Hands, refused: str, clock: ManualClock
) -> None:
    lease = next(lease for lease in hands.claim_all() if lease.task_uuid == refused)
    assert hands.report(failed(lease)).answers == {lease.key: Settled.LOST}
    assert lease.key in engine.beat(hands.number, []).unknown
    engine.store.workers.end(hands.number)
    assert engine.sweep() == 4, "the others; the database refuses the end of this attempt still, and the sweep ends"
    assert states(engine, refused)["pay"] == "in_progress"


def test_a_refused_result_that_is_reported_again_is_replayed(engine: Engine, hands: Hands, tasks: list[str]) -> None:
    forbid(engine.store, "attempts", "result like '%poison%'")
    bad, other = hands.claim_all()[:2]
    assert hands.answer(ok(bad, "poison")) is Settled.APPLIED
    assert states(engine, bad.task_uuid)["pay"] == "error"
    quiet = [name for name in tables(engine.store) if name != "transitions"]
    before = tables(engine.store)
    assert hands.answer(ok(bad, "poison")) is Settled.REPLAYED
    assert hands.report(ok(bad, "poison"), ok(bad, "poison")).answers == {bad.key: Settled.REPLAYED}
    assert tables(engine.store) == before
    assert hands.answer(ok(bad, "poison, but another one")) is Settled.LOST
    assert hands.answer(ok(bad, "sound")) is Settled.LOST
    assert tables(engine.store, *quiet) == {name: before[name] for name in quiet}
    assert hands.report(ok(bad, "poison"), ok(other)).answers == {
        bad.key: Settled.REPLAYED,
        other.key: Settled.APPLIED,
    }


def test_a_report_on_an_unknown_template_or_step_fails_nobody_else(
    engine: Engine, hands: Hands, tasks: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    leases = hands.claim_all()
    stranger, beyond = ok(leases[1])._replace(template=engine.ids.new()), ok(leases[3])
    beyond = beyond._replace(outcome=beyond.outcome._replace(key=leases[3].key._replace(no=7)))
    with caplog.at_level(logging.ERROR):
        reply = hands.report(ok(leases[0]), stranger, ok(leases[2]), beyond, ok(leases[4]), then=hands.request(room=2))
    assert list(reply.answers.values()).count(Settled.APPLIED) == 3
    assert reply.answers[stranger.outcome.key] is reply.answers[beyond.outcome.key] is Settled.LOST
    assert [lease.step for lease in reply.leases] == ["ship"] * 2
    assert "holds no template of the id" in caplog.text and "has no step number 7" in caplog.text
    refused = [
        change["step_name"]
        for task in tasks
        for change in engine.views.transitions(task)
        if change["reason"].startswith("report refused")
    ]
    assert len(refused) == 2 and None in refused
    assert hands.report(stranger).answers == {stranger.outcome.key: Settled.LOST}
    assert hands.report(stranger, then=hands.request(room=1)).leases[0].step == "ship"


def test_a_sweep_goes_on_beside_a_task_whose_template_is_gone(
    another_engine: Callable[[], Engine], engine: Engine, hands: Hands, tasks: list[str]
) -> None:
    assert len(hands.claim_all()) == 5
    meddle(engine.store, f"update {{tasks}} set template_id = '{engine.ids.new()}' where uuid = '{tasks[0]}'")
    engine.store.workers.end(hands.number)
    assert another_engine().sweep() == 4
    assert [states(engine, task)["pay"] for task in tasks[1:]] == ["enqueued"] * 4
