"""Overload: while too much waits, a server creates no tasks. Judged now and then, never in a request."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from dataclasses import dataclass

from tasker_core.engine import Engine
from tasker_core.errors import StoreError
from tasker_core.server.errors import ApiError
from tasker_core.server.threads import OverloadedError, Threads
from tasker_core.settings.values import OverloadSettings

log = logging.getLogger("tasker.server")

LOOK_EVERY = 5.0
"""Seconds between looks at what waits."""
GOOD_FOR = 30.0
"""Seconds after which a verdict is too old to refuse anybody by it."""
DEEP, TOO_DEEP = 30, 60
"""Seconds after which to try again when much waits, and when very much does."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found: the handler for which most waits, how much, and after how many seconds to try
    again."""

    lane: str = ""
    depth: int = 0
    retry_after: int = 0
    at: float = 0.0


class Overload:
    """Whether a server creates tasks. Belongs to the event loop in which it begins."""

    def __init__(self, engine: Engine, threads: Threads, settings: OverloadSettings) -> None:
        self._engine, self._threads = engine, threads
        self._deep, self._overflow = settings.queue_depth, settings.queue_overflow
        self._verdict = Verdict()
        self._watching: asyncio.Task[None] | None = None

    @property
    def verdict(self) -> Verdict | None:
        """The newest verdict; None where there is none that still counts."""
        return self._verdict if self._verdict.at and time.monotonic() - self._verdict.at < GOOD_FOR else None

    def refuse(self) -> None:
        """Raise ApiError (503) while too much waits."""
        if not self._verdict.retry_after or (verdict := self.verdict) is None:
            return
        raise ApiError(
            503, "BACKPRESSURE",
            f"{verdict.depth:,} steps wait for handler {verdict.lane}; try again in {verdict.retry_after} s",
            details={"retry_after_seconds": verdict.retry_after, "waiting": verdict.depth},
            headers={"Retry-After": str(verdict.retry_after)},
        )  # fmt: skip

    def begin(self) -> None:
        if self._deep or self._overflow:
            self._watching = asyncio.get_running_loop().create_task(self._watch())

    async def end(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watching

    async def look(self) -> None:
        """Judge anew."""
        most = max(self._deep, self._overflow)
        found = await self._threads.run(self._engine.store.gauges.deepest, most)
        lane, depth = found or ("", 0)
        after = self._retry_after(depth)
        if after and not self._verdict.retry_after:
            log.warning("%d steps wait for handler %s: no tasks are created for a while", depth, lane)
        self._verdict = Verdict(lane, depth, after, time.monotonic())

    def _retry_after(self, depth: int) -> int:
        if self._overflow and depth >= self._overflow:
            return TOO_DEEP
        return DEEP if self._deep and depth >= self._deep else 0

    async def _watch(self) -> None:
        while True:
            try:
                await self.look()
            except (StoreError, OverloadedError) as error:
                log.info("what waits can't be looked at: %s", error)
            except Exception:
                log.exception("looking at what waits failed")
            await asyncio.sleep(LOOK_EVERY)
