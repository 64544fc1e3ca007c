"""What a client asks, as a value: a sentence to the engine of this process, and the same as a request to a server."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from tasker_core.client.local import Local
from tasker_core.errors import ClientError

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Request:
    """A request to a server. Whatever a client asks may be asked again, where the answer was lost.

    ``is_done`` tells, of the error that a repeated request gets, whether the first one did what was asked: then the
    answer is None. ``once`` is for a question whose failure is an answer.
    """

    path: str
    method: str = "GET"
    query: Mapping[str, Any] = field(default_factory=dict)
    body: str | None = None
    is_done: Callable[[ClientError], bool] | None = None
    once: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Call(Generic[R]):
    """One question. The answer is the same plain data ``here`` and ``there``; ``read`` makes its value from it.

    ``pause`` is for how many seconds to wait before asking, ``waiting`` for how many the answer may be held back, since
    something is waited for. ``bound`` says that it uses what belongs to the caller's thread.
    """

    here: Callable[[Local], Any]
    there: Callable[[], Request]
    read: Callable[[Any], R]
    pause: float = 0.0
    waiting: float = 0.0
    bound: bool = False


def ask_through(do: Callable[[Call[R]], R], questions: Generator[Call[R], R, R]) -> R:
    """What ``questions``, each of which may depend on the answer before, come to; ``do`` asks one."""
    try:
        question = next(questions)
        while True:
            question = questions.send(do(question))
    except StopIteration as end:
        answer: R = end.value
        return answer


async def ask_through_async(do: Callable[[Call[R]], Awaitable[R]], questions: Generator[Call[R], R, R]) -> R:
    """The same for an event loop."""
    try:
        question = next(questions)
        while True:
            question = questions.send(await do(question))
    except StopIteration as end:
        answer: R = end.value
        return answer
