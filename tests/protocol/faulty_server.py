"""A server with one fault: a real one, behind a proxy that bends one thing."""

from __future__ import annotations

import contextlib
import json
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

Body = Any
BendRequest = Callable[[str, Body], Body]
BendAnswer = Callable[[str, int, Body], tuple[int, Body]]


@contextmanager
def bent(
    url: str,
    request: BendRequest = lambda _path, body: body,
    answer: BendAnswer = lambda _path, status, body: (status, body),
) -> Iterator[str]:
    """The URL of a server that is the one at ``url`` but for what these make of its requests and answers."""
    http = httpx.Client(base_url=url, timeout=30)

    class Proxy(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def pass_on(self) -> None:
            text = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            with contextlib.suppress(ValueError):  # what is no JSON goes on as it is
                text = json.dumps(request(self.path, json.loads(text))).encode() if text else b""
            headers = {"Content-Type": self.headers["Content-Type"]} if text else {}
            got = http.request(self.command, self.path, content=text, headers=headers)
            status, body = answer(self.path, got.status_code, got.json() if got.content else None)
            sent = b"" if body is None else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            if status != 204:
                self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        do_GET = do_POST = do_PATCH = do_DELETE = pass_on

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing is printed."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        http.close()


def accepts_the_late(path: str, status: int, body: Body) -> tuple[int, Body]:
    if status == 409:
        return 200, {"accepted": True, "replayed": False}
    return status, body


def knows_no_replay(path: str, status: int, body: Body) -> tuple[int, Body]:
    if status == 200 and body.get("replayed"):
        return 409, {"error": {"code": "LEASE_LOST", "message": "settled"}}
    return status, body


def forgets_requests(path: str, body: Body) -> Body:
    return {**body, "request_id": str(uuid.uuid4())} if path.endswith("/claims") else body


def loses_digits(path: str, status: int, body: Body) -> tuple[int, Body]:
    text = json.dumps(body)
    return status, json.loads(text, parse_int=lambda digits: int(float(digits)))


def stands_still(path: str, status: int, body: Body) -> tuple[int, Body]:
    """The fence never rises."""
    for lease in (body or {}).get("leases", []) if isinstance(body, dict) else []:
        lease["fence"] = 1
    return status, body


def shuffles(path: str, status: int, body: Body) -> tuple[int, Body]:
    if isinstance(body, dict) and "results" in body and isinstance(body["results"], list):
        body["results"].reverse()
    return status, body


def is_strict(path: str, body: Body) -> Body:
    """An unknown field is an error to it."""
    return "unknown fields" if isinstance(body, dict) and "labels" in body else body


def keeps_everything(path: str, body: Body) -> Body:
    """What heartbeats leave out stays where it is."""
    if path.endswith("/heartbeat"):
        worker = path.split("/")[3]
        _held.setdefault(worker, set())
        return {**body, "leases": [{"lease_id": each} for each in _held[worker]] or body["leases"]}
    return body


_held: dict[str, set[str]] = {}


def remembers_leases(path: str, status: int, body: Body) -> tuple[int, Body]:
    if path.endswith("/claims") and body:
        _held.setdefault(path.split("/")[3], set()).update(each["lease_id"] for each in body["leases"])
    return status, body


def is_silent_about_cancelling(path: str, status: int, body: Body) -> tuple[int, Body]:
    if path.endswith("/heartbeat") and body:
        for lease in body["leases"]:
            lease["status"] = "extended"
    return status, body


def polls_shortly(path: str, body: Body) -> Body:
    return {**body, "wait_ms": 0} if path.endswith("/claims") and "wait_ms" in body else body


def takes_any_token(path: str, status: int, body: Body) -> tuple[int, Body]:
    if status == 404 and body["error"]["code"] == "LEASE_UNKNOWN":
        return 409, {"error": {"code": "LEASE_LOST", "message": "lost"}}
    return status, body


def has_no_fields(path: str, status: int, body: Body) -> tuple[int, Body]:
    if status == 400:
        body["error"].pop("field", None)
    return status, body
