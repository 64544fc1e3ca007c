"""The pages in a real Chromium, for everybody: without scripts, in narrow windows, with what axe finds."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from tasker_core.words import Word
from tests.doors.dashboard.chromium import IN_A_BROWSER
from tests.doors.dashboard.conftest import Shown
from tests.doors.dashboard.stage import fails
from tests.support.flows import flow

AXE = (Path(__file__).parent / "vendored" / "axe.min.js").read_text("utf-8")
ALL_RULES = "axe.run(document, {resultTypes: ['violations']}).then(found => found.violations)"
BUT_CONTRAST = ALL_RULES.replace("['violations']", "['violations'], rules: {'color-contrast': {enabled: false}}", 1)
CONTRAST = "axe.run(document, {runOnly: ['color-contrast']}).then(found => found.violations)"

pytestmark = IN_A_BROWSER


def test_everything_can_be_read_and_done_without_scripts(shown: Shown, browser: Browser) -> None:
    task = shown.stage.create()
    shown.stage.play(task, {"process_payment": fails("the gateway is down", "permanent_error")})
    context = browser.new_context(base_url=shown.url, java_script_enabled=False)
    page = context.new_page()
    page.goto("/tasks")
    page.locator("[data-search]").fill("state:blocked error:gateway")
    page.locator(".search button").click()
    page.locator(f"a[href='/tasks/{task}']").click()
    expect(page.locator(".why")).to_contain_text("the gateway is down")
    page.locator(".node.s-error").click()
    expect(page.locator("#pane .err-text")).to_have_text("the gateway is down")
    page.locator("#step-reset summary").click()
    page.locator("#step-reset button").click()
    expect(page.locator(".said")).to_contain_text("process_payment runs again")
    for name in ("Overview", "Templates", "Workers", "Limits", "Audit"):
        page.locator(".side nav a", has_text=name).click()
        expect(page.locator("h1")).to_have_text(name)
    context.close()


def test_long_names_stand_in_narrow_windows(shown: Shown, browser: Browser) -> None:
    name = "reconcile_supplier_invoices_with_purchase_orders_and_deliveries"
    engine, namespace = shown.stage.engine, "international_finance_and_ctr"
    engine.catalog.register(flow({f"{name}_now": []}, name=name, namespace=namespace), replace=False)
    task = shown.stage.create(name, tags=["a-long-tag-of-somebody"] * 3)
    word = Word("client with a long name", "")
    engine.limits.limit(f"{namespace}/{name}_now", {"concurrency": 3, "rate": "100/min"}, word)
    engine.limits.set_breaker(f"{namespace}/{name}_now", "open", word)
    page = browser.new_page(base_url=shown.url, viewport={"width": 420, "height": 900})
    for place in ("/", "/tasks", f"/tasks/{task}", "/limits", "/workers", "/namespaces", "/templates"):
        page.goto(place)
        assert page.evaluate("document.documentElement.scrollWidth") == 420, place
    page.close()
    engine.limits.set_breaker(f"{namespace}/{name}_now", "closed", word)
    engine.limits.limit(f"{namespace}/{name}_now", None, word)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_stands_in_anybodys_way(shown: Shown, page: Page, scheme: Literal["light", "dark"]) -> None:
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    blocked = shown.stage.engine.views.summary(shown.stage.tasks["blocked"])
    failed = next(step["step_uuid"] for step in blocked["steps"] if step["current_state"] == "error")
    places = (
        "/", "/tasks", f"{shown.task('blocked')}?step={failed}", f"{shown.task('retrying')}?view=waterfall",
        f"{shown.task('blocked')}?view=events", "/limits", "/templates/shop/checkout/1.1.0", "/sign-in",
    )  # fmt: skip
    alike = (
        f"{shown.task('running')}?view=steps", "/templates", "/workers", "/audit", "/settings", "/namespaces",
        "/dead-letters", "/events", "/tasks/bulk?act=retry&state=blocked_by_failures",
    )  # fmt: skip
    for place in (*places, *alike) if scheme == "light" else places[:6]:
        page.goto(place)
        page.evaluate(AXE)
        # Contrast takes longest by far: it is looked at where each thing stands first.
        faults = page.evaluate(CONTRAST if scheme == "dark" else ALL_RULES if place in places else BUT_CONTRAST)
        serious = [
            (fault["id"], fault["nodes"][0]["html"], fault["nodes"][0]["failureSummary"])
            for fault in faults if fault["impact"] in ("serious", "critical")
        ]  # fmt: skip
        assert serious == [], place
