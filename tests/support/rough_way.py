"""The way to a server, on which things go wrong: connections that are lost, answers that never come."""

from __future__ import annotations

import re
import socket
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

Mishap: TypeAlias = Literal["lose the question", "lose the answer", "stall"]
METHODS = (b"GET ", b"POST ", b"DELETE ", b"PATCH ")


class RoughWay:
    """Passes on what is said to the server at ``to``. The next of ``mishaps`` befalls the next request.

    ``requests`` and ``connections`` count what came.
    """

    def __init__(self, to: str) -> None:
        parts = urlsplit(to)
        self._to = (parts.hostname or "", parts.port or 80)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self.mishaps: deque[Mishap] = deque()
        self.requests, self.connections = 0, 0
        self._open: set[socket.socket] = set()
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def close(self) -> None:
        self._over.set()
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for each in list(self._open):
            _end(each)
        for thread in self._threads:
            thread.join(10)

    def _accept(self) -> None:
        while not self._over.is_set():
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(client,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, client: socket.socket) -> None:
        self._open.add(client)
        with client, suppress(OSError), socket.create_connection(self._to) as server:
            self._open.add(server)
            answers = threading.Thread(target=_pump, args=(server, client))
            answers.start()
            while said := client.recv(65_536):
                if said.startswith(METHODS):
                    self.requests += 1
                    if self.mishaps:
                        self._befall(self.mishaps.popleft(), said, client, server)
                        break
                server.sendall(said)
            _end(server)
            answers.join(10)

    def _befall(self, mishap: Mishap, said: bytes, client: socket.socket, server: socket.socket) -> None:
        match mishap:
            case "lose the answer":
                with socket.create_connection(self._to) as alone:
                    alone.sendall(said + _rest_of(said, client))
                    alone.recv(1)
            case "stall":
                self._over.wait(10)
        for each in (client, server):
            _end(each)


def _rest_of(said: bytes, client: socket.socket) -> bytes:
    """What still comes of a request that begins with ``said``: its body may come by itself."""
    head, _, body = said.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head, re.I)
    missing, rest = int(length[1]) - len(body) if length else 0, b""
    while len(rest) < missing and (more := client.recv(65_536)):
        rest += more
    return rest


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while said := source.recv(65_536):
            sink.sendall(said)


def _end(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)


@contextmanager
def rough_way(to: str) -> Iterator[RoughWay]:
    way = RoughWay(to)
    try:
        yield way
    finally:
        way.close()
