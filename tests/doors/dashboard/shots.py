"""Pictures of every page, light and dark, into docs/: ``python -m tests.doors.dashboard.shots`` (``make pictures``)."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from playwright.sync_api import Page, ViewportSize, sync_playwright

from tasker_core import dashboard
from tasker_core.rules.template import Template
from tasker_core.words import Lease, Report, Word
from tests.doors.dashboard.chromium import CHROMIUM
from tests.doors.dashboard.small_png import small_png
from tests.doors.dashboard.stage import CHECKOUT, Answer, Stage, set_up
from tests.support.flows import failed, flow, ok
from tests.support.meddling import meddle
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
        stage = set_up(running.engine, finished=60)
        _bury(stage)
        for _ in range(5):
            stage.play(stage.create(), {})
        stage.tasks["complete"] = stage.create()
        stage.play(stage.tasks["complete"], dict.fromkeys(CHECKOUT, _slowly))
        _undo(stage)
        _limit(stage)
        _spread(stage)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        blank = browser.new_page()
        for scheme in SCHEMES:
            window = browser.new_context(base_url=running.url, viewport=SIZE, color_scheme=scheme)
            page = window.new_page()
            for name in _shown(page, stage):
                running.engine.store.workers.beat(stage.hands.number, running.engine.clock.now())
                page.wait_for_timeout(400)
                picture = small_png(blank, page.screenshot(animations="disabled"))
                (PLACE / f"{name}-{scheme}.png").write_bytes(picture)
                print(f"{name}-{scheme}.png")
        browser.close()


def _bury(stage: Stage) -> None:
    """Dead letters of two faults."""
    stage.engine.catalog.register(flow({"charge": []}, name="till", retry={"max_attempts": 1}), replace=False)
    for number in range(9):
        message = f"the gateway answered 503 to request {number}" if number % 3 else "the drawer is stuck"
        stage.tasks["buried"] = stage.create("till")
        stage.play(stage.tasks["buried"], {"charge": _failing(message)})


def _undo(stage: Stage) -> None:
    """A task that was undone."""
    content = flow(
        {"reserve_stock": [], "charge_card": ["reserve_stock"], "pack": ["charge_card"]}, name="order"
    ).content()
    for step, undoes in zip(content["steps"], ("release_stock", "refund_card"), strict=False):
        step["compensate"] = {"handler": {"callable": undoes}}
    stage.engine.catalog.register(Template.from_content(content), replace=False)
    stage.tasks["undone"] = stage.create("order")
    stage.play(stage.tasks["undone"], {})
    stage.engine.operator.undo(stage.tasks["undone"], Word("client ann", "sent back by the customer"))
    stage.play(stage.tasks["undone"], {"undo:reserve_stock": None})


def _limit(stage: Stage) -> None:
    """Limits, one of them used up, and an open breaker."""
    limits = stage.engine.limits
    for name, said in (
        ("shop/shop_process_payment", {"concurrency": 10, "rate": "20/s"}),
        ("shop/shop_check_for_fraud", {"concurrency": 1}),
        ("data", {"concurrency": 40}),
    ):
        limits.limit(name, said, Word("client ann", "the gateway asks for it"))
    limits.set_breaker("shop/shop_notify_warehouse", "open", Word("client ben", "the warehouse moves"))


def _spread(stage: Stage) -> None:
    """Let the attempts of tasks that aren't shown themselves have ended over the last day."""
    shown = ", ".join(f"'{stage.tasks[name]}'" for name in ("complete", "running", "blocked", "resolved"))
    ago = "(abs(random()) % (case when abs(random()) % 4 = 0 then 3500 else 82800 end)) * 1000000"
    others = f"select id from {{tasks}} where uuid not in ({shown})"
    these = f" where task_id in ({others})"
    meddle(stage.engine.store, "update {attempts} set ended_at = ended_at - " + ago + these)
    meddle(stage.engine.store, "update {attempts} set claimed_at = ended_at - 40000 - abs(random()) % 900000" + these)
    meddle(stage.engine.store, "update {attempts} set enqueued_at = claimed_at - 9000 - abs(random()) % 90000" + these)


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
        "limits": "/limits", "undone": task("undone"),
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
