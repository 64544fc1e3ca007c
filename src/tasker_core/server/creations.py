"""Creates that arrive while a commit is under way share the next one."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from tasker_core.engine import Created, Engine, TaskRequest
from tasker_core.engine.requests import read_request
from tasker_core.errors import ClientError, DuplicateTaskError
from tasker_core.server.body import read_object, to_bytes
from tasker_core.server.errors import ApiError
from tasker_core.server.threads import OverloadedError, Threads

MOST_IN_A_COMMIT = 200
LARGEST_COMMIT = 4 * 1024 * 1024
"""Bytes of requests."""
CREATED, REPLAYED = 201, 200

Answer: TypeAlias = tuple[int, bytes]
"""Status and body."""


class Wish(NamedTuple):
    """A request: its body, whether a duplicate is answered with its twin, and the trace that it is part of."""

    body: bytes
    return_duplicates: bool
    traceparent: str | None = None


class Creations:
    """The creates of one server. Belongs to the event loop that it is used in."""

    def __init__(self, engine: Engine, threads: Threads) -> None:
        self._engine, self._threads = engine, threads
        self._waiting: deque[tuple[Wish, asyncio.Future[Answer]]] = deque()
        self._working: asyncio.Task[None] | None = None

    async def create(self, wish: Wish) -> Answer:
        """The answer to ``wish``, after the commit. Raises ApiError, ClientError."""
        if len(self._waiting) >= self._threads.backlog:
            raise OverloadedError
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[Answer] = loop.create_future()
        self._waiting.append((wish, answered))
        if self._working is None or self._working.done():
            self._working = loop.create_task(self._work())
        return await answered

    async def _work(self) -> None:
        while self._waiting:
            batch = self._next()
            try:
                answers = await self._threads.run(create_all, self._engine, [wish for wish, _ in batch])
            except Exception as error:
                answers = [error] * len(batch)
            for (_, answered), answer in zip(batch, answers, strict=True):
                if answered.done():
                    continue
                if isinstance(answer, Exception):
                    answered.set_exception(answer)
                else:
                    answered.set_result(answer)

    def _next(self) -> list[tuple[Wish, asyncio.Future[Answer]]]:
        """Those that go into one commit; who has gone away meanwhile is passed over."""
        batch: list[tuple[Wish, asyncio.Future[Answer]]] = []
        size = 0
        while self._waiting and len(batch) < MOST_IN_A_COMMIT:
            wish, answered = self._waiting[0]
            size += len(wish.body)
            if batch and size > LARGEST_COMMIT:
                break
            self._waiting.popleft()
            if not answered.done():
                batch.append((wish, answered))
        return batch


def create_all(engine: Engine, wishes: Sequence[Wish]) -> list[Answer | Exception]:
    """Read, create, and write the answers, in one transaction; each wish fails for itself."""
    requests: dict[int, TaskRequest] = {}
    answers: dict[int, Answer | Exception] = {}
    for position, wish in enumerate(wishes):
        try:
            own = {"task_uuid": engine.ids.new(), "traceparent": wish.traceparent}
            requests[position] = read_request(read_object(wish.body), **own)
        except (ApiError, ClientError) as error:
            answers[position] = error
    made = engine.create_each(list(requests.values()))
    for position, created in zip(requests, made, strict=True):
        try:
            answers[position] = _answer(engine, created, wishes[position].return_duplicates)
        except (ApiError, ClientError) as error:
            answers[position] = error
    return [answers[position] for position in range(len(wishes))]


def _answer(engine: Engine, created: Created | ClientError, return_duplicates: bool) -> Answer:
    if isinstance(created, ClientError):
        if isinstance(created, DuplicateTaskError) and return_duplicates:
            return REPLAYED, to_bytes(engine.views.task(created.task_uuid))
        raise created
    if created.fresh is None:
        return REPLAYED, to_bytes(engine.views.task(created.task))
    return CREATED, to_bytes(engine.views.fresh(*created.fresh))
