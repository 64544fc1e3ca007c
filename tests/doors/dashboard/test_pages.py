"""The pages, read without a browser: what they show, what they let be done, and that no script is needed for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tasker_core import dashboard
from tasker_core.dashboard.pages.settings import read_settings
from tasker_core.settings.values import DatabaseSettings, Settings
from tests.doors.dashboard.conftest import Shown, showing
from tests.doors.dashboard.reader import Reader
from tests.doors.dashboard.stage import fails
from tests.support.flows import flow, ok
from tests.support.meddling import meddle
from tests.support.served import served

PLACES = ("/", "/tasks", "/templates", "/templates/shop/checkout/1.1.0", "/workers", "/audit", "/settings", "/sign-in")
FINISHED = 12
VIEWS = ("graph", "waterfall", "steps", "events")


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    """A server of this module's own, since it counts tasks."""
    with showing(tmp_path_factory.mktemp("pages"), FINISHED) as running:
        yield running


def test_every_page_is_there_and_brings_everything_with_it(shown: Shown) -> None:
    places = [
        *PLACES,
        *(f"{shown.task(name)}?view={view}" for name in ("decision", "batch", "blocked") for view in VIEWS),
    ]
    for place in places:
        page = shown.reader.open(place)
        assert page.inline == [] and page.elsewhere == [], place
        policy = page.answer.headers["content-security-policy"]
        assert "script-src 'self'" in policy and "style-src 'self'" in policy and "unsafe" not in policy
        assert page.answer.headers["content-type"] == "text/html; charset=utf-8"
    assets = {link for place in PLACES for link in _assets(shown.reader.open(place).answer.text)}
    assert len(assets) >= 5
    for asset in assets:
        answer = shown.reader.http.get(asset)
        assert answer.status_code == 200 and "immutable" in answer.headers["cache-control"], asset
    assert shown.reader.http.get("/assets/NOTICE").status_code == 404


def test_the_pages_of_an_empty_store_say_that_there_is_nothing_yet(tmp_path: Path) -> None:
    with served(f"sqlite:///{tmp_path}/tasker.db", pages=dashboard.PAGES) as empty:
        reader = Reader(empty.http)
        texts = {place: reader.open(place).text for place in PLACES if place.count("/") < 3}
    assert "No task yet." in texts["/tasks"] and "No worker is there." in texts["/workers"]
    assert "Nothing is blocked" in texts["/"]


def test_what_goes_wrong_is_told_on_a_page(shown: Shown) -> None:
    missing = shown.reader.open("/tasks/00000000-0000-7000-8000-000000000000", 404)
    assert "There is no task 00000000" in missing.text
    assert "Not here" in shown.reader.open("/templates/shop/nothing/1.0.0", 404).text
    assert "tasks/not-a-uuid" not in shown.reader.open("/tasks/not-a-uuid", 400).text


def test_the_links_of_every_page_lead_somewhere(shown: Shown) -> None:
    seen: set[str] = set()
    left = [*PLACES, shown.task("blocked"), shown.task("decision")]
    for link in (link for place in left for link in shown.reader.open(place).links):
        path = link.partition("#")[0]
        if path and path not in seen and len(seen) < 80:
            seen.add(path)
            answer = shown.reader.http.get(path, follow_redirects=True)
            assert answer.status_code == 200, f"{path}: {answer.status_code}"
    assert len(seen) > 50


def test_a_tab_shows_the_tasks_of_its_state_and_how_many_there_are(shown: Shown) -> None:
    page = shown.reader.open("/tasks?state=cancelled")
    assert [link for link in page.links if link.startswith("/tasks/")] == [shown.task("cancelled")]
    assert "cancelled 1" in page.text and "complete 12" in page.text


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("state:blocked", ["blocked"]),
        ("ns:data", ["batch"]),
        ("name:approval tag:eu", ["decision"]),
        ('error:"no answer"', []),
        ("error:declined", ["blocked", "given up", "resolved"]),
        ("ns:purchasing age<1h", ["decision"]),
        ("ns:purchasing age>1h", []),
        ("by:nobody", []),
    ],
)
def test_a_search_finds_what_its_qualifiers_ask_for(shown: Shown, search: str, found: list[str]) -> None:
    page = shown.reader.open(f"/tasks?q={search}".replace(">", "%3E").replace('"', "%22"))
    links = {link for link in page.links if link.startswith("/tasks/")}
    assert links == {shown.task(name) for name in found}


def test_a_search_for_an_id_leads_to_the_task(shown: Shown) -> None:
    page = shown.reader.open(f"/tasks?q={shown.stage.tasks['running']}")
    assert page.answer.url.path == shown.task("running")


def test_a_search_that_is_not_understood_says_what_would_be_right(shown: Shown) -> None:
    assert "there is no stat:; did you mean 'state:'?" in shown.reader.open("/tasks?q=stat:error").text
    assert "there is no state 'blokced'; did you mean 'blocked'?" in shown.reader.open("/tasks?q=state:blokced").text


def test_older_tasks_are_on_the_pages_behind(shown: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasker_core.dashboard.pages.tasks.PER_PAGE", 7)
    links, path = [], "/tasks"
    while path:
        page = shown.reader.open(path)
        links += [link for link in page.links if link.startswith("/tasks/")]
        path = next((link for link in page.links if link.startswith("/tasks?") and "after=" in link), "")
    assert len(links) == len(set(links)) == len(shown.stage.tasks) + FINISHED


@pytest.mark.parametrize("search", ["tag:nobody", "state:cancelled", "tag:eu"])
@pytest.mark.parametrize("patience", [0, 60_000_000])
def test_what_is_rare_is_looked_for_piece_by_piece(
    shown: Shown, search: str, patience: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/tasks?q={search}"
    whole = {link for link in shown.reader.open(path).links if link.startswith("/tasks/")}
    monkeypatch.setattr("tasker_core.engine.looking.FIRST_STRETCH", 5)
    monkeypatch.setattr("tasker_core.engine.looking.WIDER", 1)
    monkeypatch.setattr("tasker_core.engine.board.PATIENCE", patience)
    found: list[str] = []
    pages = 0
    while path:
        page = shown.reader.open(path)
        pages += 1
        found += [link for link in page.links if link.startswith("/tasks/")]
        path = next((link for link in page.links if link.startswith("/tasks?") and "after=" in link), "")
        assert ("Looked through the tasks back to" in page.text) is bool(path), page.text
    assert len(found) == len(set(found)) and set(found) == whole
    assert pages == 1 if patience else pages >= 4


@pytest.mark.parametrize(
    ("state", "names"),
    [("blocked", ["blocked"]), ("retry", ["retrying", "batch"]), ("running", ["running", "decision"])],
)
def test_what_is_unfinished_is_found_however_old_it_is(
    shown: Shown, state: str, names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasker_core.engine.looking.FIRST_STRETCH", 1)
    monkeypatch.setattr("tasker_core.engine.board.PATIENCE", 0)
    page = shown.reader.open(f"/tasks?q=state:{state}")
    states = {shown.served.engine.views.task(link.removeprefix("/tasks/"))["status"] for link in page.links
              if link.startswith("/tasks/")}  # fmt: skip
    assert len(states) == 1 and {shown.task(name) for name in names} & set(page.links), page.links
    assert "Looked through" not in page.text


def test_a_task_tells_why_it_is_not_finished_and_its_failed_step_how_it_failed(shown: Shown) -> None:
    page = shown.reader.open(shown.task("blocked"))
    assert "process_payment permanent error: card declined by the issuer" in page.text
    pane = shown.reader.open(next(link for link in page.links if "step=" in link and "view=graph" in link))
    assert "shop_validate_cart" in pane.text or "shop_process_payment" in pane.text


def test_the_graph_dims_branches_not_taken_and_folds_the_instances_of_a_batch(shown: Shown) -> None:
    decision = shown.reader.open(shown.task("decision")).answer.text
    assert decision.count("s-absent k-") == 3
    batch = shown.reader.open(shown.task("batch"))
    assert "240 × count 2 retrying, 238 done" in batch.text and batch.answer.text.count('class="box"') == 3


def test_a_failed_task_is_retried_from_its_page_and_the_record_says_by_whom_and_why(shown: Shown) -> None:
    task = shown.stage.create()
    shown.stage.play(task, {"check_for_fraud": fails("the list is old", "permanent_error")})
    page = shown.reader.open(f"/tasks/{task}")
    after = shown.reader.send(page.form("/mend", action="retry_failed"), reason="the list is new")
    assert "All failed steps run again." in after.text
    assert "All failed steps run again." not in shown.reader.open(f"/tasks/{task}").text, "it is said once"
    shown.stage.play(task, {"notify_warehouse": ok})
    assert shown.served.engine.views.task(task)["status"] == "complete"
    events = shown.reader.open(f"/tasks/{task}?view=events").text
    assert "the list is new" in events
    assert "the list is new" in shown.reader.open("/audit").text


def test_a_form_that_is_sent_twice_is_done_once(shown: Shown) -> None:
    task = shown.stage.create()
    shown.stage.play(task, {"check_for_fraud": fails("no", "permanent_error")})
    form = shown.reader.open(f"/tasks/{task}").form("/mend", action="retry_failed")
    shown.reader.send(form)
    shown.stage.play(task, {"check_for_fraud": fails("no", "permanent_error")})
    shown.reader.send(form)
    states = {step["name"]: step["current_state"] for step in shown.served.engine.views.steps(task)}
    assert states["check_for_fraud"] == "error", "the second word is the first one again"


def test_a_task_restarts_from_a_step_on_another_context(shown: Shown) -> None:
    task = shown.stage.create()
    shown.stage.play(task, {"notify_warehouse": ok})
    steps = {step["name"]: step["step_uuid"] for step in shown.served.engine.views.steps(task)}
    page = shown.reader.open(f"/tasks/{task}?step={steps['create_order']}")
    form = page.form("/mend", action="restart")
    after = shown.reader.send(form, context=form.fields["context"].replace('"quantity": 2', '"quantity": 3'))
    assert "The task runs again from create_order." in after.text
    view = shown.served.engine.views.task(task)
    assert (view["status"], view["context"]["quantity"], view["completed_steps"]) == ("steps_in_process", 3, 4)


def test_a_step_is_completed_with_a_result_and_what_is_no_json_changes_nothing(shown: Shown) -> None:
    task = shown.stage.create()
    shown.stage.play(task, {"process_payment": fails("no", "permanent_error"), "notify_warehouse": ok})
    step = next(s for s in shown.served.engine.views.steps(task) if s["name"] == "process_payment")
    place = f"/tasks/{task}?step={step['step_uuid']}"
    form = shown.reader.open(place).form(step["step_uuid"], action="complete")
    assert "not JSON" in shown.reader.send(form, result="{cents: 1}").text
    assert shown.served.engine.views.task(task)["status"] == "blocked_by_failures"
    form = shown.reader.open(place).form(step["step_uuid"], action="complete")
    assert "process_payment is complete with your result." in shown.reader.send(form, result='{"cents": 900}').text
    done = shown.served.engine.views.step(task, step["step_uuid"])
    assert (done["current_state"], done["results"]["result"]) == ("complete", {"cents": 900})


def test_an_action_that_the_state_does_not_allow_is_refused_with_the_reason(shown: Shown) -> None:
    task = shown.stage.create()
    form = shown.reader.open(f"/tasks/{task}").form("/cancel")
    shown.reader.send(form)
    assert "is cancelled already" in shown.reader.send(form).text


def test_a_task_is_started_from_the_form_that_its_schema_makes(shown: Shown) -> None:
    page = shown.reader.open("/templates/shop/checkout/1.1.0")
    form = page.form("/start")
    assert {"field.sku", "field.quantity", "field.express", "field.channel", "field.customer"} <= set(form.fields)
    filled = {"field.sku": "pot", "field.quantity": "4", "field.channel": '"app"', "field.customer": '{"id": 1}'}
    after = shown.reader.send(form, **filled, idempotency_key="from the form")
    assert "The task is created." in after.text
    task = after.answer.url.path.removeprefix("/tasks/")
    context = {"sku": "pot", "quantity": 4, "channel": "app", "customer": {"id": 1}}
    assert shown.served.engine.views.task(task)["context"] == context
    refused = shown.reader.send(form, **filled | {"field.quantity": "four"})
    assert "quantity: must be a whole number, not 'four'" in refused.text


def test_versions_are_compared(shown: Shown) -> None:
    page = shown.reader.open("/templates/shop/checkout/1.1.0")
    assert "What 1.1.0 changes of 1.0.0" in page.text and "+ max_attempts: 5" in page.text


def test_what_no_worker_serves_is_said(shown: Shown) -> None:
    shown.served.engine.catalog.register(flow({"forgotten": []}, name="lonely"), replace=False)
    task = shown.stage.create("lonely")
    assert "No live worker serves shop/forgotten : 1 step waits" in shown.reader.open("/workers").text
    assert "no live worker serves" in shown.reader.open(f"/tasks/{task}").text


def test_what_stands_still_for_too_long_is_said_on_the_overview(shown: Shown) -> None:
    engine = shown.served.engine
    engine.catalog.register(flow({"nobody": []}, name="left_alone"), replace=False)
    task = shown.stage.create("left_alone")
    long_ago = engine.clock.now() - 30 * 86_400_000_000
    moved = f"set {{}} = {long_ago} where {{}} = (select id from {{{{tasks}}}} where uuid = '{task}')"
    meddle(engine.store, "update {steps} " + moved.format("enqueued_at", "task_id"))
    meddle(engine.store, "update {tasks} " + moved.format("created_at = updated_at, updated_at", "id"))
    meddle(engine.store, "update {tasks} " + moved.format("created_at", "id"))
    assert f"the oldest is {task}" in shown.reader.open("/").text
    engine.cancel(task, actor="client ann")


def test_settings_show_no_secret(shown: Shown) -> None:
    settings = Settings(database=DatabaseSettings(url="postgresql://shop:s3cret@db/shop"))
    told = {name: value for name, value, _, _ in read_settings(settings).groups["database"]}
    assert told["url"] == "postgresql://shop:********@db/shop" and "s3cret" not in str(told)
    assert "s3cret" not in shown.reader.open("/settings").text


def _assets(text: str) -> set[str]:
    return {part.partition('"')[0] for part in text.split('"/assets/')[1:] for part in [f"/assets/{part}"]}
