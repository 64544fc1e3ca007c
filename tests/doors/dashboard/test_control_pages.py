"""What holds steps back and who does them, changed from the pages: limits, breakers, drains, undoing, webhooks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tasker_core.engine import TaskRequest
from tasker_core.errors import WorkerNotFoundError
from tasker_core.rules.template import Template
from tasker_core.words import Word
from tests.doors.dashboard.conftest import Shown
from tests.support.flows import Hands, flow, ok
from tests.support.receiver import receiving
from tests.support.workshop import eventually

TILL = ["till/charge"]
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.fixture(scope="module")
def till(shown: Shown) -> Callable[..., str]:
    """Registers a flow of one step in a namespace of its own; creates tasks of it."""
    shown.served.engine.catalog.register(flow({"charge": []}, name="sale", namespace="till"), replace=False)
    return lambda **wishes: shown.stage.create("sale", **wishes)


def _limits(shown: Shown) -> dict[str, dict[str, Any]]:
    """The limits of the till, by name."""
    told = shown.served.get("/v1/limits")["limits"]
    return {each["name"]: each for each in told if each["name"].startswith("till")}


def test_a_handler_is_limited_changed_and_lifted_from_the_page(shown: Shown, till: Callable[..., str]) -> None:
    reader = shown.reader
    page = reader.open("/limits")
    assert _limits(shown) == {} and "till/charge" in page.answer.text, "it is offered"
    page = reader.send(
        page.form("/limits", action="set"), name="till/charge", concurrency="1", rate="10/min", reason="the bank asks"
    )
    assert "till/charge is limited: concurrency 1, rate 10/min." in page.text
    assert {key: _limits(shown)["till/charge"][key] for key in ("concurrency", "rate")} == {
        "concurrency": 1, "rate": "10/min",
    }  # fmt: skip
    for _ in range(2):
        till()
    hands = Hands(shown.served.engine, name="till-1")
    shown.served.engine.store.workers.serve(hands.number, TILL)
    (lease,) = hands.claim_all(of=TILL)
    page = reader.open("/limits")
    assert "1 of 1" in page.text and "1 of 10/min" in page.text and "an operator" in page.text
    assert "1 of 1 at once" in reader.open("/namespaces").text
    page = reader.send(page.form("/limits", action="set", name="till/charge"), concurrency="none")
    assert "till/charge is limited: concurrency none, rate 10/min." in page.text
    assert _limits(shown)["till/charge"]["concurrency"] is None
    hands.report(ok(lease))
    page = reader.send(page.form("/limits", action="lift", name="till/charge"), reason="it is over")
    assert "till/charge is left to what templates say of it." in page.text and _limits(shown) == {}
    for lease in hands.claim_all(of=TILL):
        hands.report(ok(lease))
    shown.served.engine.store.workers.end(hands.number)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"name": "till/charge", "concurrency": "some"}, "concurrency must be a whole number, or none; not 'some'"),
        ({"name": "till/charge", "rate": "fast"}, "rate"),
        ({"name": "till/charge"}, "say at least one limit"),
        ({"name": "till", "per_key": "1"}, "per_key is a limit of a handler"),
        ({"name": "/", "concurrency": "1"}, "must be a namespace, as shop, or a handler"),
    ],
)
def test_a_limit_that_can_not_be_is_refused_and_nothing_changes(shown: Shown, said: dict[str, str], told: str) -> None:
    page = shown.reader.send(shown.reader.open("/limits").form("/limits", action="set"), **said)
    assert told in page.text and _limits(shown) == {}


def test_a_breaker_is_opened_and_closed_from_the_page(shown: Shown, till: Callable[..., str]) -> None:
    reader, engine = shown.reader, shown.served.engine
    form = reader.open("/limits").form("/breakers", state="open")
    assert "a breaker is of a handler" in reader.send(form, handler="till").text
    page = reader.send(form, handler="till/charge", reason="the terminal is broken")
    assert "The breaker of till/charge is open" in page.text and "when it is closed" in page.text
    assert "The breaker of till/charge is open" in reader.open("/").text, "the overview says so"
    task = till()
    hands = Hands(engine, name="till-2")
    engine.store.workers.serve(hands.number, TILL)
    assert hands.claim_all(of=TILL) == []
    assert "breaker" in reader.open(f"/tasks/{task}").text
    page = reader.send(page.form("/breakers", handler="till/charge"))
    assert "The breaker of till/charge is closed" in page.text and shown.served.get("/v1/breakers")["breakers"] == []
    (lease,) = hands.claim_all(of=TILL)
    hands.report(ok(lease))
    engine.store.workers.end(hands.number)


def test_a_worker_is_drained_from_its_card(shown: Shown, till: Callable[..., str]) -> None:
    reader, engine = shown.reader, shown.served.engine
    hands = Hands(engine, name="till-3")
    engine.store.workers.serve(hands.number, TILL)
    till(), till()
    (lease,) = hands.claim_all(1, TILL)
    page = reader.open("/workers")
    page = reader.send(page.form(f"/workers/{hands.uuid}/drain"), reason="a new version comes")
    assert "till-3 takes no more; the one step that it holds run" in page.text.replace("holds runs", "holds run")
    assert "Drained by client: a new version comes." in page.text
    assert not [form for form in page.forms if hands.uuid in form.action], "it is drained once"
    assert hands.claim_all(of=TILL) == []
    assert engine.beat(hands.number, [lease.key]).drains
    hands.report(ok(lease))
    told = shown.served.get(f"/v1/workers/{hands.uuid}")
    assert (told["state"], told["drained_by"], told["drained_for"]) == ("draining", "client", "a new version comes")
    engine.store.workers.end(hands.number)
    with pytest.raises(WorkerNotFoundError):
        engine.workers.drain(hands.uuid, Word("client ann", ""))
    shown.served.post(f"/v1/workers/{hands.uuid}/drain", {"reason": "once more"}, 404)


def test_a_task_is_undone_from_its_page(shown: Shown) -> None:
    content = flow({"reserve": [], "pack": ["reserve"]}, name="parcel", namespace="post").content()
    content["steps"][0]["compensate"] = {"handler": {"callable": "release"}}
    engine, stage, reader = shown.served.engine, shown.stage, shown.reader
    engine.catalog.register(Template.from_content(content), replace=False)
    task = stage.create("parcel")
    assert not [form for form in reader.open(f"/tasks/{task}").forms if form.fields.get("action") == "undo"]
    lanes = ["post/reserve", "post/pack", "post/release"]
    hands = Hands(engine, name="post-1")
    engine.store.workers.serve(hands.number, lanes)
    while leases := hands.claim_all(of=lanes):
        hands.report(*map(ok, leases))
    page = reader.open(f"/tasks/{task}")
    page = reader.send(page.form("/mend", action="undo"), reason="sent back")
    assert "The task is being undone" in page.text and "undo:reserve" in page.text
    assert not [form for form in page.forms if form.fields.get("action") == "undo"]
    hands.report(*map(ok, hands.claim_all(of=lanes)))
    page = reader.open(f"/tasks/{task}")
    assert "This task was undone" in page.text
    steps = {step["name"]: step["step_uuid"] for step in engine.views.steps(task)}
    assert "Undoes reserve" in reader.open(f"/tasks/{task}?step={steps['undo:reserve']}").text
    assert "sent back" in reader.open(f"/tasks/{task}?view=events").text
    engine.store.workers.end(hands.number)


def test_the_pane_of_a_step_tells_the_trace_of_a_task_that_was_created_in_one(shown: Shown) -> None:
    engine = shown.served.engine
    engine.catalog.register(flow({"look": []}, name="traced", namespace="post"), replace=False)
    request = TaskRequest(
        name="traced", namespace="post", version="1.0.0", task_uuid=engine.ids.new(), context={},
        traceparent=f"00-{TRACE}-00f067aa0ba902b7-01",
    )  # fmt: skip
    task = engine.create([request])[0].task
    (step,) = engine.views.steps(task)
    assert TRACE in shown.reader.open(f"/tasks/{task}?step={step['step_uuid']}").text
    other = shown.stage.tasks["blocked"]
    assert "Trace" not in shown.reader.open(f"/tasks/{other}?step={engine.views.steps(other)[0]['step_uuid']}").text


@pytest.fixture
def webhook(shown: Shown) -> Iterator[tuple[str, Any]]:
    """A webhook of a receiver that answers 500 at first; its path."""
    with receiving() as receiver:
        receiver.answer = lambda _path, _n: (500, {})
        made = shown.served.engine.subscriptions.create_webhook(
            "ledger", f"{receiver.url}/hooks", ["till.*"], private=True
        )
        yield f"/webhooks/{made['id']}", receiver
        shown.served.engine.subscriptions.drop(made["id"], "webhook")


def test_a_webhook_tells_its_log_is_paused_and_delivers_again(shown: Shown, webhook: tuple[str, Any]) -> None:
    place, receiver = webhook
    engine, reader = shown.served.engine, shown.reader
    content = flow({"charge": []}, name="paid", namespace="till").content()
    content["steps"][0]["publishes_events"] = [
        {"name": "till.paid", "description": "Paid", "schema": {"type": "object"}}
    ]
    engine.catalog.register(Template.from_content(content), replace=False)
    task = shown.stage.create("paid")
    hands = Hands(engine, name="till-4")
    engine.store.workers.serve(hands.number, TILL)
    hands.report(*map(ok, hands.claim_all(of=TILL)))
    engine.store.workers.end(hands.number)
    assert engine.views.task(task)["status"] == "complete"
    assert place in reader.open("/events").links
    eventually(lambda: "answered 500" in reader.open(place).text)
    page = reader.send(reader.open(place).form(place, action="pause"))
    assert "ledger is paused" in page.text
    receiver.answer = lambda _path, _n: (204, {})
    page = reader.send(page.form(place, action="resume"))
    assert "ledger goes on" in page.text
    eventually(lambda: receiver.names("/hooks").count("till.paid") >= 2 and "204" in reader.open(place).text)
    before = len(receiver.delivered)
    page = reader.open(place)
    form = page.form(place, action="redeliver", sequence=str(receiver.sequences("/hooks")[-1]))
    assert "are delivered to ledger again" in reader.send(form).text
    eventually(lambda: len(receiver.delivered) > before)
    assert "must be from 1, not '0'" in reader.send(form, sequence="0").text
