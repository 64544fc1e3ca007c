"""What comes from elsewhere: other hosts, other sites, strange paths, large bodies, too many requests."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest

from tasker_core.errors import InvalidRequestError
from tasker_core.server.auth.access import Access
from tasker_core.server.auth.keys import new_key
from tasker_core.server.auth.rates import MOST_CALLERS, Rates
from tests.support.contents import contents
from tests.support.flows import flow
from tests.support.guard import Guard
from tests.support.raw_http import request, say
from tests.support.served import Served, served

NUMBERS = count()
JSON = "Content-Type: application/json"


def create(api: Served, *headers: str) -> int:
    """The status of a request that would create a task."""
    body = an_order()
    length = f"Content-Length: {len(body)}"
    return say(api.url, request("/v1/tasks", *headers, JSON, length, method="POST", body=body)).status


def an_order() -> bytes:
    return json.dumps({"name": "order", "namespace": "shop", "context": {"no": next(NUMBERS)}}).encode()


def own_host(api: Served) -> str:
    return api.url.removeprefix("http://")


@pytest.fixture
def nothing_changes(open_server: Served) -> Iterator[None]:
    before = contents(open_server.url_of_store)
    yield
    assert contents(open_server.url_of_store) == before


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8080", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.7",
     "[fd00::1]:80", "0.0.0.0", "", "local host", "127.0.0.1:99999999", "127.0.0.1@evil.example",
     "localhost,evil.example", "[::1].evil.example", "2130706433", "tasker"],
)  # fmt: skip
@pytest.mark.usefixtures("nothing_changes")
def test_an_open_server_is_there_for_this_machines_names_only(open_server: Served, host: str) -> None:
    assert create(open_server, f"Host: {host}") in (400, 403)


@pytest.mark.usefixtures("nothing_changes")
def test_a_page_that_has_its_name_resolve_to_this_machine_is_refused_with_every_request(open_server: Served) -> None:
    for target in ("/v1/tasks", "/health", "/metrics", "/openapi.json", "/", "/nowhere"):
        answer = say(open_server.url, request(target, "Host: rebound.evil.example:80"))
        assert answer.status == 403 and b"server.allowed_hosts" in answer.body
    twice = request("/v1/tasks", "Host: localhost", "Host: evil.example")
    assert say(open_server.url, twice).status in (400, 403)
    assert say(open_server.url, b"GET /v1/tasks HTTP/1.0\r\n\r\n").status == 403


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:80", "localhost.", "127.0.0.1", "127.1.2.3:8080", "[::1]:80", "a.localhost"]
)
def test_this_machine_has_many_names(open_server: Served, host: str) -> None:
    assert create(open_server, f"Host: {host}") == 201


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "http://evil.example", "null", "", "http://localhost:1", "http://localhost.evil.example",
     "https://{host}.evil.example", "http://{host}@evil.example", "ftp://{host}", "file://", "{host}", "http://[", "chrome-extension://x"],
)  # fmt: skip
@pytest.mark.usefixtures("nothing_changes")
def test_a_page_of_another_site_changes_nothing(open_server: Served, origin: str) -> None:
    host = own_host(open_server)
    assert create(open_server, f"Host: {host}", f"Origin: {origin.format(host=host)}") == 403


@pytest.mark.usefixtures("nothing_changes")
def test_a_form_a_script_and_a_preflight_of_another_site_get_nothing(open_server: Served) -> None:
    host = f"Host: {own_host(open_server)}"
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        body = an_order()
        length = f"Content-Length: {len(body)}"
        form = request("/v1/tasks", host, f"Content-Type: {kind}", length, method="POST", body=body)
        assert say(open_server.url, form).status == 415
    script = request("/v1/tasks", host, "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors")
    assert say(open_server.url, script).status == 403
    asks = ("Origin: https://evil.example", "Access-Control-Request-Method: POST")
    preflight = say(open_server.url, request("/v1/tasks", host, *asks, method="OPTIONS"))
    assert preflight.status == 403 and not any(name.startswith("access-control") for name in preflight.headers)


def test_the_servers_own_pages_and_links_to_them_work(open_server: Served) -> None:
    host = own_host(open_server)
    for origin in (f"http://{host}", f"https://{host}"):
        assert create(open_server, f"Host: {host}", f"Origin: {origin}") == 201
    link = ("Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate")
    answer = say(open_server.url, request("/", f"Host: {host}", *link))
    assert answer.status == 200 and answer.headers["x-frame-options"] == "DENY"
    assert create(open_server, "Host: localhost", "Origin: https://localhost:443") == 201


def test_hosts_and_sites_that_are_named_are_let_in(sqlite_url: str) -> None:
    access = Access(hosts=("tasker.internal",), origins=("https://shop.example",))
    with served(sqlite_url, access) as api:
        api.engine.catalog.register(flow({"pay": []}), replace=False)
        assert create(api, "Host: tasker.internal:8080") == 201
        assert create(api, "Host: other.internal") == 403
        allowed = say(api.url, request("/v1/tasks", "Host: localhost", "Origin: https://shop.example"))
        assert (allowed.status, allowed.headers["access-control-allow-origin"]) == (200, "https://shop.example")
        assert "access-control-allow-credentials" not in allowed.headers
        assert create(api, "Host: localhost", "Origin: https://shop.example.evil.example") == 403
        asks = ("Access-Control-Request-Method: POST", "Access-Control-Request-Headers: content-type,x-api-key")
        preflight = request("/v1/tasks", "Host: localhost", "Origin: https://shop.example", *asks, method="OPTIONS")
        assert say(api.url, preflight).headers["access-control-allow-origin"] == "https://shop.example"


def test_insecure_means_every_address_and_still_no_foreign_name(sqlite_url: str) -> None:
    with served(sqlite_url, Access(any_address=True)) as api:
        api.engine.catalog.register(flow({"pay": []}), replace=False)
        for host in ("10.0.0.7:8080", "[fd00::1]", "localhost"):
            assert create(api, f"Host: {host}") == 201
        assert create(api, "Host: rebound.evil.example") == 403
        assert create(api, "Host: 10.0.0.7", "Origin: https://evil.example") == 403


def test_with_authentication_the_credentials_count_and_not_the_name(guarded: Served, guard: Guard) -> None:
    key = f"X-API-Key: {guard.keys['shop']}"
    assert create(guarded, "Host: tasker.example", key) == 201
    assert create(guarded, "Host: tasker.example") == 401


@pytest.mark.parametrize(
    "origin", ["*", "https://shop.example/", "shop.example", "https://*.example", "HTTPS://SHOP.EXAMPLE", "null"]
)
def test_a_site_must_be_named_as_browsers_name_it(origin: str) -> None:
    with pytest.raises(InvalidRequestError, match="cors_origins"):
        Access(origins=(origin,))


PATHS = [
    "/v1/%2e%2e/v1/tasks", "/v1/../v1/tasks", "/v1/./tasks", "/v1/tasks/..", "//v1/tasks", "/v1//tasks", "/v1/tasks//",
    "/v1/tasks%00", "/v1/tasks/%0d%0aX: 1", "/v1/%5c..%5cetc", "/v1/tasks/..%2f..%2fhealth", "/%2fv1/tasks",
    "/v1/tasks/%ff%fe", "/v1\\tasks", "/v1/tasks/%7f",
]  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_a_path_that_can_be_read_in_two_ways_is_refused(guarded: Served, guard: Guard, path: str) -> None:
    for credentials in ((), (f"X-API-Key: {guard.keys['ops']}",)):
        answer = say(guarded.url, request(path.replace(" ", "%20"), "Host: localhost", *credentials))
        assert answer.status == 400, answer


def test_what_is_too_long_or_no_path_at_all_is_refused(guarded: Served) -> None:
    for target, statuses in (
        ("/v1/tasks/" + "a" * 3_000, (414,)),
        ("/v1/tasks?name=" + "a" * 9_000, (414,)),
        ("/v1/" + "a/" * 40_000, (400, 414)),
        ("http://evil.example/v1/tasks", (400,)),
        ("*", (400,)),
        (b"/v1/tasks\0", (400,)),
        (b"/v1/tasks\xff", (400,)),
    ):
        assert say(guarded.url, request(target, "Host: localhost")).status in statuses, target[:50]
    endless = "X-Endless: " + "a" * 200_000
    assert say(guarded.url, request("/v1/tasks", "Host: localhost", endless)).status in (400, 431)


def deep(levels: int) -> bytes:
    return b'{"name": "order", "context": {"a": ' + b"[" * levels + b"]" * levels + b"}}"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (deep(200), 400),
        (deep(200_000), 400),
        (b'{"name": "order", "context": {"a": "' + b"x" * 1_060_000 + b'"}}', 413),
        (b"x" * 3_000_000, 413),
        (b"{", 400),
        (b'{"name": "order", "name": "order"}', 400),
        (b'{"name": "order", "context": {"a": NaN}}', 400),
        (b"\xff\xfe", 400),
    ],
)
def test_a_body_that_is_too_much_is_refused_from_known_callers_and_not_read_from_others(
    guarded: Served, guard: Guard, body: bytes, status: int
) -> None:
    before = contents(guarded.url_of_store)
    known = guarded.http.post("/v1/tasks", content=body, headers={**guard.headers("shop"), **dict([JSON.split(": ")])})
    assert known.status_code == status, known.text
    for headers in ({}, {"X-API-Key": new_key()}):
        unknown = guarded.http.post("/v1/tasks", content=body, headers={**headers, **dict([JSON.split(": ")])})
        assert unknown.status_code == 401
    assert contents(guarded.url_of_store) == before


def test_a_body_without_end_is_cut_off_before_anybody_is_known(guarded: Served) -> None:
    """The answer comes while the caller is still sending: of 64 MiB, no more than two are taken."""
    head = request("/v1/tasks", "Host: localhost", JSON, f"Content-Length: {64 * 1024 * 1024}", method="POST")
    answer = say(guarded.url, head + b"x" * (2 * 1024 * 1024 + 300_000))
    assert answer.status == 401 and answer.headers["connection"] == "close"


def test_a_body_where_none_belongs_is_refused_too(guarded: Served) -> None:
    for target in ("/health", "/metrics", "/nowhere"):
        chunked = request(target, "Host: localhost", "Transfer-Encoding: chunked", body=b"3\r\nabc\r\n0\r\n\r\n")
        assert say(guarded.url, chunked).status == 401


def test_those_who_are_not_known_are_slowed_down_and_others_are_not(sqlite_url: str, guard: Guard) -> None:
    with served(sqlite_url, Access(authenticator=guard.authenticator(), unknown_per_second=2)) as api:
        asked: list[Callable[[], Any]] = [
            lambda: api.http.get("/v1/tasks"),
            lambda: api.http.get("/v1/tasks", headers={"X-API-Key": new_key()}),
            lambda: api.http.get("/health"),
            lambda: api.http.get("/nowhere"),
        ]
        statuses = [asked[n % 4]().status_code for n in range(60)]
        assert statuses[:10] == [(401, 401, 200, 404)[n % 4] for n in range(10)]
        assert statuses.count(429) >= 30
        refused = next(answer for answer in (api.http.get("/health") for _ in range(20)) if answer.status_code == 429)
        assert refused.json()["error"]["code"] == "TOO_MANY_REQUESTS" and int(refused.headers["Retry-After"]) >= 1
        for _ in range(30):
            assert api.http.get("/v1/tasks", headers=guard.headers("shop")).status_code == 200


def test_a_bucket_fills_again_is_shared_by_a_network_and_is_forgotten_when_there_are_too_many() -> None:
    now = 0.0
    rates = Rates(per_second=2, seconds=5, monotonic=lambda: now)
    assert [rates.take("10.0.0.1") for _ in range(10)] == [0.0] * 10
    assert rates.take("10.0.0.1") == 0.5 and rates.take("10.0.0.2") == 0
    now = 0.5
    assert rates.take("10.0.0.1") == 0 and rates.take("10.0.0.1") > 0
    now = 1_000.0
    assert [rates.take("10.0.0.1") for _ in range(11)] == [0.0] * 10 + [0.5], "no more is saved up than a burst"
    for n in range(10):
        assert rates.take(f"fd00:1:2:3::{n:x}") == 0
    assert rates.take("fd00:1:2:3:ffff::1") > 0 and rates.take("fd00:1:2:4::1") == 0
    for n in range(MOST_CALLERS):
        rates.take(f"10.1.{n // 256}.{n % 256}")
    assert rates.take("10.0.0.1") == 0
    assert len(rates) == MOST_CALLERS


def test_an_open_server_does_not_slow_down_its_own_machine(open_server: Served) -> None:
    assert {open_server.http.get("/health").status_code for _ in range(130)} == {200}


def test_no_secret_and_no_payload_is_in_the_log(
    guarded: Served, guard: Guard, caplog: pytest.LogCaptureFixture
) -> None:
    secrets = {"a wrong key": new_key(), "a good key": guard.keys["shop"]}
    secrets["a good token"] = guard.signer.token("tasks:create", sub="who-bears-it")
    secrets["an expired token"] = guard.signer.token("tasks:create", exp=1)
    secrets["a payload"] = "payload-7d3f"
    body = {"name": "order", "namespace": "shop", "context": {"note": secrets["a payload"]}}
    with caplog.at_level(logging.DEBUG):
        statuses = [
            guarded.http.post("/v1/tasks", json=body, headers=headers).status_code
            for headers in (
                {"X-API-Key": secrets["a wrong key"]},
                {"X-API-Key": secrets["a good key"]},
                {"Authorization": f"Bearer {secrets['a good token']}"},
                {"Authorization": f"Bearer {secrets['an expired token']}"},
            )
        ]
        guarded.http.post("/v1/tasks", json={**body, "tags": 7}, headers=guard.headers("shop"))
    assert statuses == [401, 201, 409, 401]
    ours = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith("tasker"))
    assert "refused POST /v1/tasks from 127.0.0.1: invalid" in ours
    for name, secret in secrets.items():
        assert secret not in ours and secret[:24] not in ours, name


def test_refusals_are_counted(guard: Guard, sqlite_url: str) -> None:
    with served(sqlite_url, Access(authenticator=guard.authenticator())) as api:
        api.http.get("/v1/tasks")
        api.http.get("/v1/tasks", headers={"X-API-Key": new_key()})
        api.http.delete("/v1/tasks/01900000-0000-7000-8000-000000000000", headers=guard.headers("shop"))
        text = api.http.get("/metrics").text
    assert 'tasker_auth_failures_total{reason="missing"} 1.0' in text
    assert 'tasker_auth_failures_total{reason="invalid"} 1.0' in text
    assert 'tasker_permission_denials_total{permission="tasks:cancel"} 1.0' in text
