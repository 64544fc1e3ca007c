"""Incident drills: what fails for a reason outside of its task. A gateway, a worker, a deployment, a breaker."""

from __future__ import annotations

from tasker_core.engine.processes import ProcessId
from tests.doors.dashboard.conftest import Shown
from tests.doors.dashboard.stage import fails
from tests.support.flows import Hands, failed, flow, ok

DEAD = ProcessId("a machine that was switched off", "its boot", 4711, 1)


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
    first, *others = tasks
    page = reader.open(f"/tasks/{first}")
    assert "the gateway answered 503" in page.text
    reader.send(page.form("/mend", action="retry_failed"), reason="the gateway is back")
    stage.play(first, {})
    assert "complete" in reader.open(f"/tasks/{first}").text
    before = reader.open('/tasks/bulk?act=retry&q=error:"gateway answered" state:blocked')
    assert "Retry what failed: 2 tasks" in before.text
    assert "2 done" in reader.send(before.form("/tasks/bulk"), reason="the gateway is back").text
    for task in others:
        stage.play(task, {})
    assert "No task matches." in reader.open('/tasks?q=error:"gateway answered" state:blocked').text
    assert reader.open("/audit").text.count("the gateway is back") >= 3


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


def test_a_deployment_was_bad(shown: Shown) -> None:
    stage, reader, engine = shown.stage, shown.reader, shown.served.engine
    for version, seconds in (("1.0.0", 30), ("1.1.0", 3)):
        template = flow({"refund": []}, name="refund", namespace="money", version=version, timeout_seconds=seconds)
        engine.catalog.register(template, replace=False)
    lanes = ["money/refund"]
    new = Hands(engine, name="money-new")
    engine.store.workers.serve(new.number, lanes)
    tasks = [stage.create("refund") for _ in range(3)]
    for lease in new.claim_all(of=lanes):
        new.report(
            failed(lease, "module 'bank' has no attribute 'refund'", retryable=False, error_type="AttributeError")
        )
    assert "no attribute 'refund'" in reader.open(f"/tasks/{tasks[0]}").text
    assert "− timeout_seconds: 30" in reader.open("/templates/money/refund/1.1.0").text
    reader.send(reader.open("/namespaces").form("/namespaces/money", action="pause"), reason="a bad deployment")
    tasks.append(stage.create("refund"))
    assert new.claim_all(of=lanes) == [] and "paused by client" in reader.open(f"/tasks/{tasks[-1]}").text
    page = reader.send(reader.open("/workers").form(f"/workers/{new.uuid}/drain"), reason="a bad deployment")
    assert "money-new takes no more" in page.text
    engine.store.workers.end(new.number)
    old = Hands(engine, name="money-old")
    engine.store.workers.serve(old.number, lanes)
    reader.send(reader.open("/namespaces").form("/namespaces/money", action="resume"), reason="rolled back")
    before = reader.open("/tasks/bulk?act=retry&q=ns:money version:1.1.0 state:blocked")
    assert "Retry what failed: 3 tasks" in before.text
    reader.send(before.form("/tasks/bulk"), reason="rolled back")
    old.report(*map(ok, old.claim_all(of=lanes)))
    engine.store.workers.end(old.number)
    assert engine.board.states({"namespace": "money"}) == {"complete": 4}


def test_a_breaker_is_open(shown: Shown) -> None:
    stage, reader, engine = shown.stage, shown.reader, shown.served.engine
    engine.catalog.register(flow({"print_label": []}, name="label", namespace="parcels"), replace=False)
    lanes = ["parcels/print_label"]
    printer = Hands(engine, name="parcels-1")
    engine.store.workers.serve(printer.number, lanes)
    page = reader.open("/limits")
    reader.send(page.form("/breakers", state="open"), handler=lanes[0], reason="the printer is out of paper")
    task = stage.create("label")
    assert printer.claim_all(of=lanes) == []
    assert "The breaker of parcels/print_label is open, by client" in reader.open("/").text
    assert "breaker" in reader.open(f"/tasks/{task}").text
    page = reader.open("/limits")
    assert "parcels/print_label open" in page.text
    reader.send(page.form("/breakers", handler=lanes[0]), reason="there is paper")
    (lease,) = printer.claim_all(of=lanes)
    assert lease.attempt == 1, "waiting has spent none"
    printer.report(ok(lease))
    engine.store.workers.end(printer.number)
    assert "complete" in reader.open(f"/tasks/{task}").text
    assert "The breaker of parcels" not in reader.open("/").text
