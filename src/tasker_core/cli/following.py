"""Following a task until it is at rest, before the user's eyes or line by line."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import RenderableType
from rich.live import Live

from tasker_core.cli.output import people, took
from tasker_core.client import TaskerClient
from tasker_core.types import StepResponse

REFRESH = 0.1
INTERRUPTED = 130
MOST_WATCHED = 500
"""Steps that are read again and again while a task is watched."""


def follow(client: TaskerClient, task: str, note: Callable[[], None] | None, timeout: float | None = None) -> bool:
    """Call ``note`` again and again until the task is at rest, and once then. False when Ctrl-C came before.

    Raises the builtin TimeoutError after ``timeout`` seconds.
    """
    interrupted = threading.Event()
    before = signal.signal(signal.SIGINT, lambda *_: interrupted.set())
    deadline = None if timeout is None else time.monotonic() + timeout
    try:
        while not interrupted.is_set():
            try:
                client.wait(task, timeout=REFRESH)
                return True
            except TimeoutError:
                if deadline is not None and time.monotonic() >= deadline:
                    raise
            finally:
                if note is not None:
                    note()
        return False
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def before_the_eyes(view: Callable[[], RenderableType], *, stays: bool) -> Iterator[Callable[[], None]]:
    """What to call to have the terminal show ``view`` as it is now; at the end its last state ``stays`` or goes."""
    with Live(console=people, refresh_per_second=1 / REFRESH, transient=not stays) as live:
        yield lambda: live.update(view(), refresh=True)


class Changes:
    """The steps that have changed since they were last asked for."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[str, int]] = {}

    def of(self, steps: Sequence[StepResponse]) -> Iterator[StepResponse]:
        for step in steps:
            now = (step.current_state, step.attempts)
            if step.current_state != "pending" and self._seen.get(step.name) != now:
                self._seen[step.name] = now
                yield step


class Journal:
    """A line for each change of a step, for output that isn't a terminal."""

    def __init__(self) -> None:
        self._changes = Changes()

    def note(self, steps: Sequence[StepResponse]) -> None:
        for step in self._changes.of(steps):
            people.print(
                f"{step.name}: {step.current_state}, attempt {step.attempts} of {step.max_attempts} {took(step)}"
            )
