"""The pages in a real Chromium: what is live, what rests, what keys do."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.doors.dashboard.chromium import IN_A_BROWSER
from tests.doors.dashboard.conftest import PATIENCE, Shown
from tests.doors.dashboard.stage import chose, fails
from tests.support.flows import ok

pytestmark = IN_A_BROWSER


def test_a_task_runs_before_ones_eyes(shown: Shown, page: Page) -> None:
    stage = shown.stage
    task = stage.create()
    page.goto(f"/tasks/{task}")
    expect(page.locator("h1 .chip")).to_have_text("steps in process")
    page.locator("#context summary").click()
    (lease,) = [lease for lease in stage.hands.claim_all() if lease.task_uuid == task]
    expect(page.locator(".node.s-running .name")).to_have_text("validate_cart")
    stage.hands.report(ok(lease, {}))
    expect(page.locator(".node.s-complete .name")).to_have_text("validate_cart")
    expect(page.locator(".node.s-ready")).to_have_count(3)
    stage.play(task, {"notify_warehouse": ok})
    expect(page.locator("h1 .chip")).to_have_text("complete")
    expect(page.locator(".node.s-complete")).to_have_count(8)
    expect(page.locator("#context")).to_have_attribute("open", "")


def test_steps_that_a_decision_brings_about_appear(shown: Shown, page: Page) -> None:
    stage = shown.stage
    task = stage.create("approval")
    page.goto(f"/tasks/{task}")
    expect(page.locator(".node.s-absent .name")).to_have_count(8)
    stage.play(task, {"route": chose("waive"), "waive": None})
    expect(page.locator(".node.s-running .name")).to_have_text("waive")
    expect(page.locator(".node.s-absent .name", has_text="ask_manager")).to_have_count(1)


def test_a_failed_step_is_retried_from_its_pane(shown: Shown, page: Page) -> None:
    stage = shown.stage
    task = stage.create()
    stage.play(task, {"process_payment": fails("the gateway is down", "permanent_error")})
    page.goto(f"/tasks/{task}")
    page.keyboard.press("e")
    expect(page.locator("#pane .err-text")).to_have_text("the gateway is down")
    page.locator("#pane summary", has_text="Retry").click()
    page.locator("#step-reset input[name=reason]").fill("it is up again")
    page.locator("#step-reset button").click()
    expect(page.locator(".said")).to_contain_text("process_payment runs again")
    stage.play(task, {})
    expect(page.locator("h1 .chip")).to_have_text("complete")


def test_an_order_is_restarted_from_a_step_on_another_context(shown: Shown, page: Page) -> None:
    stage = shown.stage
    task = stage.create()
    stage.play(task, {})
    page.goto(f"/tasks/{task}")
    page.locator(".node .name", has_text="create_order").click()
    page.locator("#pane summary", has_text="Restart from here").click()
    context = page.locator("#step-restart textarea[name=context]")
    context.fill(context.input_value().replace('"sku": "tea"', '"sku": "pot"'))
    page.locator("#step-restart button").click()
    expect(page.locator(".said")).to_contain_text("The task runs again from create_order.")
    expect(page.locator("h1 .chip")).to_have_text("steps in process")
    assert stage.engine.views.task(task)["context"]["sku"] == "pot"


def test_what_is_typed_and_has_the_focus_stays_while_the_page_renews_itself(shown: Shown, page: Page) -> None:
    page.goto("/tasks")
    search = page.locator("[data-search]")
    search.fill("name:check")
    before = page.locator(".tabs .count").first.inner_text()
    shown.stage.create()
    expect(page.locator(".tabs .count").first).not_to_have_text(before)
    expect(search).to_be_focused()
    expect(search).to_have_value("name:check")
    page.keyboard.type("out")
    page.keyboard.press("Enter")
    page.wait_for_url("**/tasks?q=name%3Acheckout*")


def test_keys_lead_everywhere(shown: Shown, page: Page) -> None:
    page.goto("/")
    page.keyboard.press("g")
    page.keyboard.press("t")
    expect(page.locator("h1")).to_have_text("Tasks")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    second = page.locator("tr[data-row].at a.row-link")
    expect(second).to_have_attribute("href", page.locator("tr[data-row] a.row-link").first.get_attribute("href") or "")
    page.keyboard.press("Enter")
    page.wait_for_url("**/tasks/*")
    page.keyboard.press("g")
    page.keyboard.press("w")
    expect(page.locator("h1")).to_have_text("Workers")
    page.keyboard.press("Control+k")
    page.keyboard.type("templ")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Templates")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("t")
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    page.go_back()
    expect(page.locator("h1")).to_have_text("Workers")


def test_every_section_has_its_key_and_others_do_what_they_say(shown: Shown, page: Page) -> None:
    task = shown.stage.create()
    shown.stage.play(
        task, {"process_payment": fails("no", "permanent_error"), "check_for_fraud": fails("no", "timeout")}
    )
    page.goto("/tasks")
    sections = {"o": "Overview", "d": "Dead letters", "m": "Templates", "n": "Namespaces", "l": "Limits",
                "v": "Events", "a": "Audit", "s": "Settings", "t": "Tasks"}  # fmt: skip
    for key, title in sections.items():
        page.keyboard.press("g")
        page.keyboard.press(key)
        expect(page.locator("h1")).to_have_text(title)
    page.keyboard.press("/")
    expect(page.locator("[data-search]")).to_be_focused()
    page.keyboard.type("state:blocked nam")
    expect(page.locator("#qualifiers option[value='state:blocked name:checkout']")).to_have_count(1)
    page.goto(f"/tasks/{task}")
    page.keyboard.press("e")
    expect(page.locator("#pane-title")).to_have_text("process_payment")
    page.keyboard.press("r")
    reason = page.locator("#act-retry_failed input[name=reason]")
    expect(reason).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.type("the gateway is back")
    page.locator("body").click(position={"x": 5, "y": 500})
    page.keyboard.press("Escape")
    expect(reason).to_be_hidden()


def test_what_a_search_finds_is_counted_retried_and_the_outcome_told(shown: Shown, page: Page) -> None:
    for _ in range(3):
        shown.stage.play(shown.stage.create(tags=["seen"]), {"process_payment": fails("no", "permanent_error")})
    page.goto("/tasks?q=tag:seen&state=blocked_by_failures")
    expect(page.locator("#live tr[data-row]")).to_have_count(3)
    page.locator("select[name=act]").select_option("retry")
    page.locator(".bulk-line button").click()
    expect(page.locator("h1")).to_have_text("Retry what failed: 3 tasks")
    page.locator("input[name=reason]").fill("the gateway is back")
    page.locator("form.bulk button").click()
    expect(page.locator("h1")).to_have_text("Retry what failed: 3 done")
    page.locator("main a", has_text="Back to the list").click()
    expect(page.locator("#live .empty")).to_contain_text("No task matches.")


def test_a_page_that_is_hidden_rests_and_catches_up(shown: Shown, page: Page) -> None:
    asked: list[str] = []
    task = shown.stage.create()
    page.goto(f"/tasks/{task}")
    expect(page.locator("h1 .chip")).to_have_text("steps in process")
    page.on("request", lambda request: asked.append(request.url))
    hide = "(is) => { Object.defineProperty(document, 'hidden', {value: is, configurable: true});"
    page.evaluate(hide + " document.dispatchEvent(new Event('visibilitychange')); }", True)
    shown.stage.play(task, {})
    page.wait_for_timeout(600)
    assert asked == [], "nothing is asked for while nobody looks"
    page.evaluate(hide + " document.dispatchEvent(new Event('visibilitychange')); }", False)
    expect(page.locator("h1 .chip")).to_have_text("complete")
    assert any("/live/" in url for url in asked), "its stream had ended, too"


def test_a_page_says_when_it_is_not_live_any_more(shown: Shown, browser: Browser) -> None:
    context = browser.new_context(base_url=shown.url)
    page = context.new_page()
    page.clock.install()
    page.goto(shown.task("running"))
    expect(page.locator("#stale")).to_be_hidden()
    context.set_offline(True)
    page.evaluate("window.taskerLive.hold(); window.taskerLive.hold();")
    page.clock.run_for(7_000)
    expect(page.locator("#stale")).to_contain_text("not live for", timeout=PATIENCE)
    expect(page.locator("#stale")).to_be_visible()
    context.set_offline(False)
    page.clock.run_for(5_000)
    expect(page.locator("#stale")).to_be_hidden(timeout=PATIENCE)
    context.close()


def test_updates_are_held_and_go_on(shown: Shown, page: Page) -> None:
    task = shown.stage.create()
    page.goto(f"/tasks/{task}")
    page.keyboard.press("p")
    expect(page.locator("#stale")).to_contain_text("held")
    shown.stage.play(task, {})
    page.wait_for_timeout(700)
    expect(page.locator("h1 .chip")).to_have_text("steps in process")
    page.keyboard.press("p")
    expect(page.locator("h1 .chip")).to_have_text("complete")


def test_the_drawing_grows_and_shrinks(shown: Shown, page: Page) -> None:
    page.goto(shown.task("running"))
    width = float(page.locator("#graph").get_attribute("width") or 0)
    page.locator("[data-zoom=in]").click()
    assert float(page.locator("#graph").get_attribute("width") or 0) == pytest.approx(width * 1.25)
