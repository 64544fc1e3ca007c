"""What a client asks from an event loop, answered by the engine of this process, which is synchronous: in threads."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from tasker_core.client.call import Call
from tasker_core.client.local import Local
from tasker_core.forks import renew_in_children

R = TypeVar("R")

MOST_CALLS, MOST_WAITS = 8, 64


class Threads:
    """Asks ``local`` in threads. Who waits for a task holds a thread, so that is done in others than the rest."""

    longest_wait = 0.5
    """Seconds: a thread outlives a caller that was cancelled by no more."""

    def __init__(self, local: Local) -> None:
        self._local = local
        self.begin_anew()
        renew_in_children(self)

    def begin_anew(self) -> None:
        self._calls = ThreadPoolExecutor(MOST_CALLS, "tasker-client")
        self._waits = ThreadPoolExecutor(MOST_WAITS, "tasker-client-wait")

    async def do(self, call: Call[R]) -> R:
        """The answer to ``call``. Raises ClientError."""
        if call.bound:
            return self._local.do(call)
        pool = self._waits if call.waiting else self._calls
        return await asyncio.get_running_loop().run_in_executor(pool, self._local.do, call)

    async def close(self) -> None:
        self._calls.shutdown(wait=False, cancel_futures=True)
        self._waits.shutdown(wait=False, cancel_futures=True)
        self._local.close()
