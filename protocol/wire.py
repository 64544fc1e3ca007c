"""Requests as a worker sends them, one connection each, and what came back."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

TIMEOUT = 30.0


@dataclass(frozen=True)
class Said:
    """An answer: ``body`` is what its JSON says, None where it has none."""

    status: int
    headers: dict[str, str]
    body: Any
    took_ms: float

    @property
    def shown(self) -> dict[str, Any]:
        return {"status": self.status, "headers": self.headers, "body": self.body, "took_ms": self.took_ms}


class Wire:
    """To the server at ``url``, with the ``headers`` in each request."""

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        parts = urlsplit(url)
        self._host, self._port, self._headers = parts.hostname or "", parts.port or 80, dict(headers)

    def ask(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Said:
        began = time.monotonic()
        connection = self._send(method, path, body, headers)
        try:
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        heads = {name.lower(): value for name, value in answer.getheaders()}
        is_json = heads.get("content-type", "").startswith("application/json")
        said = json.loads(text) if text and is_json else text.decode("utf-8", "replace") or None
        return Said(answer.status, heads, said, (time.monotonic() - began) * 1000)

    def cut(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> None:
        """Send it, and hang up without waiting for the answer."""
        self._send(method, path, body, headers).close()

    def _send(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection(self._host, self._port, timeout=TIMEOUT)
        declared = {"Content-Type": "application/json"} if body is not None else {}
        connection.request(method, path, body, {**declared, **self._headers, **headers})
        return connection


def to_json(body: Any) -> bytes:
    """Every character beyond ASCII as it is; one that UTF-8 can't hold, half of a pair, is escaped."""
    text = json.dumps(body, ensure_ascii=False)
    try:
        return text.encode()
    except UnicodeEncodeError:
        return json.dumps(body).encode()
