"""Incident drills: too much, or too little. A flood, and a limit that is too low."""

from __future__ import annotations

from tests.doors.dashboard.conftest import Shown
from tests.support.flows import Hands, flow, ok

READ = ["imports/read"]


def test_a_flood_comes_in(shown: Shown) -> None:
    stage, reader, engine = shown.stage, shown.reader, shown.served.engine
    engine.catalog.register(flow({"read": []}, name="import", namespace="imports"), replace=False)
    hands = Hands(engine, name="imports-1")
    engine.store.workers.serve(hands.number, READ)
    for number in range(30):
        stage.create("import", source_system="a loop" if number % 10 else "a person")
    page = reader.open("/namespaces")
    assert "imports Ready steps 30" in page.text
    assert "read imports 30" in reader.open("/").text
    page = reader.open("/limits")
    reader.send(page.form("/limits", action="set"), name=READ[0], concurrency="2", reason="a flood")
    assert len(hands.claim_all(of=READ)) == 2, "the slots are left to others"
    before = reader.open('/tasks/bulk?act=cancel&q=ns:imports source:"a loop"')
    assert "Cancel: 27 tasks" in before.text
    assert "27 done" in reader.send(before.form("/tasks/bulk"), reason="made by a loop").text
    reader.send(reader.open("/limits").form("/limits", action="lift", name=READ[0]), reason="the flood is over")
    for lease in hands.claim_all(of=READ):
        hands.report(ok(lease))
    states = engine.board.states({"namespace": "imports"})
    assert states["cancelled"] == 27 and sum(states.values()) == 30
    engine.store.workers.end(hands.number)


def test_a_limit_is_too_low(shown: Shown) -> None:
    stage, reader, engine = shown.stage, shown.reader, shown.served.engine
    engine.catalog.register(flow({"send": []}, name="mail", namespace="mails", concurrency=1), replace=False)
    lanes = ["mails/send"]
    hands = Hands(engine, name="mails-1")
    engine.store.workers.serve(hands.number, lanes)
    tasks = [stage.create("mail") for _ in range(3)]
    (first,) = hands.claim_all(of=lanes)
    waiting = next(task for task in tasks if task != first.task_uuid)
    told = reader.open(f"/tasks/{waiting}").text
    assert "limit reached: 1 step of handler mails/send" in told and "1 may at once" in told
    page = reader.open("/limits")
    assert "mails/send 1 of 1" in page.text
    page = reader.send(page.form("/limits", action="set", name=lanes[0]), concurrency="10", reason="it can take more")
    assert "mails/send is limited: concurrency 10." in page.text
    for lease in [first, *hands.claim_all(of=lanes)]:
        hands.report(ok(lease))
    assert engine.board.states({"namespace": "mails"}) == {"complete": 3}
    page = reader.send(page.form("/limits", action="lift", name=lanes[0]), reason="it is in the template now")
    assert "is left to what templates say" in page.text
    engine.store.workers.end(hands.number)
