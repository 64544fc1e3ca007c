"""Dead letters on the pages: those of one fault together, each with its task as it was; requeued, noted."""

from __future__ import annotations

from tests.doors.dashboard.conftest import Shown
from tests.support.flows import failed, flow, ok


def _wear_out(shown: Shown, count: int, message: str) -> list[str]:
    """Tasks of which the one step has used up its attempts."""
    engine, stage = shown.served.engine, shown.stage
    engine.catalog.register(flow({"pay": []}, name="drawer", retry={"max_attempts": 1}), replace=False)
    tasks = []
    for _ in range(count):
        tasks.append(stage.create("drawer"))
        stage.play(tasks[-1], {"pay": lambda lease: failed(lease, message)})
    return tasks


def test_letters_of_one_fault_stand_together_and_are_requeued_together(shown: Shown) -> None:
    tasks = _wear_out(shown, 3, "the till says 42")
    page = shown.reader.open("/dead-letters")
    assert "the till says" in page.text
    fault = next(link for link in page.links if "fingerprint=" in link and "status=pending" in link)
    letters = shown.reader.open(fault)
    assert len({link for link in letters.links if link.startswith("/dead-letters/0")}) == 3
    form = page.form("/requeue")
    after = shown.reader.send(form, reason="the till is mended")
    assert "3 run again." in after.text
    shown.stage.hands.report(*(ok(lease) for lease in shown.stage.hands.claim_all()))
    for task in tasks:
        assert shown.served.engine.views.task(task)["status"] == "complete"
    assert "the till says" not in shown.reader.open("/dead-letters").text


def test_a_letter_shows_the_task_as_it_was_and_keeps_what_was_found(shown: Shown) -> None:
    (task,) = _wear_out(shown, 1, "the drawer is stuck")
    letter = shown.served.engine.dead_letters.of_task(task)["dlq_entry_uuid"]
    page = shown.reader.open(f"/dead-letters/{letter}")
    assert "the drawer is stuck" in page.text and "The task as it was" in page.text and "tok_visa" in page.text
    noted = shown.reader.send(page.form("/note"), notes="a coin in the rail", status="manually_resolved")
    assert "That is written down." in noted.text and "a coin in the rail" in noted.text
    assert "manually resolved by client" in noted.text
    refused = shown.reader.send(page.form("/requeue"))
    assert "is manually_resolved" in refused.text or "isn't pending" in refused.text or "not pending" in refused.text
