"""A webhook's other end: a server on a real socket that keeps what it is sent, and answers as it is told."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Delivered(NamedTuple):
    """A request that came in."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        event: dict[str, Any] = json.loads(self.body)
        return event

    def is_signed_with(self, secret: str) -> bool:
        """Whether its signature is that of Standard Webhooks, worked out here anew."""
        key = base64.b64decode(secret.removeprefix("whsec_"))
        said = f"{self.headers['webhook-id']}.{self.headers['webhook-timestamp']}.".encode() + self.body
        expected = base64.b64encode(hmac.new(key, said, hashlib.sha256).digest()).decode()
        return f"v1,{expected}" in self.headers["webhook-signature"].split(" ")


class Receiver:
    """``answer`` gives the status, and headers, for the n-th request of a path, from 1."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.delivered: list[Delivered] = []
        self.answer: Callable[[str, int], tuple[int, dict[str, str]]] = lambda _path, _n: (204, {})

    def names(self, path: str) -> list[str]:
        return [each.event["event_name"] for each in self.delivered if each.path == path]

    def sequences(self, path: str) -> list[int]:
        return [int(each.headers["tasker-sequence"]) for each in self.delivered if each.path == path]


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver that runs."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.delivered.append(Delivered(self.path, headers, body))
            nth = sum(each.path == self.path for each in receiver.delivered)
            status, more = receiver.answer(self.path, nth)
            self.send_response(status)
            for name, value in more.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing is printed."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver = Receiver(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
