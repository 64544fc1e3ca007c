"""Streams of events (Server-Sent Events): one thread reads for all of them, and none of them holds a thread."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import NamedTuple

from tasker_core.engine import Engine
from tasker_core.engine.events import Asked, Told
from tasker_core.engine.watch import Watch
from tasker_core.errors import StoreError
from tasker_core.server.body import to_bytes
from tasker_core.server.redaction import Redact, as_it_is
from tasker_core.server.threads import OverloadedError

log = logging.getLogger("tasker.events")

KEPT, KEPT_BYTES = 1_000, 16 * 1024 * 1024
"""Of the latest events, what is kept for streams that keep up; others read the store."""
PAGE = 50
LOOK_AGAIN = 1.0
HEARTBEAT = 15.0
"""Seconds after which a stream without events says that it is there: a proxy mustn't take it for dead."""
RETRY_MS = 1_000
READERS = 2
"""Streams that read what they missed at the same time."""


class Line(NamedTuple):
    """An event as a stream sends it to who may see everything."""

    event: Told
    data: bytes


class Stream:
    """An open stream: what it sends, piece by piece, until it is closed."""

    def __init__(self, pieces: AsyncGenerator[bytes, None], closed: Callable[[], None]) -> None:
        self.pieces, self._closed = pieces, closed

    async def close(self) -> None:
        """End it. Twice does nothing."""
        closed, self._closed = self._closed, _nothing
        closed()
        await self.pieces.aclose()


class Streams:
    """At most ``most`` streams. Belongs to the event loop that it is used in."""

    def __init__(self, engine: Engine, most: int) -> None:
        self._engine, self._most = engine, most
        self._open = 0
        self._lines: deque[Line] = deque()
        self._bytes = 0
        self._floor = 0
        """The number of the last event before the kept ones; what is behind it is read from the store."""
        self._seen = 0
        self._news = asyncio.Event()
        self._reading: asyncio.Task[None] | None = None
        self._watch: Watch | None = None
        # Threads of its own, so that neither streams nor requests wait for each other.
        self._thread = ThreadPoolExecutor(1, "tasker-server-events")
        self._readers = ThreadPoolExecutor(READERS, "tasker-server-streams")
        self._is_closed = False

    @property
    def count(self) -> int:
        return self._open

    async def open(self, asked: Asked, after: int | None, masked: Redact = as_it_is) -> Stream:
        """The stream of what is asked for, after an event or from now on; who opens it closes it.

        Raises OverloadedError, and what the engine says of a filter that can't be.
        """
        if self._is_closed or self._open >= self._most:
            raise OverloadedError
        self._open += 1
        try:
            loop = asyncio.get_running_loop()
            # Asked for what there isn't, it is refused before anything is sent.
            last = await loop.run_in_executor(self._readers, self._check, asked)
            if self._reading is None or self._reading.done():
                self._lines.clear()
                self._bytes, self._floor, self._seen = 0, last, last
                self._reading = loop.create_task(self._read_for_ever())
        except BaseException:
            self._open -= 1
            raise
        return Stream(self._send(asked, last if after is None else after, masked), self._closed)

    def _closed(self) -> None:
        self._open -= 1

    def release(self) -> None:
        """End all streams, and refuse others. Their clients come again, to another server."""
        self._is_closed = True
        self._wake()
        if self._watch is not None:
            self._watch.ring()

    def close(self) -> None:
        self.release()
        self._thread.shutdown(wait=True, cancel_futures=True)
        self._readers.shutdown(wait=True, cancel_futures=True)

    def _check(self, asked: Asked) -> int:
        self._engine.events.check(asked)
        return self._engine.events.last()

    async def _send(self, asked: Asked, place: int, masked: Redact) -> AsyncGenerator[bytes, None]:
        yield b"retry: %d\n\n" % RETRY_MS
        while not self._is_closed:
            news = self._news
            if place < self._floor:
                lines, place = await self._missed(asked, place)
            else:
                lines = self._after(place)
                place = max(place, self._seen)
            for line in lines:
                if asked.wants(line.event):
                    yield line.data if masked is as_it_is else _line(line.event, masked).data
            if self._seen > place:
                continue
            try:
                await asyncio.wait_for(news.wait(), HEARTBEAT)
            except TimeoutError:
                yield b": so far\n\n"

    async def _missed(self, asked: Asked, place: int) -> tuple[list[Line], int]:
        def read() -> tuple[list[Line], int]:
            page, reached = self._engine.events.after(place, PAGE, asked)
            return [_line(event, as_it_is) for event in page], reached

        return await asyncio.get_running_loop().run_in_executor(self._readers, read)

    def _after(self, place: int) -> list[Line]:
        found: list[Line] = []
        for line in reversed(self._lines):
            if line.event.number <= place:
                break
            found.append(line)
        return found[::-1]

    # -- the one reader

    async def _read_for_ever(self) -> None:
        loop = asyncio.get_running_loop()
        self._watch = Watch(self._engine.wake, self._engine.store.database)
        try:
            while self._open and not self._is_closed:
                lines, seen = await loop.run_in_executor(self._thread, self._look, self._seen)
                if seen > self._seen:
                    self._keep(lines)
                    self._seen = seen
                    self._wake()
        finally:
            self._watch.close()

    def _look(self, seen: int) -> tuple[list[Line], int]:
        """What came after ``seen``, awaited for a while."""
        assert self._watch is not None
        try:
            page, reached = self._engine.events.after(seen, PAGE)
            if reached == seen:
                self._watch.wait(LOOK_AGAIN)
            return [_line(event, as_it_is) for event in page], reached
        except StoreError as error:
            log.warning("events can't be read: %s", error)
            self._watch.wait(LOOK_AGAIN)
            return [], seen

    def _keep(self, lines: list[Line]) -> None:
        for line in lines:
            self._lines.append(line)
            self._bytes += len(line.data)
        while len(self._lines) > KEPT or self._bytes > KEPT_BYTES:
            dropped = self._lines.popleft()
            self._bytes -= len(dropped.data)
            self._floor = dropped.event.number

    def _wake(self) -> None:
        news, self._news = self._news, asyncio.Event()
        with suppress(RuntimeError):
            news.set()


def _line(event: Told, masked: Redact) -> Line:
    data = to_bytes(masked(event.envelope))
    return Line(event, b"id: %d\nevent: %s\ndata: %s\n\n" % (event.number, event.name.encode(), data))


def _nothing() -> None:
    """What closing a closed stream does."""
