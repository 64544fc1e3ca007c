"""Who sees which page and may do what from it: the permissions of the API, and nobody by another site's hand."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from fastapi import FastAPI

from tasker_core.server.auth.keys import new_key
from tasker_core.server.auth.session import COOKIE
from tasker_core.server.callers import permissions_of
from tasker_core.server.permissions import PERMISSIONS
from tests.doors.dashboard.conftest import Shown
from tests.doors.dashboard.reader import Page, Reader
from tests.support.guard import Guard

PUBLIC = {"/sign-in", "/sign-out", "/assets/{name}"}


@pytest.fixture
def reader(guarded_pages: Shown) -> Iterator[Reader]:
    """A browser that has just been opened."""
    with httpx.Client(base_url=guarded_pages.url, timeout=30) as http:
        yield Reader(http)


def _routes(shown: Shown) -> dict[tuple[str, str], list[str]]:
    app = shown.served.server.config.app
    assert isinstance(app, FastAPI)
    return {
        (method, str(route.path)): permissions
        for route, permissions in permissions_of(app)
        for method in (route.methods or set()) - {"HEAD"}
        if not str(route.path).startswith(("/v1", "/health", "/docs", "/api-docs", "/openapi", "/metrics", "/config"))
    }


def test_every_page_and_action_asks_for_one_permission_of_the_table(guarded_pages: Shown) -> None:
    routes = _routes(guarded_pages)
    assert {path for (_, path), permissions in routes.items() if not permissions} == PUBLIC
    assert all(len(each) == 1 and each[0] in PERMISSIONS for (_, path), each in routes.items() if path not in PUBLIC)
    assert len(routes) >= 18


def test_who_has_not_signed_in_is_led_to_the_sign_in_and_back(
    guarded_pages: Shown, reader: Reader, guard: Guard
) -> None:
    wanted = guarded_pages.task("blocked")
    page = reader.open(wanted)
    assert page.answer.url.path == "/sign-in" and "checkout" not in page.text
    after = reader.send(page.form("/sign-in"), credential=guard.keys["ann"])
    assert after.answer.url.path == wanted and "card declined" in after.text


def test_a_token_signs_in_as_well(guarded_pages: Shown, reader: Reader, guard: Guard) -> None:
    reader.sign_in(guard.signer.token("tasks:list"))
    assert reader.open("/tasks").answer.url.path == "/tasks"


@pytest.mark.parametrize("credential", ["", "nonsense", "a.b.c"])
def test_what_is_no_credential_signs_nobody_in(guarded_pages: Shown, reader: Reader, credential: str) -> None:
    page = reader.sign_in(credential or new_key())
    assert page.status == 401 and COOKIE not in reader.http.cookies
    assert "doesn't do" in page.text


def test_the_cookie_is_kept_from_scripts_and_from_other_sites(
    guarded_pages: Shown, reader: Reader, guard: Guard
) -> None:
    form = reader.open("/sign-in").form("/sign-in")
    answer = reader.http.post(form.action, data={**form.fields, "credential": guard.keys["ann"]})
    cookie = answer.headers["set-cookie"].lower()
    assert cookie.startswith(f"{COOKIE}=key.") and "httponly" in cookie and "samesite=strict" in cookie


def test_the_cookie_reads_the_api_and_writes_nothing_there(guarded_pages: Shown, reader: Reader, guard: Guard) -> None:
    reader.sign_in(guard.keys["ann"])
    assert reader.http.get("/v1/tasks").status_code == 200
    task = guarded_pages.stage.tasks["running"]
    assert reader.http.delete(f"/v1/tasks/{task}").status_code == 401
    assert reader.http.post("/v1/tasks", json={"name": "checkout", "namespace": "shop"}).status_code == 401
    assert guarded_pages.served.engine.views.task(task)["status"] == "steps_in_process"


def test_signing_out_forgets_the_credential(guarded_pages: Shown, reader: Reader, guard: Guard) -> None:
    reader.sign_in(guard.keys["ann"])
    reader.send(reader.open("/tasks").form("/sign-out"))
    assert reader.open("/tasks").answer.url.path == "/sign-in"


def test_next_leads_to_no_other_site(guarded_pages: Shown, reader: Reader, guard: Guard) -> None:
    for elsewhere in ("https://evil.example/", "//evil.example/", "/\\evil.example"):
        page = reader.open("/sign-in")
        form = page.form("/sign-in")
        answer = reader.http.post(form.action, data={**form.fields, "next": elsewhere, "credential": guard.keys["ann"]})
        assert answer.headers["location"] == "/"


def test_a_form_needs_this_servers_token_and_its_own_page(guarded_pages: Shown, reader: Reader, guard: Guard) -> None:
    reader.sign_in(guard.keys["ann"])
    form = reader.open(guarded_pages.task("running")).form("/cancel")
    for fields, origin in (
        ({**form.fields, "_token": "0" * 64}, None),
        ({name: value for name, value in form.fields.items() if name != "_token"}, None),
        (form.fields, "https://evil.example"),
    ):
        headers = {"Origin": origin} if origin else {}
        answer = reader.http.post(form.action, data=fields, headers=headers)
        assert answer.status_code == 403 and "isn't one of this server" in Page(answer).text
    as_json = reader.http.post(form.action, json=form.fields)
    assert as_json.status_code == 415
    running = guarded_pages.served.engine.views.task(guarded_pages.stage.tasks["running"])
    assert running["status"] == "steps_in_process"


def test_who_lacks_a_permission_is_told_which(guarded_pages: Shown, reader: Reader, guard: Guard) -> None:
    reader.sign_in(guard.keys["lister"])
    assert reader.open("/tasks").status == 200
    assert "this needs the permission tasks:read" in reader.open(guarded_pages.task("blocked"), 403).text.lower()
    assert "this needs the permission audit:read" in reader.open("/audit", 403).text.lower()
    assert "/audit" not in reader.open("/tasks").links


def test_who_may_only_look_is_offered_nothing_and_can_do_nothing(
    guarded_pages: Shown, reader: Reader, guard: Guard
) -> None:
    reader.sign_in(guard.keys["onlooker"])
    page = reader.open(guarded_pages.task("blocked"))
    assert not [form.action for form in page.forms if form.action.startswith("/tasks/")]
    token = page.form("/sign-out").fields["_token"]
    for part, action in (("cancel", "cancel"), ("mend", "give_up")):
        answer = reader.http.post(f"{guarded_pages.task('blocked')}/{part}", data={"_token": token, "action": action})
        assert answer.status_code == 403
    view = guarded_pages.served.engine.views.task(guarded_pages.stage.tasks["blocked"])
    assert view["status"] == "blocked_by_failures"


def test_who_may_see_limits_and_workers_may_not_change_them_for_that(
    guarded_pages: Shown, reader: Reader, guard: Guard
) -> None:
    reader.sign_in(guard.keys["ann"])
    worker = guarded_pages.stage.hands.uuid
    for place in ("/limits", "/workers"):
        page = reader.open(place)
        assert {form.action for form in page.forms} <= {"", "/sign-out", "/tasks"}, place
    token = page.form("/sign-out").fields["_token"]
    limit = {"action": "set", "name": "shop", "concurrency": "1"}
    breaker = {"handler": "shop/shop_create_order", "state": "open"}
    for path, fields in (("/limits", limit), ("/breakers", breaker), (f"/workers/{worker}/drain", {})):
        assert reader.http.post(path, data={"_token": token, **fields}).status_code == 403, path
    engine = guarded_pages.served.engine
    assert engine.limits.limits() == engine.limits.breakers() == [] and engine.workers.one(worker)["state"] == "live"


def test_masked_keys_stay_masked(guarded_pages: Shown, reader: Reader, guard: Guard) -> None:
    place = guarded_pages.task("blocked")
    reader.sign_in(guard.keys["onlooker"])
    page = reader.open(place)
    assert "[redacted]" in page.text and "tok_visa" not in page.text and "ada@example.org" in page.text
    assert reader.open("/tasks?q=error:declined", 403).status == 403, "a search would show what is masked"
    reader.http.cookies.clear()
    reader.sign_in(guard.keys["ann"])
    assert "tok_visa" in reader.open(place).text
