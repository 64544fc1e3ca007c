"""The incident drills of docs/how-to/incident-drills.md, each done from the pages."""

from __future__ import annotations

from pathlib import Path

from tasker_core.engine.processes import ProcessId
from tests.doors.dashboard.conftest import Shown
from tests.doors.dashboard.stage import fails
from tests.support.flows import Hands, flow, ok

DRILLS = Path(__file__).parents[3] / "docs" / "how-to" / "incident-drills.md"
DEAD = ProcessId("a machine that was switched off", "its boot", 4711, 1)


def test_every_drill_that_is_written_down_is_played_here() -> None:
    drills = [line[3:] for line in DRILLS.read_text("utf-8").splitlines() if line.startswith("## ")]
    assert drills == ["The payment gateway is down", "A step is poisoned", "A worker is gone"]


def test_the_payment_gateway_is_down(shown: Shown) -> None:
    stage, reader = shown.stage, shown.reader
    down = fails("the gateway answered 503", "permanent_error")
    tasks = []
    for _ in range(3):
        tasks.append(stage.create(tags=["drill"]))
        stage.play(tasks[-1], {"process_payment": down})
    assert "tasks are blocked by failures" in reader.open("/").text
    page = reader.open('/tasks?q=error:"gateway answered" state:blocked')
    assert {link for link in page.links if link.startswith("/tasks/0")} == {f"/tasks/{task}" for task in tasks}
    for task in tasks:
        page = reader.open(f"/tasks/{task}")
        assert "the gateway answered 503" in page.text
        reader.send(page.form("/mend", action="retry_failed"), reason="the gateway is back")
        stage.play(task, {})
        assert "complete" in reader.open(f"/tasks/{task}").text
    assert "No task matches." in reader.open('/tasks?q=error:"gateway answered" state:blocked').text
    assert reader.open("/audit").text.count("the gateway is back") >= 3


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


def test_a_worker_is_gone(shown: Shown) -> None:
    stage, reader, engine = shown.stage, shown.reader, shown.served.engine
    engine.catalog.register(flow({"scan": []}, name="scanning", namespace="lab"), replace=False)
    gone = Hands(engine, DEAD, name="lab-1")
    engine.store.workers.serve(gone.number, ["lab/scan"])
    held, waiting = stage.create("scanning"), stage.create("scanning")
    assert [lease.task_uuid for lease in gone.claim_all(room=1)] == [held]
    assert "lab-1" in reader.open("/workers").text
    engine.store.workers.expire(0, [gone.number])
    page = reader.open("/workers")
    assert "No live worker serves lab/scan" in page.text
    assert "Worker lab-1" not in page.answer.text
    fresh = Hands(engine, name="lab-2")
    engine.store.workers.serve(fresh.number, ["lab/scan"])
    engine.sweep()
    for lease in fresh.claim_all():
        fresh.report(ok(lease))
    assert "No live worker serves lab/scan" not in reader.open("/workers").text
    assert {engine.views.task(task)["status"] for task in (held, waiting)} <= {"complete", "waiting_for_retry"}
    (step,) = engine.views.steps(held)
    assert "lost" in reader.open(f"/tasks/{held}?step={step['step_uuid']}").text
