"""How a worker speaks to the engine. In process it calls it; over HTTP the same sentences are requests."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple, Protocol

from tasker_core.clock import SECOND
from tasker_core.engine import Engine, Heard, Known, StepTransaction
from tasker_core.engine.open import close_engine
from tasker_core.engine.wake import Listener
from tasker_core.rules.template import Template
from tasker_core.store.rows import WorkerRow
from tasker_core.store.steps import Look
from tasker_core.words import ClaimRequest, JsonText, LeaseKey, Micros, Reply, Report

BEAT_EVERY: Micros = 2 * SECOND


def beat_every(lease_time: Micros) -> Micros:
    """How often a worker beats: five times in a lease time, and at least every 2 s."""
    return min(BEAT_EVERY, lease_time // 5)


class Registered(NamedTuple):
    """A worker as reports and claims name it, and as people do."""

    number: int
    uuid: str


class Transport(Protocol):
    """The sentences between a worker and the engine.

    ``wants`` names, per lane, the ancestors whose results the handler declared; ``name`` says where the engine's tasks
    are. Where ``is_remote``, the engine may take a worker for dead that runs on, without a word from here.
    """

    is_remote: bool

    @property
    def name(self) -> str: ...
    @property
    def lease_time(self) -> Micros: ...
    @property
    def beat_every(self) -> Micros: ...
    def close(self) -> None: ...
    def now(self) -> Micros: ...
    def new_id(self) -> str: ...
    def register(self, worker: WorkerRow, wants: Mapping[str, Sequence[str]]) -> Registered: ...
    def serve(self, worker: int, lanes: Collection[str], wants: Mapping[str, Sequence[str]]) -> None: ...
    def look(self, lanes: Sequence[str]) -> Look: ...
    def claim(self, request: ClaimRequest) -> Reply: ...
    def report(self, worker: int, reports: Sequence[Report], request: ClaimRequest | None) -> Reply: ...
    def enqueue_due(self, worker: int) -> int: ...
    def beat(self, worker: int, believed: Collection[LeaseKey]) -> Heard: ...
    def give_back(self, worker: int, keys: Collection[LeaseKey]) -> None: ...
    def sweep(self) -> int: ...
    def drain(self, worker: int) -> None: ...
    def end(self, worker: int) -> None: ...
    def result_of(self, task: int, template: str, step: str) -> JsonText | None: ...
    def lend(self) -> StepTransaction: ...
    def known(self, template: str) -> Known: ...
    def templates(self) -> Sequence[Known]: ...
    def register_template(self, template: Template, *, replace: bool) -> Sequence[str]: ...
    def has_limits(self) -> bool: ...
    def is_limited(self, lane: str) -> bool: ...
    def change_mark(self) -> int: ...
    def hears_hints(self) -> bool: ...
    def listen(self, listener: Listener) -> Callable[[], None]: ...
    def tell_when_given_up(self, tell: Callable[[int], None]) -> None: ...


class InProcess:
    """The engine of this process. One per worker: its listener needs no hints about its own work."""

    is_remote = False

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._listener: Listener | None = None

    def now(self) -> Micros:
        return self._engine.clock.now()

    def new_id(self) -> str:
        return self._engine.ids.new()

    @property
    def name(self) -> str:
        return self._engine.store.database.name

    @property
    def lease_time(self) -> Micros:
        return self._engine.lease_time

    @property
    def beat_every(self) -> Micros:
        return beat_every(self._engine.lease_time)

    def close(self) -> None:
        """Hand the engine back."""
        close_engine(self._engine)

    def register(self, worker: WorkerRow, wants: Mapping[str, Sequence[str]]) -> Registered:
        del wants  # a claim brings them
        number = self._engine.store.workers.register(worker)
        self._engine.gates.attend(number)
        return Registered(number, worker.uuid)

    def serve(self, worker: int, lanes: Collection[str], wants: Mapping[str, Sequence[str]]) -> None:
        del wants
        self._engine.store.workers.serve(worker, lanes)

    def look(self, lanes: Sequence[str]) -> Look:
        return self._engine.look(lanes)

    def claim(self, request: ClaimRequest) -> Reply:
        return self._engine.claim(request)

    def report(self, worker: int, reports: Sequence[Report], request: ClaimRequest | None) -> Reply:
        return self._engine.settle(reports, f"worker {worker}", request, but=self._listener)

    def enqueue_due(self, worker: int) -> int:
        return self._engine.enqueue_due(f"worker {worker}")

    def beat(self, worker: int, believed: Collection[LeaseKey]) -> Heard:
        return self._engine.beat(worker, believed)

    def give_back(self, worker: int, keys: Collection[LeaseKey]) -> None:
        self._engine.give_back(worker, keys, "the worker doesn't know of this lease")

    def sweep(self) -> int:
        return self._engine.sweep()

    def drain(self, worker: int) -> None:
        self._engine.store.workers.drain(worker)

    def end(self, worker: int) -> None:
        self._engine.store.workers.end(worker)
        self._engine.stop_sweeping()

    def result_of(self, task: int, template: str, step: str) -> JsonText | None:
        return self._engine.result_of(task, template, step)

    def lend(self) -> StepTransaction:
        return self._engine.lend()

    def known(self, template: str) -> Known:
        return self._engine.catalog.known(template)

    def templates(self) -> Sequence[Known]:
        self._engine.catalog.refresh()
        return self._engine.catalog.current()

    def register_template(self, template: Template, *, replace: bool) -> Sequence[str]:
        """The differences for which it was refused, if it was."""
        return self._engine.catalog.register(template, replace=replace).refused

    def has_limits(self) -> bool:
        """Whether a limit or a breaker concerns any step."""
        return self._engine.gates.are_any

    def is_limited(self, lane: str) -> bool:
        """Whether a limit or a breaker concerns the steps of ``lane``."""
        return self._engine.gates.gate(lane) is not None

    def change_mark(self) -> int:
        return self._engine.store.database.change_mark()

    def hears_hints(self) -> bool:
        """Whether another process's commits are noticed without looking."""
        return self._engine.hears_hints

    def listen(self, listener: Listener) -> Callable[[], None]:
        self._listener = listener
        self._engine.hear_hints()
        return self._engine.wake.listen(listener)

    def tell_when_given_up(self, tell: Callable[[int], None]) -> None:
        """A heartbeat hears of it soon enough."""
