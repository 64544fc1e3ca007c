"""What this process remembers of unfinished tasks, so that a step's inputs are rarely read from the store."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable

from tasker_core.forks import renew_in_children
from tasker_core.words import JsonText

LARGEST_MEMORY = 64 * 1024 * 1024


class TaskMemory:
    """A task's context and the results known here: step number -> JSON text, None for one without a result."""

    __slots__ = ("context", "correlation_id", "epoch", "results", "size", "template", "traceparent", "uuid")

    def __init__(
        self, uuid: str, template: str, context: JsonText, correlation_id: str, epoch: int = 0,
        traceparent: str | None = None,
    ) -> None:  # fmt: skip
        self.uuid = uuid
        self.template = template
        self.context = context
        self.correlation_id = correlation_id
        self.epoch = epoch
        self.traceparent = traceparent
        self.results: dict[int, JsonText | None] = {}
        self.size = len(context) + 500


class Memory:
    """The tasks remembered, the least recently used forgotten first. ``largest`` is in bytes, roughly.

    An entry is only good for the epoch of its task: an operator who changes results raises it.
    """

    def __init__(self, largest: int = LARGEST_MEMORY) -> None:
        self._largest = largest
        self.begin_anew()
        renew_in_children(self)

    def begin_anew(self) -> None:
        """Remember nothing."""
        self._tasks: OrderedDict[int, TaskMemory] = OrderedDict()
        self._numbers: dict[str, int] = {}
        self._size = 0
        self._lock = threading.Lock()

    def number(self, uuid: str) -> int | None:
        """The number of a task that is remembered."""
        return self._numbers.get(uuid)

    def recall(self, task: int, epoch: int) -> TaskMemory | None:
        with self._lock:
            memory = self._tasks.get(task)
            if memory is None:
                return None
            if memory.epoch != epoch:
                self._drop(task)
                return None
            self._tasks.move_to_end(task)
            return memory

    def remember(self, task: int, memory: TaskMemory) -> TaskMemory:
        with self._lock:
            self._drop(task)
            self._tasks[task] = memory
            self._numbers[memory.uuid] = task
            self._size += memory.size
            while self._size > self._largest and len(self._tasks) > 1:
                self._drop(next(iter(self._tasks)))
        return memory

    def learn(self, task: int, no: int, result: JsonText | None) -> None:
        """Step ``no`` of ``task`` finished with ``result``."""
        with self._lock:
            memory = self._tasks.get(task)
            if memory is not None and no not in memory.results:
                memory.results[no] = result
                size = len(result or "") + 100
                memory.size += size
                self._size += size

    def forget(self, tasks: Iterable[int]) -> None:
        with self._lock:
            for task in tasks:
                self._drop(task)

    def _drop(self, task: int) -> None:
        memory = self._tasks.pop(task, None)
        if memory is not None:
            self._size -= memory.size
            self._numbers.pop(memory.uuid, None)
