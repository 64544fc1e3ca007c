"""Undo: which compensations a template has, in which order they come, and what it refuses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from tasker_core.errors import TemplateError
from tasker_core.rules.expand import Growth
from tasker_core.rules.mend import Situation, Standing, Undo, reset, retry
from tasker_core.rules.template import Template
from tasker_core.rules.template_text import read_template
from tasker_core.rules.undo import UndoPlan, follow
from tasker_core.words import StepState, TaskState

HEAD = "name: order\nnamespace_name: shop\nversion: 1.0.0\nsteps:\n"
STEP = "  - name: pay\n    handler: {callable: pay}\n"


def plan_of(graph: Mapping[str, Sequence[str]], undone: str) -> UndoPlan:
    steps = [
        {
            "name": name, "handler": {"callable": name}, "dependencies": list(parents),
            **({"compensate": {"handler": f"un_{name}"}} if name in undone else {}),
        }
        for name, parents in graph.items()
    ]  # fmt: skip
    content = {"name": "order", "namespace_name": "shop", "version": "1.0.0", "steps": steps}
    template = Template.from_content(content)
    return UndoPlan.of(template, Growth.of(template))


def edges(plan: UndoPlan, completed: Sequence[int]) -> dict[str, set[str]]:
    born = plan.compensations(completed)
    names = {each.no: each.name.removeprefix("undo:") for each in born}
    return {names[each.no]: {names[parent] for parent in each.parents} for each in born}


@pytest.mark.parametrize(
    ("graph", "undone", "completed", "waits"),
    [
        ({"a": "", "b": "a", "c": "b"}, "abc", [1, 2], {"a": {"b"}, "b": set()}),
        ({"a": "", "b": "a", "c": "b", "d": "c"}, "ad", [1, 2, 3, 4], {"a": {"d"}, "d": set()}),
        ({"a": "", "b": "a", "c": "b", "d": "c"}, "abcd", [1, 4], {"a": {"d"}, "d": set()}),
        ({"a": "", "b": "a", "c": "a", "d": "bc"}, "abcd", [1, 2, 3, 4],
         {"a": {"b", "c"}, "b": {"d"}, "c": {"d"}, "d": set()}),
        ({"a": "", "b": "", "c": "ab"}, "ab", [1, 2], {"a": set(), "b": set()}),
        ({"a": "", "b": "a"}, "b", [1], {}),
    ],
)  # fmt: skip
def test_a_compensation_waits_for_those_of_what_came_right_after(
    graph: dict[str, str], undone: str, completed: list[int], waits: dict[str, set[str]]
) -> None:
    plan = plan_of({name: list(parents) for name, parents in graph.items()}, undone)
    assert edges(plan, completed) == waits


def test_numbers_stand_behind_the_declared_ones() -> None:
    plan = plan_of({"a": [], "b": ["a"], "c": ["b"]}, "ac")
    assert [(each.no, each.undone) for each in plan.compensations([1, 2, 3])] == [(4, 1), (5, 3)]
    assert [plan.undone(no) for no in range(1, 7)] == [None, None, None, 1, 3, None]
    assert not plan_of({"a": []}, "")


def situation(undo: Undo = Undo.NONE, **steps: StepState) -> Situation:
    standing = {
        no: Standing(no, name.replace("_", ":"), state, "shop/x", 0, 0, 1, 1, 0)
        for no, (name, state) in enumerate(steps.items(), 1)
    }
    return Situation("t-1", TaskState.BLOCKED_BY_FAILURES, standing, [], undo=undo)


COMPLETE, ERROR, PENDING = StepState.COMPLETE, StepState.ERROR, StepState.PENDING


def test_a_task_begins_to_be_undone_only_when_nothing_moves() -> None:
    plan = plan_of({"a": [], "b": [], "c": []}, "a")
    for moving in (StepState.IN_PROGRESS, StepState.ENQUEUED, StepState.WAITING_FOR_RETRY):
        assert follow(situation(a=COMPLETE, b=ERROR, c=moving), plan, by_itself=True) is None
    begun = follow(situation(a=COMPLETE, b=ERROR, c=PENDING), plan, by_itself=True)
    assert begun is not None and begun.undo is Undo.UNDER_WAY and [each.no for each in begun.born] == [4]
    assert {no: change.state for no, change in begun.mend.steps.items()} == {3: StepState.CANCELLED}
    assert begun.reason == "b failed: undoes a"


def test_nothing_follows_where_nothing_failed_or_somebody_mends() -> None:
    plan = plan_of({"a": [], "b": [], "c": []}, "a")
    assert follow(situation(a=COMPLETE, b=PENDING, c=PENDING), plan, by_itself=True) is None
    assert follow(situation(a=COMPLETE, b=ERROR, c=PENDING), plan, by_itself=False) is None
    assert follow(situation(a=StepState.RESOLVED_MANUALLY, b=ERROR, c=PENDING), plan, by_itself=True) is None


def test_a_task_ends_when_its_compensations_are_done() -> None:
    plan = plan_of({"a": [], "b": []}, "a")
    there = situation(Undo.UNDER_WAY, a=COMPLETE, b=ERROR, undo_a=COMPLETE)
    ended = follow(there, plan, by_itself=True)
    assert ended is not None and (ended.mend.task, ended.undo, ended.born) == (TaskState.ERROR, Undo.DONE, ())
    assert follow(situation(Undo.UNDER_WAY, a=COMPLETE, b=ERROR, undo_a=ERROR), plan, by_itself=True) is None
    assert follow(situation(Undo.DONE, a=COMPLETE, b=ERROR, undo_a=COMPLETE), plan, by_itself=True) is None


@pytest.mark.parametrize(
    ("compensate", "words"),
    [
        ("{}", "'compensate' of step 'pay' has no 'handler', which it needs"),
        ("refund", "'compensate' of step 'pay' must be a mapping"),
        ("{handler: {}}", "has no 'callable', which it needs"),
        ("{handler: ' '}", "is empty; name the handler"),
        ("{handler: refund, max_crashes: 0}", "must be at least 1"),
        ("{handler: refund, retries: 3}", "unknown key 'retries'"),
    ],
)
def test_a_compensation_that_cant_be_is_refused(compensate: str, words: str) -> None:
    with pytest.raises(TemplateError) as error:
        read_template(f"{HEAD}{STEP}    compensate: {compensate}\n", "order.yaml", strict=True)
    assert words in str(error.value), error.value


def test_batch_workers_cant_be_undone() -> None:
    text = (
        f"{HEAD}  - name: cut\n    type: batchable\n    handler: {{callable: cut}}\n    compensate: {{handler: join}}\n"
        "  - name: piece\n    type: batch_worker\n    dependencies: [cut]\n    handler: {callable: piece}\n"
        "    compensate: {handler: unpiece}\n"
    )
    with pytest.raises(TemplateError, match=r"order\.yaml:13: error BATCH_WORKER_UNDONE: step 'piece' is a batch"):
        read_template(text, "order.yaml")


def test_a_compensation_that_runs_again_brings_no_other_step_back() -> None:
    cancelled = StepState.CANCELLED
    there = situation(Undo.UNDER_WAY, a=COMPLETE, b=cancelled, undo_a=ERROR, undo_b=cancelled)
    assert sorted(retry(there).steps) == [3, 4]
    assert sorted(reset(there, "undo:a").steps) == [3, 4]
