"""A service outside that remembers what it was asked for: the same idempotency key twice is one effect."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

Effect = tuple[str, str]
"""(task, step)."""


class Ledger:
    """The service, on a loopback port for the length of a ``with`` block. It outlives every worker."""

    def __init__(self) -> None:
        self._effects: dict[str, Effect] = {}
        self._lock = threading.Lock()
        self.calls: Counter[Effect] = Counter()
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, name="ledger", daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/effects"

    @property
    def effects(self) -> list[Effect]:
        """What was done, in the order in which it was done first."""
        with self._lock:
            return list(self._effects.values())

    def enter(self, key: str, effect: Effect) -> bool:
        """Do ``effect`` unless ``key`` is known. False when the key stands for something else."""
        with self._lock:
            self.calls[effect] += 1
            return self._effects.setdefault(key, effect) == effect

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 100

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        super().__init__(("127.0.0.1", 0), _Request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed in the middle of a sentence."""


class _Request(BaseHTTPRequestHandler):
    timeout = 60

    def do_POST(self) -> None:
        assert isinstance(self.server, _Server)
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        known = self.server.ledger.enter(asked["key"], (asked["task"], asked["step"]))
        self.send_response(200 if known else 409)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Nobody reads it."""


def enter(url: str, key: str, task: str, step: str) -> bool:
    """Ask the ledger at ``url`` for an effect. False when ``key`` stands for another one there."""
    body = json.dumps({"key": key, "task": task, "step": step}).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, method="POST"), timeout=30):
            return True
    except urllib.error.HTTPError as refusal:
        with refusal:
            if refusal.code == 409:
                return False
            raise
