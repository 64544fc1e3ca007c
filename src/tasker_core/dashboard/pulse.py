"""Who looks at a page hears when what it shows has changed: one thread looks for all of them."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from tasker_core.engine import Engine
from tasker_core.errors import ClientError, StoreError
from tasker_core.server.threads import OverloadedError

log = logging.getLogger("tasker.server")

SHORTEST, SHARE = 0.25, 10.0
"""Seconds between two looks, so four a second at most; and so many times what a look takes."""
MOST_TOPICS = 1_000
QUIET = 5.0
"""Seconds without a change after which a listener is told that there is none."""


@dataclass
class Topic:
    """What is watched, a task or everything (None): its mark when last looked at, and who is told of the next one."""

    mark: str = ""
    listeners: set[asyncio.Event] = field(default_factory=set)
    looking: asyncio.Task[None] | None = None


class Pulse:
    """Belongs to the event loop that it is used in."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._topics: dict[str | None, Topic] = {}
        # Marks of changes can only be compared within one connection, which is one thread's.
        self._thread = ThreadPoolExecutor(1, "tasker-dashboard-live")
        self._is_closed = False

    async def marks(self, task: str | None, known: str, seconds: float) -> AsyncIterator[str]:
        """The mark of ``task``, or of everything, if it isn't the ``known`` one; then each new one, for so many
        ``seconds``; "" after a few in which there is none."""
        if self._is_closed or len(self._topics) >= MOST_TOPICS:
            raise OverloadedError
        topic = self._topics.setdefault(task, Topic())
        heard, until = asyncio.Event(), time.monotonic() + seconds
        topic.listeners.add(heard)
        if topic.looking is None:
            topic.looking = asyncio.get_running_loop().create_task(self._look_for_ever(task, topic))
        try:
            while not self._is_closed and (left := until - time.monotonic()) > 0:
                if topic.mark and topic.mark != known:
                    known = topic.mark
                    yield known
                heard.clear()
                try:
                    await asyncio.wait_for(heard.wait(), min(left, QUIET))
                except TimeoutError:
                    yield ""
        finally:
            topic.listeners.discard(heard)
            if not topic.listeners and self._topics.get(task) is topic:
                del self._topics[task]

    def release(self) -> None:
        """Let go of all who listen, and of all who would."""
        self._is_closed = True
        for topic in self._topics.values():
            for heard in topic.listeners:
                heard.set()
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _look_for_ever(self, task: str | None, topic: Topic) -> None:
        loop, change = asyncio.get_running_loop(), -1
        while topic.listeners and not self._is_closed:
            began = time.monotonic()
            try:
                seen, mark = await loop.run_in_executor(self._thread, self._look, task, change)
            except (StoreError, ClientError, RuntimeError) as error:
                log.info("can't see what has changed: %s", error)
                seen, mark = -1, None
            change = seen
            if mark is not None and mark != topic.mark:
                topic.mark = mark
                for heard in topic.listeners:
                    heard.set()
            await asyncio.sleep(max(SHORTEST, SHARE * (time.monotonic() - began)))

    def _look(self, task: str | None, change: int) -> tuple[int, str | None]:
        """The database's own mark of changes, if it has one, and ours if that has moved."""
        seen = self._engine.store.database.change_mark()
        if seen == change and seen != -1:
            return seen, None
        return seen, self._engine.board.mark(task)
