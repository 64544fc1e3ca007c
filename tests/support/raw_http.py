"""Requests byte by byte, as no HTTP client would send them."""

from __future__ import annotations

import contextlib
import socket
from dataclasses import dataclass
from http.client import HTTPResponse
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


def say(url: str, request: bytes, timeout: float = 20.0) -> Answer:
    """What the server at ``url`` answers to these bytes."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname or "", parts.port or 80), timeout) as connection:
        connection.sendall(request)
        answer = HTTPResponse(connection)
        answer.begin()
        body = b""
        # Who was still sending may be cut off behind the head of the answer.
        with contextlib.suppress(ConnectionResetError):
            body = answer.read()
        return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, body)


def request(target: str | bytes, *headers: str, method: str = "GET", body: bytes = b"") -> bytes:
    """A request of HTTP/1.1 with exactly these headers."""
    encoded = target.encode() if isinstance(target, str) else target
    lines = [method.encode() + b" " + encoded + b" HTTP/1.1", *(header.encode("latin-1") for header in headers)]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body
