"""What the routes share: the engine, the threads to call it in, and how far the server is on its way."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from enum import StrEnum
from typing import ParamSpec, TypeVar

from fastapi import Request

from tasker_core.engine import Engine
from tasker_core.server.creations import Creations
from tasker_core.server.metrics import Metrics
from tasker_core.server.overload import Overload
from tasker_core.server.protocol.lookout import Lookout
from tasker_core.server.streams import Streams
from tasker_core.server.threads import Threads
from tasker_core.server.waiters import Waiters
from tasker_core.server.webhooks import Webhooks
from tasker_core.settings.values import Settings

P = ParamSpec("P")
R = TypeVar("R")

MOST_WAITERS = 10_000


class Phase(StrEnum):
    """How far a server is on its way from start to stop."""

    STARTUP = "startup"
    NORMAL = "normal"
    STOPPING = "graceful_shutdown"
    STOPPED = "stopped"


class Core:
    """One server, as its routes see it."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self.engine, self.settings = engine, settings
        self.metrics = Metrics(engine)
        self.threads = Threads(settings.server.threads, settings.server.backlog)
        self.creations = Creations(engine, self.threads)
        self.overload = Overload(engine, self.threads, settings.overload)
        self.waiters = Waiters(engine, MOST_WAITERS)
        self.streams = Streams(engine, settings.server.event_streams)
        self.webhooks = Webhooks(engine, private=settings.server.webhooks_to_private_addresses)
        self.lookout = Lookout(engine)
        self.phase = Phase.STARTUP
        self.started = time.monotonic()
        self.at_stop: list[Callable[[], None]] = []
        """Called when a stop begins: whoever keeps answers open ends them."""

    @property
    def longest_wait(self) -> float:
        """Seconds for which an answer is held back at most: there must be time left to answer in."""
        server = self.settings.server
        return min(server.longest_wait, server.request_timeout * 2 / 3)

    async def call(self, verb: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """What ``verb`` returns, called in a thread."""
        return await self.threads.run(verb, *args, **kwargs)

    def stop(self) -> None:
        """Be ready no more, and let nobody wait any longer. What runs goes on."""
        self.phase = Phase.STOPPING
        self.waiters.release()
        self.streams.release()
        self.lookout.release()
        for end in self.at_stop:
            end()

    async def close(self) -> None:
        self.stop()
        await self.overload.end()
        await asyncio.to_thread(self.waiters.close)
        await asyncio.to_thread(self.streams.close)
        await asyncio.to_thread(self.webhooks.stop)
        await asyncio.to_thread(self.lookout.stop)
        await asyncio.to_thread(self.threads.close)
        self.phase = Phase.STOPPED


def core_of(request: Request) -> Core:
    """The server that a request came to."""
    core: Core = request.app.state.core
    return core
