"""Incident drills: what is wrong with a task itself: a poisoned step, a stuck decision or batch, an undoing."""

from __future__ import annotations

from pathlib import Path

from tasker_core.rules.template import Template
from tasker_core.words import Lease, Report
from tests.doors.dashboard.conftest import Shown
from tests.doors.dashboard.stage import cut, fails
from tests.support.flows import failed, flow, ok

HERE = Path(__file__).parent
DRILLS = HERE.parents[2] / "docs" / "how-to" / "incident-drills.md"


def test_every_drill_that_is_written_down_is_played() -> None:
    drills = [line[3:] for line in DRILLS.read_text("utf-8").splitlines() if line.startswith("## ")]
    played = "".join(file.read_text("utf-8") for file in HERE.glob("test_drill_*.py"))
    missing = [drill for drill in drills if f"def test_{drill.lower().replace(' ', '_')}(" not in played]
    assert len(drills) >= 10 and missing == []


def test_a_step_is_poisoned(shown: Shown) -> None:
    stage, reader = shown.stage, shown.reader
    task = stage.create()
    stage.play(task, {"send_confirmation_mail": fails("no mail address", "permanent_error")})
    page = reader.open(f"/tasks/{task}")
    assert "no mail address" in page.text
    steps = {step["name"]: step["step_uuid"] for step in stage.engine.views.steps(task)}
    assert "no mail address" in reader.open(f"/tasks/{task}?step={steps['send_confirmation_mail']}").text
    form = reader.open(f"/tasks/{task}?step={steps['send_confirmation_mail']}").form("/mend", action="restart")
    edited = form.fields["context"].replace("ada@example.org", "ada@example.com")
    reader.send(form, context=edited, reason="she told us her address")
    stage.play(task, {})
    view = stage.engine.views.task(task)
    assert (view["status"], view["context"]["customer"]["mail"]) == ("complete", "ada@example.com")


def test_a_decision_is_stuck(shown: Shown) -> None:
    stage, reader, engine = shown.stage, shown.reader, shown.served.engine
    task = stage.create("approval")
    stage.play(task, {"route": fails("no rule for an amount of 0", "permanent_error")})
    page = reader.open(f"/tasks/{task}")
    assert "no rule for an amount of 0" in page.text
    assert page.answer.text.count("s-absent k-") == 8, "none of its branches has come into being"
    steps = {step["name"]: step["step_uuid"] for step in engine.views.steps(task)}
    form = reader.open(f"/tasks/{task}?step={steps['route']}").form(steps["route"], action="complete")
    choice = '{"decision_point_outcome": {"type": "create_steps", "step_names": ["%s"]}}'
    refused = reader.send(form, result=choice % "ask_nobody")
    assert "ask_nobody" in refused.text and engine.views.task(task)["status"] == "blocked_by_failures"
    form = reader.open(f"/tasks/{task}?step={steps['route']}").form(steps["route"], action="complete")
    page = reader.send(form, result=choice % "waive", reason="it costs nothing")
    assert "route is complete with your result." in page.text
    stage.play(task, {})
    assert engine.views.task(task)["status"] == "complete"
    done = {step["name"] for step in engine.views.steps(task)}
    assert "waive" in done and "ask_manager" not in done


def test_a_batch_is_stuck(shown: Shown) -> None:
    stage, reader, engine = shown.stage, shown.reader, shown.served.engine
    task = stage.create("count_sales")

    def piece(lease: Lease) -> Report:
        bad = lease.step.endswith(("3", "7"))
        return failed(lease, "line 4711 has no price", retryable=False) if bad else ok(lease, {"lines": 10})

    stage.play(task, {"cut": cut(12), "count": piece})
    page = reader.open(f"/tasks/{task}")
    assert "12 × count 2 failed, 10 done" in page.text and "2 failed" in page.text
    bad = [step for step in engine.views.steps(task) if step["current_state"] == "error"]
    first, second = (f"/tasks/{task}?step={step['step_uuid']}" for step in bad)
    assert "line 4711 has no price" in reader.open(first).text
    reader.send(reader.open(first).form(bad[0]["step_uuid"], action="reset"), reason="the price is there")
    stage.play(task, {})
    assert engine.views.task(task)["status"] == "blocked_by_failures"
    reader.send(
        reader.open(second).form(bad[1]["step_uuid"], action="complete"),
        result='{"lines": 9}',
        reason="counted by hand",
    )
    stage.play(task, {})
    assert "12 × count 12 done" in reader.open(f"/tasks/{task}").text
    assert engine.views.task(task)["status"] == "complete"


def test_what_was_done_must_be_undone(shown: Shown) -> None:
    stage, reader, engine = shown.stage, shown.reader, shown.served.engine
    content = flow({"charge": [], "ship": ["charge"]}, name="sold", namespace="returns").content()
    content["steps"][0]["compensate"] = {"handler": {"callable": "refund"}}
    engine.catalog.register(Template.from_content(content), replace=False)
    task = stage.create("sold")
    stage.play(task, {})
    page = reader.open(f"/tasks/{task}")
    assert "complete" in page.text
    page = reader.send(page.form("/mend", action="undo"), reason="the customer sent it back")
    assert "The task is being undone" in page.text
    stage.play(task, {"undo:charge": fails("the gateway answered 503", "permanent_error")})
    page = reader.open(f"/tasks/{task}")
    assert "the gateway answered 503" in page.text
    reader.send(page.form("/mend", action="retry_failed"), reason="the gateway is back")
    stage.play(task, {})
    assert "This task was undone" in reader.open(f"/tasks/{task}").text
    assert reader.open("/audit").text.count("the customer sent it back") >= 1
