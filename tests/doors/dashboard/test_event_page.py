"""Domain events on their page: the latest first, what they carry, and who gets them."""

from __future__ import annotations

from tasker_core.rules.template import Template
from tests.doors.dashboard.conftest import Shown
from tests.support.flows import flow, ok

CHARGED = {"name": "kiosk.charged", "description": "Paid at the kiosk", "schema": {"type": "object"}}


def test_the_latest_events_and_how_far_their_subscribers_are(shown: Shown) -> None:
    content = flow({"charge": []}, name="kiosk").content()
    content["steps"][0]["publishes_events"] = [CHARGED]
    engine, stage = shown.served.engine, shown.stage
    engine.catalog.register(Template.from_content(content), replace=False)
    engine.subscriptions.subscribe("accounts", ["kiosk.*"], from_beginning=True)
    tasks = [stage.create("kiosk") for _ in range(2)]
    for lease in stage.hands.claim_all():
        stage.hands.report(ok(lease, {"cents": 900}))
    page = shown.reader.open("/events?name=kiosk.*")
    links = [link for link in page.links if link.startswith("/tasks/")]
    assert sorted(links) == sorted(f"/tasks/{task}" for task in tasks)
    assert "kiosk.charged" in page.text and "tok_visa" in page.text
    assert "accounts subscriber active kiosk.*" in page.text
    assert "None yet." in shown.reader.open("/events?name=order.*").text
