"""Batches, on each database: what an analyzer brings about, how many run at once, what a failure of one does."""

from __future__ import annotations

from typing import Any

import pytest

from tasker_core.engine import Engine
from tasker_core.rules.payload import decode
from tasker_core.rules.template import Template
from tasker_core.words import Lease, Settled, Word
from tests.support.batches import NOTHING, batching, cursors, cut, template_of
from tests.support.flows import Hands, failed, ok, results, wish, yielded


def task_of(engine: Engine, template: Template | None = None) -> str:
    engine.catalog.register(template or batching(), replace=True)
    return engine.create([wish(engine, idempotency_key=engine.ids.new())])[0].task


def states(engine: Engine, task: str) -> dict[str, str]:
    return {step["name"]: step["current_state"] for step in engine.views.steps(task)}


def piece_of(lease: Lease) -> dict[str, Any]:
    piece: dict[str, Any] = decode(lease.inputs or "")["cursor"]
    return piece


def begin(hands: Hands, count: int) -> list[Lease]:
    """The analyzer cuts ``count`` pieces; what is ready then."""
    hands.report(ok(hands.claim()["analyze"], cut(count)))
    return hands.claim_all()


@pytest.mark.parametrize("converging", ["deferred_convergence", "standard"])
def test_an_analyzer_brings_about_a_step_for_each_piece_and_what_converges_on_them(
    engine: Engine, hands: Hands, converging: str
) -> None:
    task = task_of(engine, batching(converging))
    assert states(engine, task) == {"analyze": "enqueued"}
    seen: list[object] = []
    working = dict.fromkeys((f"process_00{no}" for no in (1, 2, 3)), lambda lease: {"did": piece_of(lease)["batch_id"]})
    ran = hands.play({
        "analyze": lambda _: cut(3), **working, "total": lambda lease: seen.append(results(lease)),
    })  # fmt: skip
    assert ran == ["analyze", "process_001", "process_002", "process_003", "total", "tell"]
    assert seen == [
        {"analyze": cut(3), "process_001": {"did": "001"}, "process_002": {"did": "002"}, "process_003": {"did": "003"}}
    ]
    view = engine.views.task(task)
    assert (view["status"], view["total_steps"], view["completed_steps"]) == ("complete", 6, 6)


def test_each_instance_is_told_its_piece_and_not_the_others(engine: Engine, hands: Hands) -> None:
    task_of(engine, batching(cursor_field="row", failure_strategy="isolate", checkpoint_interval=500))
    leases = begin(hands, 2)
    assert [decode(lease.inputs or "") for lease in leases] == [
        {
            "cursor": cursor,
            "batch_metadata": {"cursor_field": "row", "failure_strategy": "isolate", "checkpoint_interval": 500},
            "is_no_op": False,
        }
        for cursor in cursors(2)
    ]
    assert all(lease.dependency_results == {} for lease in leases), "the analyzer's result names every piece"


def test_no_work_has_a_placeholder_so_that_what_converges_runs(engine: Engine, hands: Hands) -> None:
    task = task_of(engine)
    inputs: list[Any] = []
    ran = hands.play({
        "analyze": lambda _: NOTHING, "process_000": lambda lease: inputs.append(decode(lease.inputs or "")),
    })  # fmt: skip
    assert ran == ["analyze", "process_000", "total", "tell"]
    assert inputs[0]["is_no_op"] is True
    assert inputs[0]["cursor"] == {"batch_id": "000", "start_cursor": 0, "end_cursor": 0, "batch_size": 0}
    assert engine.views.task(task)["status"] == "complete"


@pytest.mark.parametrize("cursor", [7, "page-2", {"after": ["a", 1]}, None])
def test_a_cursor_is_any_json(engine: Engine, hands: Hands, cursor: object) -> None:
    task_of(engine)
    one = {"batch_id": "a", "start_cursor": cursor, "end_cursor": cursor, "batch_size": 1, "file": "x.csv"}
    hands.report(ok(hands.claim()["analyze"], cut(1, cursor_configs=[one])))
    (lease,) = hands.claim_all()
    assert lease.step == "process_a"
    assert decode(lease.inputs or "")["cursor"] == one


CURSOR = {"batch_id": "001", "start_cursor": 0, "end_cursor": 10, "batch_size": 10}


@pytest.mark.parametrize(
    ("result", "says"),
    [
        ({}, 'its result must hold "batch_processing_outcome"'),
        ({"batch_processing_outcome": {"type": "all"}}, "batch_analyzer_success(...) makes one"),
        (cut(0), "its result must hold"),
        (cut(1, cursor_configs="all"), "its result must hold"),
        (
            cut(1, worker="proces"),
            "'proces' is no worker step of this analyzer; it may name 'process'; did you mean 'process'?",
        ),
        (cut(1, worker="total"), "'total' is no worker step of this analyzer; it may name 'process'"),
        (cut(2, worker_count=3), "worker_count is 3, but there are 2 cursor_configs"),
        (cut(2, total_items="20"), "total_items must be a whole number, 0 or more; found '20'"),
        (cut(2, cursor_configs=[CURSOR, CURSOR]), "batch_id '001' stands twice, the second time in cursor_configs[1]"),
        (cut(1, cursor_configs=[7]), "cursor_configs[0] must be a mapping with batch_id"),
        (cut(1, cursor_configs=[{"batch_id": "001"}]), "lacks 'start_cursor', 'end_cursor', 'batch_size'"),
        (cut(1, cursor_configs=[{**CURSOR, "batch_id": "a b"}]), "must be a text of letters, digits, _ and -"),
        (cut(1, cursor_configs=[{**CURSOR, "batch_id": "a" * 128}]), "is longer than 128 characters"),
        (
            cut(1, cursor_configs=[{**CURSOR, "batch_size": -1}]),
            "batch_size of cursor_configs[0] must be a whole number",
        ),
    ],
)
def test_an_outcome_that_cannot_be_carried_out_fails_the_analyzer_for_good(
    engine: Engine, hands: Hands, result: dict[str, Any], says: str
) -> None:
    task = task_of(engine)
    assert hands.play({"analyze": lambda _: result}) == ["analyze"]
    assert states(engine, task) == {"analyze": "error"}
    error = engine.views.steps(task)[0]["results"]["error"]
    assert (error["error_type"], error["retryable"]) == ("invalid_batch", False)
    assert says in error["message"]
    engine.operator.reset(task, "analyze", Word("ann"))
    assert hands.play({"analyze": lambda _: cut(1)}) == ["analyze", "process_001", "total", "tell"]


def test_no_more_than_parallelism_run_at_once_and_each_end_lets_the_next_in(engine: Engine, hands: Hands) -> None:
    task = task_of(engine, batching(parallelism=2))
    first = begin(hands, 5)
    assert [lease.step for lease in first] == ["process_001", "process_002"]
    assert hands.claim_all() == []
    reply = hands.report(ok(first[1]), then=hands.request())
    assert [lease.step for lease in reply.leases] == ["process_003"], "in the transaction that settles one"
    hands.report(failed(reply.leases[0], retryable=True))
    assert hands.claim_all() == [], "one that waits for its retry keeps its place"
    hands.report(ok(first[0]))
    assert [lease.step for lease in hands.claim_all()] == ["process_004"]
    assert states(engine, task)["process_005"] == "pending"


def test_the_end_of_several_at_once_lets_as_many_in(engine: Engine, hands: Hands) -> None:
    task_of(engine, batching(parallelism=3))
    first = begin(hands, 7)
    reply = hands.report(ok(first[0]), ok(first[1]), failed(first[2], retryable=False), then=hands.request())
    assert [lease.step for lease in reply.leases] == ["process_004", "process_005", "process_006"]
    hands.report(*map(ok, reply.leases))
    assert hands.play() == ["process_007"]


def test_a_report_sent_again_lets_nobody_in(engine: Engine, hands: Hands) -> None:
    task = task_of(engine, batching(parallelism=1))
    (first,) = begin(hands, 4)
    assert hands.answer(ok(first)) is Settled.APPLIED
    before = states(engine, task)
    assert hands.answer(ok(first)) is Settled.REPLAYED
    assert states(engine, task) == before
    assert list(before.values()).count("enqueued") == 1


def test_continue_on_failure_runs_the_others_and_waits_for_the_failed_one(engine: Engine, hands: Hands) -> None:
    task = task_of(engine, batching(parallelism=1, failure_strategy="continue_on_failure"))
    (first,) = begin(hands, 3)
    hands.report(failed(first, retryable=False))
    assert hands.play() == ["process_002", "process_003"]
    assert engine.views.task(task)["status"] == "blocked_by_failures"
    assert states(engine, task)["total"] == "pending"
    engine.operator.reset(task, "process_001", Word("ann"))
    assert hands.play() == ["process_001", "total", "tell"]
    assert engine.views.task(task)["status"] == "complete"


def test_isolate_sets_the_failed_ones_aside_and_goes_on_without_them(engine: Engine, hands: Hands) -> None:
    task = task_of(engine, batching(failure_strategy="isolate"))
    leases = begin(hands, 3)
    seen: list[object] = []
    hands.report(failed(leases[0], retryable=False), ok(leases[1], {"did": 2}), failed(leases[2], retryable=False))
    ran = hands.play({"total": lambda lease: seen.append(sorted(results(lease)))})
    assert ran == ["total", "tell"]
    assert seen == [["analyze", "process_002"]]
    assert engine.views.task(task)["status"] == "blocked_by_failures", "somebody has to look at what was set aside"
    for name in ("process_001", "process_003"):
        engine.operator.reset(task, name, Word("ann"))
        assert hands.play() == [name], "what came after the batch isn't run again"
    assert engine.views.task(task)["status"] == "complete"


def test_fail_fast_begins_nothing_more_and_a_reset_lets_the_batch_go_on(engine: Engine, hands: Hands) -> None:
    retry = {"max_attempts": 2, "backoff": "none", "backoff_base_ms": 1}
    task = task_of(engine, batching(parallelism=3, failure_strategy="fail_fast", worker={"retry": retry}))
    hands.report(ok(hands.claim()["analyze"], cut(6)))
    first, second = hands.claim_all(room=2)
    assert states(engine, task)["process_003"] == "enqueued"
    hands.report(failed(first, retryable=False))
    assert states(engine, task)["process_003"] == "pending", "held back"
    hands.report(failed(second, retryable=True))
    assert hands.claim_all() == []
    assert engine.views.task(task)["status"] == "blocked_by_failures"
    assert set(states(engine, task).values()) == {"complete", "error", "pending"}
    moved = {(t["step_name"], t["from_state"], t["to_state"]) for t in engine.views.transitions(task) if t["step_name"]}
    assert moved == {("process_003", "enqueued", "pending"), ("process_002", "waiting_for_retry", "pending")}
    engine.operator.reset(task, "process_001", Word("ann"))
    ran = hands.play()
    assert sorted(ran[:6]) == [f"process_00{no}" for no in range(1, 7)]
    assert ran[6:] == ["total", "tell"]


def test_a_reset_takes_a_place_of_its_own_and_gives_it_back(engine: Engine, hands: Hands) -> None:
    task = task_of(engine, batching(parallelism=2))
    first = begin(hands, 6)
    hands.report(failed(first[0], retryable=False))
    engine.operator.reset(task, "process_001", Word("ann"))
    leases = {lease.step: lease for lease in hands.claim_all()}
    assert sorted(leases) == ["process_001", "process_003"]
    hands.report(ok(leases["process_001"]))
    assert hands.claim_all() == [], "two run: it was one too many"
    hands.report(ok(leases["process_003"]))
    assert [lease.step for lease in hands.claim_all()] == ["process_004"]


def test_a_decision_may_lead_to_a_batch_and_a_branch_converge_with_it(engine: Engine, hands: Hands) -> None:
    template = template_of(
        {"name": "route", "type": "decision"},
        {"name": "small", "dependencies": ["route"]},
        {"name": "analyze", "type": "batchable", "dependencies": ["route"]},
        {"name": "process", "type": "batch_worker", "dependencies": ["analyze"]},
        {"name": "done", "type": "deferred_convergence", "dependencies": ["small", "process"]},
    )

    def route(*names: str) -> list[str]:
        outcome = {"type": "create_steps", "step_names": list(names)}
        task = task_of(engine, template)
        ran = hands.play({"route": lambda _: {"decision_point_outcome": outcome}, "analyze": lambda _: cut(2)})
        assert engine.views.task(task)["status"] == "complete"
        return ran

    assert route("small") == ["route", "small", "done"]
    assert route("analyze") == ["route", "analyze", "process_001", "process_002", "done"]
    assert sorted(route("small", "analyze")[1:-1]) == ["analyze", "process_001", "process_002", "small"]


def test_a_batch_may_be_cut_out_of_another_one(engine: Engine, hands: Hands) -> None:
    template = template_of(
        {"name": "analyze", "type": "batchable"},
        {"name": "process", "type": "batch_worker", "dependencies": ["analyze"]},
        {"name": "again", "type": "batchable", "dependencies": ["process"]},
        {"name": "finish", "type": "batch_worker", "dependencies": ["again"]},
        {"name": "done", "dependencies": ["finish", "process"]},
    )
    task = task_of(engine, template)
    ran = hands.play({"analyze": lambda _: cut(2), "again": lambda _: cut(2, "finish")})
    assert ran == ["analyze", "process_001", "process_002", "again", "finish_001", "finish_002", "done"]
    assert engine.views.task(task)["status"] == "complete"


def test_explain_says_why_an_instance_is_not_let_in_and_leaves_most_of_many_out(engine: Engine, hands: Hands) -> None:
    task = task_of(engine, batching(parallelism=2, failure_strategy="fail_fast"))
    first = begin(hands, 500)
    why = engine.explain(task)
    by_name = {step.name: step.reason for step in why.steps}
    assert by_name["process_003"].text == "waits for a place: 2 of its batch at once is the limit"
    assert by_name["process_003"].kind == "waits_for_place"
    assert by_name["total"].text == (
        "waits for process_001 (in_progress), process_002 (in_progress), process_003 (pending), process_004 (pending), "
        "process_005 (pending) and 495 more"
    )
    assert (len(by_name), why.left_out) == (102, 400)
    assert "498 waiting for a place in their batch" in why.text
    hands.report(failed(first[0], "no disk", retryable=False))
    held = {step.name: step.reason for step in engine.explain(task).steps}["process_003"]
    assert held.text == (
        "held back by the failure of process_001 (handler_error: no disk): its batch is to fail fast; "
        "a reset lets it go on"
    )
    assert (held.kind, held.details["failed_steps"]) == ("blocked_by_failure", ["process_001"])


def test_a_worker_that_waits_for_something_else_is_refused_by_the_outcome(engine: Engine, hands: Hands) -> None:
    """A template that was stored before such were refused."""
    template = template_of(
        {"name": "analyze", "type": "batchable"},
        {"name": "rates"},
        {"name": "process", "type": "batch_worker", "dependencies": ["analyze", "rates"]},
    )
    task = task_of(engine, template)
    leases = hands.claim()
    hands.report(ok(leases["analyze"], cut(1)))
    error = engine.views.steps(task)[0]["results"]["error"]
    assert error["message"] == (
        "the batch can't be carried out: its worker 'process' waits for 'rates', not done here; "
        "let the analyzer wait for that"
    )
    hands.report(ok(leases["rates"]))
    engine.operator.reset(task, "analyze", Word("ann"))
    assert hands.play({"analyze": lambda _: cut(1)}) == ["analyze", "process_001"]


def test_a_task_tells_of_some_of_many_instances_and_its_steps_come_in_pages(engine: Engine, hands: Hands) -> None:
    task = task_of(engine)
    leases = begin(hands, 150)
    hands.report(*(ok(lease, {"no": lease.step}) for lease in leases))
    view = engine.views.task(task)
    assert (view["total_steps"], view["completed_steps"], view["pending_steps"]) == (153, 11, 132)
    assert [step["name"] for step in view["steps"]] == [
        "analyze", "total", "tell", *(f"process_{no:03d}" for no in range(1, 101))
    ]  # fmt: skip
    every = engine.views.steps(task)
    assert [engine.views.steps(task, 60, offset) for offset in (0, 60, 120, 180)] == [
        every[:60], every[60:120], every[120:], []
    ]  # fmt: skip
    tenth = every[12]
    assert (tenth["name"], tenth["template_step"], tenth["batch_index"]) == ("process_010", "process", 9)
    assert (every[0]["template_step"], every[0]["batch_index"]) == ("analyze", None)
    assert engine.views.step(task, tenth["step_uuid"]) == tenth
    assert tenth["results"]["result"] == {"no": "process_010"}
    assert [entry["step_name"] for entry in engine.views.audit(task, tenth["step_uuid"])] == ["process_010"]


def test_the_figures_of_a_batch_are_those_of_its_pattern_and_a_checkpoint_is_no_failure(
    engine: Engine, hands: Hands
) -> None:
    task_of(engine)
    first, *others = begin(hands, 3)
    hands.report(yielded(first, 1, 1), *map(ok, others))
    hands.play()
    (slow,) = engine.analytics.bottlenecks(10, 4, 24)["slow_steps"]
    assert (slow["step_name"], slow["execution_count"], slow["error_rate"]) == ("process", 4, 0.0)


def test_what_is_reported_twice_in_a_batch_is_settled_where_it_stands_first(engine: Engine, hands: Hands) -> None:
    task = task_of(
        engine,
        template_of(
            {"name": "route", "type": "decision"},
            {"name": "analyze", "type": "batchable"},
            {"name": "process", "type": "batch_worker", "dependencies": ["analyze"]},
            {"name": "both", "dependencies": ["route", "process"]},
        ),
    )
    leases = hands.claim()
    analyzed = ok(leases["analyze"], cut(1))
    chosen = {"decision_point_outcome": {"type": "create_steps", "step_names": ["both"]}}
    hands.report(analyzed, ok(leases["route"], chosen), analyzed)
    assert states(engine, task) == {
        "route": "complete", "analyze": "complete", "both": "pending", "process_001": "enqueued"
    }  # fmt: skip
