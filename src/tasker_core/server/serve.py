"""A server as a process: listens, serves, stops when told to."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from collections.abc import Callable
from types import FrameType

import uvicorn
from fastapi import FastAPI

from tasker_core.server.core import Core

log = logging.getLogger("tasker.server")


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens at ``host`` and ``port`` (0: one that is free). Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # TCP by name, or asyncio leaves Nagle's algorithm on, and each answer waits 40 ms for an acknowledgement.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(2_048)
    except OSError as error:
        listening.close()
        advice = "; choose another port, or 0 for one that is free" if error.errno == errno.EADDRINUSE else ""
        raise OSError(f"can't listen at {host}:{port}: {error.strerror}{advice}") from None
    return listening


def url_of(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class Server(uvicorn.Server):
    """Serves ``app`` at ``listening``; ``started`` is called when requests are answered.

    SIGTERM, SIGINT or ``stop``: the server is unready for ``drain`` seconds, then stops to accept and finishes what
    runs. A second signal ends at once.
    """

    def __init__(self, app: FastAPI, listening: socket.socket, started: Callable[[], None] = lambda: None) -> None:
        self._core: Core = app.state.core
        super().__init__(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                lifespan="on",
                server_header=False,
                timeout_keep_alive=30,
                timeout_graceful_shutdown=max(1, round(self._core.settings.server.shutdown_timeout)),
                ws="none",
            )
        )
        self._listening, self._say_started = listening, started
        self.killed_by = 0
        """The signal that ended what a first one had not yet."""
        self._asked = False
        self._loop: asyncio.AbstractEventLoop | None = None

    def serve_until_stopped(self) -> None:
        """Return when everything has ended."""
        self.run(sockets=[self._listening])

    def stop(self) -> None:
        """Begin to stop; from any thread."""
        if self._loop is None:
            self.should_exit = True
        elif not self._asked:
            self._asked = True
            log.info("stopping: what runs may finish")
            self._loop.call_soon_threadsafe(self._drain)

    def stop_accepting(self) -> None:
        """Return when connections are left to whoever else accepts at the socket; what came here is still answered."""
        assert self._loop is not None
        asyncio.run_coroutine_threadsafe(self._close_doors(), self._loop).result()

    async def _close_doors(self) -> None:
        for door in self.servers:
            door.close()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._loop = asyncio.get_running_loop()
        if self.started:
            self._say_started()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """A signal came. Unlike uvicorn's own, a stop that went well ends the process with 0."""
        if self._asked or self._loop is None:
            self.should_exit = self.force_exit = True
            self.killed_by = sig
        else:
            self.stop()

    def _drain(self) -> None:
        self._core.stop()
        assert self._loop is not None
        self._loop.call_later(self._core.settings.server.drain, setattr, self, "should_exit", True)
