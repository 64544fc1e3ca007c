"""Pictures of every page, light and dark, into docs/: ``python -m tests.doors.dashboard.shots`` (``make pictures``)."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from playwright.sync_api import Page, ViewportSize, sync_playwright

from tasker_core import dashboard
from tasker_core.words import Lease, Report
from tests.doors.dashboard.chromium import CHROMIUM
from tests.doors.dashboard.stage import CHECKOUT, Answer, Stage, set_up
from tests.support.flows import failed, flow, ok
from tests.support.served import served

PLACE = Path(__file__).parents[3] / "docs" / "how-to" / "dashboard"
SIZE: ViewportSize = {"width": 1200, "height": 780}
SCHEMES: Sequence[Literal["light", "dark"]] = ("light", "dark")


def main() -> None:
    """Take them all; the files are named after the pages."""
    PLACE.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        served(f"sqlite:///{folder}/tasker.db", pages=dashboard.PAGES) as running,
        sync_playwright() as playwright,
    ):
        stage = set_up(running.engine)
        stage.tasks["complete"] = stage.create()
        stage.play(stage.tasks["complete"], dict.fromkeys(CHECKOUT, _slowly))
        _bury(stage)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for scheme in SCHEMES:
            window = browser.new_context(base_url=running.url, viewport=SIZE, color_scheme=scheme)
            page = window.new_page()
            for name in _shown(page, stage):
                running.engine.store.workers.beat(stage.hands.number, running.engine.clock.now())
                page.wait_for_timeout(400)
                page.screenshot(path=PLACE / f"{name}-{scheme}.png", animations="disabled")
                print(f"{name}-{scheme}.png")
        browser.close()


def _bury(stage: Stage) -> None:
    """Dead letters of two faults."""
    stage.engine.catalog.register(flow({"charge": []}, name="till", retry={"max_attempts": 1}), replace=False)
    for number in range(9):
        message = f"the gateway answered 503 to request {number}" if number % 3 else "the drawer is stuck"
        stage.tasks["buried"] = stage.create("till")
        stage.play(stage.tasks["buried"], {"charge": _failing(message)})


def _failing(message: str) -> Answer:
    return lambda lease: failed(lease, message)


def _slowly(lease: Lease) -> Report:
    time.sleep(0.02 + len(lease.step) % 7 * 0.03)
    return ok(lease, {"done": lease.step})


def _shown(page: Page, stage: Stage) -> Iterator[str]:
    """Open page after page; the name of each."""

    def task(name: str) -> str:
        return f"/tasks/{stage.tasks[name]}"

    places = {
        "overview": "/", "tasks": "/tasks", "running": task("running"), "decision": task("decision"),
        "batch": task("batch"), "waterfall": f"{task('complete')}?view=waterfall",
        "events": f"{task('resolved')}?view=events",
        "templates": "/templates", "template": "/templates/shop/checkout/1.1.0", "workers": "/workers",
        "dead-letters": "/dead-letters", "namespaces": "/namespaces",
        "bulk": "/tasks/bulk?act=retry&state=blocked_by_failures",
        "dead-letter": f"/dead-letters/{stage.engine.dead_letters.of_task(stage.tasks['buried'])['dlq_entry_uuid']}",
        "audit": "/audit", "settings": "/settings", "sign-in": "/sign-in",
    }  # fmt: skip
    for name, place in places.items():
        page.goto(place)
        yield name
    page.goto(task("blocked"))
    page.locator(".node.s-error").click()
    page.locator("#pane").wait_for()
    yield "failed"
    page.keyboard.press("Control+k")
    yield "palette"
    page.keyboard.press("Escape")


if __name__ == "__main__":
    main()
