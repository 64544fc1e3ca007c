"""The threads in which a server calls the engine, which is synchronous: few, and no endless queue before them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


class OverloadedError(Exception):
    """More calls wait for a thread than the server promises to work off."""


class Threads:
    """``count`` threads; at most ``backlog`` calls run in them or wait for them."""

    def __init__(self, count: int, backlog: int) -> None:
        self.count, self.backlog = count, backlog
        self.pending = 0
        self._pool = ThreadPoolExecutor(count, "tasker-server")

    @property
    def is_crowded(self) -> bool:
        """Has half of what may wait come together?"""
        return self.pending > self.backlog // 2

    async def run(self, call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """What ``call`` returns. A caller that is cancelled before a thread took the call withdraws it."""
        if self.pending >= self.backlog:
            raise OverloadedError
        self.pending += 1
        try:
            return await asyncio.wrap_future(self._pool.submit(call, *args, **kwargs))
        finally:
            self.pending -= 1

    def close(self) -> None:
        """Let what runs finish; what waits is dropped."""
        self._pool.shutdown(wait=True, cancel_futures=True)
