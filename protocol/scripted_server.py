"""The door of the scripted server: HTTP/1.1 on a port of this machine."""

from __future__ import annotations

import contextlib
import json
import re
import select
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from protocol.answering import Answering
from protocol.rules import LOST, Answer, refusal
from protocol.stage import Stage

WORKER = re.compile(r"/v1/workers/([^/]+)(/claims|/heartbeat|/reports)?")
LEASE = re.compile(r"/v1/leases/([^/]+)/(complete|fail|checkpoint|release|results)")


class ScriptedServer:
    """Listens while it is open. It can be away for a while and come back at the same port, as a restarted one does."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.answering = stage, Answering(stage)
        self.date: str | None = None
        self.troubles: list[str] = []
        # Keeps the port, also while the server is away, and refuses who comes, since it doesn't listen.
        self._kept = socket.socket()
        self._kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self._kept.bind(("127.0.0.1", 0))
        self.port = int(self._kept.getsockname()[1])
        self._http: _Http | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def open(self) -> None:
        self._http = _Http(self)
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def end(self) -> None:
        self.close()
        self._kept.close()

    def close(self) -> None:
        """Every connection is cut, and new ones are refused."""
        if self._http:
            self._http.shutdown()
            self._http.server_close()
            self._http.cut()
            self._http = None


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_port = True
    request_queue_size = 64

    def __init__(self, door: ScriptedServer) -> None:
        self.door, self.connections = door, set[socket.socket]()
        super().__init__(("127.0.0.1", door.port), _Request)

    def cut(self) -> None:
        for connection in list(self.connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A worker that hangs up is none of our errors."""


class _Request(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Http

    def setup(self) -> None:
        super().setup()
        self.server.connections.add(self.connection)

    def finish(self) -> None:
        self.server.connections.discard(self.connection)
        with contextlib.suppress(OSError):
            super().finish()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is printed."""

    def date_time_string(self, timestamp: float | None = None) -> str:
        return self.server.door.date or super().date_time_string(timestamp)

    def do_GET(self) -> None:
        self._send(self._answer("GET", {}))

    def do_DELETE(self) -> None:
        self._send(self._answer("DELETE", {}))

    def do_POST(self) -> None:
        body = self._body()
        self._send(refusal(400, "JSON_ERROR") if body is None else self._answer("POST", body))

    def _body(self) -> dict[str, Any] | None:
        """What was sent, which must be an object in UTF-8 that is declared as JSON."""
        sent = self._sent()
        try:
            body = json.loads(sent.decode("utf-8"), parse_constant=_no_constant)
        except ValueError as error:
            self.server.door.troubles.append(f"{self.path}: the body is no JSON in UTF-8: {error}")
            return None
        if not isinstance(body, dict):
            self.server.door.troubles.append(f"{self.path}: the body is no object")
            return None
        if not self.headers.get("Content-Type", "").startswith("application/json"):
            self.server.door.troubles.append(f"{self.path}: Content-Type is {self.headers.get('Content-Type')!r}")
        return body

    def _sent(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            size = int(self.headers.get("Content-Length") or 0)
            sent = self.rfile.read(size)
            if len(sent) < size:
                raise ConnectionAbortedError("the connection was cut amid a body")
            return sent
        sent = b""
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            sent += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return sent

    def _answer(self, method: str, body: dict[str, Any]) -> Answer:
        answering, headers = self.server.door.answering, {name.lower(): value for name, value in self.headers.items()}
        path, _, query = self.path.partition("?")
        if method == "GET" and path == "/v1/worker-protocol":
            return answering.version(headers)
        if method == "GET" and path == "/v1/worker-protocol/templates":
            return answering.templates(query.removeprefix("only=") or None)
        if method == "POST" and path == "/v1/workers":
            return answering.register(body, headers)
        if found := WORKER.fullmatch(path):
            match method, found[2]:
                case "DELETE", None:
                    return answering.delete(found[1])
                case "POST", "/claims":
                    return answering.claim(found[1], body, self._is_gone)
                case "POST", "/heartbeat":
                    return answering.heartbeat(found[1], body)
                case "POST", "/reports":
                    return answering.reports(found[1], body)
        if method == "POST" and (found := LEASE.fullmatch(path)):
            return (
                answering.results(found[1], body)
                if found[2] == "results"
                else answering.report(found[1], found[2], body)
            )
        self.server.door.troubles.append(f"{method} {self.path} is no route of the protocol")
        return refusal(404, "NOT_FOUND")

    def _is_gone(self) -> bool:
        readable, _, _ = select.select([self.connection], [], [], 0)
        with contextlib.suppress(OSError):
            return bool(readable) and self.connection.recv(1, socket.MSG_PEEK) == b""
        return True

    def _send(self, answer: Answer) -> None:
        if answer is LOST:
            self.close_connection = True
            with contextlib.suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)
            return
        body = b"" if answer.body is None else json.dumps(answer.body, ensure_ascii=False).encode()
        self.send_response(answer.status)
        self.send_header("Tasker-Protocol", "1")
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.body is not None:
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")
