"""HTTP from a handler, against a real server on this machine."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

import httpx
import pytest

from tasker_core.step_handler import ApiHandler, ApiResponse, StepHandler, api_handler
from tasker_core.step_handler.api import ApiResponse as FromApi
from tasker_core.step_handler.mixins.api import APIMixin
from tasker_core.types import StepContext, StepHandlerResult


class Server(BaseHTTPRequestHandler):
    """Answers /status/<code>, /text, /broken and /echo; everything else is 404."""

    def _answer(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        body = self.rfile.read(length).decode()
        _, kind, *rest = unquote(self.path).split("?")[0].split("/")
        if kind == "status":
            answer: Any = json.loads(body) if body else {}
            self._send(int(rest[0]), json.dumps(answer), "application/problem+json", rest[1:])
        elif kind == "text":
            self._send(200, "plain", "text/plain")
        elif kind == "broken":
            self._send(200, "{no json", "application/json")
        elif kind == "echo":
            seen = {"method": self.command, "path": self.path, "body": body, "shop": self.headers.get("x-shop")}
            self._send(200, json.dumps(seen), "application/json; charset=utf-8")
        else:
            self._send(404, "", "text/plain")

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer

    def _send(self, status: int, body: str, content_type: str, retry_after: list[str] | None = None) -> None:
        self.send_response(status)
        self.send_header("content-type", content_type)
        if retry_after:
            self.send_header("retry-after", retry_after[0])
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def shop(url: str) -> Iterator[ApiHandler]:
    class Shop(ApiHandler):
        base_url = url
        default_headers = {"x-shop": "tea"}  # noqa: RUF012  # the way users write it

        def call(self, context: StepContext) -> StepHandlerResult:
            return self.api_success(self.get("/echo"))

    handler = Shop()
    yield handler
    handler.close()


def context() -> StepContext:
    return StepContext.model_validate(
        {
            "task_uuid": "01980000-0000-7000-8000-000000000000",
            "step_uuid": "01980000-0000-7000-8000-000000000001",
            "correlation_id": "01980000-0000-7000-8000-000000000002",
            "handler_name": "h",
        }
    )


def test_every_method_reaches_the_server(shop: ApiHandler) -> None:
    seen = [
        shop.get("/echo", params={"q": 1}),
        shop.post("/echo", json={"a": 1}),
        shop.put("/echo", data={"a": 1}),
        shop.patch("/echo", json=[1], headers={"x-shop": "coffee"}),
        shop.delete("/echo"),
        shop.request("GET", "/echo"),
    ]
    assert [answer.body["method"] for answer in seen] == ["GET", "POST", "PUT", "PATCH", "DELETE", "GET"]
    assert seen[0].body["path"] == "/echo?q=1"
    assert [answer.body["body"] for answer in seen[1:4]] == ['{"a":1}', "a=1", "[1]"]
    assert [answer.body["shop"] for answer in seen[2:4]] == ["tea", "coffee"]
    assert shop.capabilities == ["process", "http", "api"]


def test_bodies_are_decoded_when_they_say_json_and_are(shop: ApiHandler) -> None:
    assert shop.get("/text").body == "plain"
    assert shop.get("/broken").body == "{no json"
    given = ApiResponse(httpx.Response(200, text="x"), body={"mine": 1})
    assert given.to_dict() == {"status_code": 200, "headers": given.headers, "body": {"mine": 1}}
    assert FromApi is ApiResponse


def test_success(shop: ApiHandler) -> None:
    whole = shop.call(context())
    assert isinstance(whole, StepHandlerResult) and whole.result is not None
    assert whole.result["shop"] == "tea" and whole.metadata["status_code"] == 200 and "headers" in whole.metadata
    text = shop.api_success(shop.get("/text"), include_response=False)
    assert (text.result, text.metadata) == ({"data": "plain"}, {})
    assert shop.api_success(shop.get("/text"), {"own": 1}).result == {"own": 1}


@pytest.mark.parametrize(
    ("status", "error_type", "retryable"),
    [
        (400, "bad_request", False),
        (401, "unauthorized", False),
        (403, "forbidden", False),
        (404, "not_found", False),
        (405, "method_not_allowed", False),
        (408, "request_timeout", True),
        (409, "conflict", False),
        (410, "gone", False),
        (418, "client_error", False),
        (422, "unprocessable_entity", False),
        (429, "rate_limited", True),
        (500, "internal_server_error", True),
        (501, "server_error", False),
        (502, "bad_gateway", True),
        (503, "service_unavailable", True),
        (504, "gateway_timeout", True),
        (505, "server_error", False),
        (302, "http_error", False),
    ],
)
def test_a_status_says_what_went_wrong(shop: ApiHandler, status: int, error_type: str, retryable: bool) -> None:
    answer = shop.get(f"/status/{status}")
    assert (answer.ok, answer.is_client_error, answer.is_server_error) == (False, 400 <= status < 500, status >= 500)
    ending = shop.api_failure(answer)
    assert (ending.error_type, ending.retryable) == (error_type, retryable)
    assert ending.metadata["status_code"] == status


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"error": {"message": "card declined"}}, "HTTP 422: card declined"),
        ({"error": {"code": 1}, "detail": "no funds"}, "HTTP 422: no funds"),
        ({"msg": "short"}, "HTTP 422: short"),
        ({"other": 1}, "HTTP 422: Unprocessable Entity"),
        ([1], "HTTP 422: Unprocessable Entity"),
    ],
)
def test_the_message_is_the_servers_own(shop: ApiHandler, body: Any, message: str) -> None:
    ending = shop.api_failure(shop.post("/status/422", json=body))
    assert ending.error_message == message and ending.metadata["response_body"] == body
    assert shop.api_failure(shop.get("/status/422"), "mine").error_message == "mine"


def test_an_unknown_status_has_no_phrase_of_its_own(shop: ApiHandler) -> None:
    assert shop.api_failure(shop.get("/status/499")).error_message == "HTTP 499: HTTP Error"


@pytest.mark.parametrize(("header", "seconds"), [
    ("7", 7),
    ("0", 0),
    ("-3", 60),
    ("soon", 60),
    ("Wed, 21 Oct 2015 07:28:00 GMT", 0),
])  # fmt: skip
def test_retry_after(shop: ApiHandler, header: str, seconds: int) -> None:
    ending = shop.api_failure(shop.get(f"/status/429/{header}"))
    assert ending.metadata["retry_after_seconds"] == seconds
    assert "retry_after_seconds" not in shop.api_failure(shop.get("/status/429")).metadata


@pytest.mark.parametrize(("date", "seconds"), [
    ("Wed, 21 Oct 2026 07:28:30 GMT", 30),
    ("Wednesday, 21-Oct-26 07:29:00 GMT", 60),
    ("Wed Oct 21 07:29:10 2026", 70),
    ("Wed, 21 Oct 2026 09:28:05 +0200", 5),
    ("Wed, 21 Oct 2026 07:27:00 GMT", 0),
])  # fmt: skip
def test_a_date_to_retry_after_is_counted_from_the_servers_clock(date: str, seconds: int) -> None:
    headers = {"Date": "Wed, 21 Oct 2026 07:28:00 GMT", "Retry-After": date}
    assert ApiResponse(httpx.Response(503, headers=headers)).retry_after == seconds


def test_a_date_to_retry_after_without_the_servers_own_is_counted_from_here() -> None:
    until = format_datetime(datetime.now(UTC) + timedelta(seconds=300), usegmt=True)
    seconds = ApiResponse(httpx.Response(503, headers={"Retry-After": until})).retry_after
    assert seconds is not None and 240 <= seconds <= 300


def test_transport_trouble_is_retryable(shop: ApiHandler) -> None:
    with pytest.raises(httpx.ConnectError) as refused:
        shop.get("http://127.0.0.1:1/")
    ending = shop.connection_error(refused.value, "fetching the price")
    assert (ending.error_type, ending.retryable) == ("connection_error", True)
    assert ending.error_message is not None and "(fetching the price)" in ending.error_message
    assert ending.metadata == {"exception_type": "ConnectError"}
    assert shop.timeout_error(httpx.ReadTimeout("slow")).error_type == "timeout"


def test_the_client_is_made_once_and_again_after_closing(shop: ApiHandler) -> None:
    first = shop.client
    assert shop.client is first
    shop.close()
    assert first.is_closed and not shop.client.is_closed


def test_an_api_function(url: str) -> None:
    @api_handler("fetch", url, timeout=5.0, default_headers={"x-shop": "milk"})
    def fetch(api: Any) -> Any:
        return api.api_success(api.get("/echo"))

    handler = fetch._handler_class()  # type: ignore[attr-defined]  # set by the decorator
    assert isinstance(handler, APIMixin) and isinstance(handler, StepHandler)
    ending = handler.call(context())
    assert isinstance(ending, StepHandlerResult) and ending.result is not None and ending.result["shop"] == "milk"
    assert handler.client.timeout.read == 5.0
    handler.close()
