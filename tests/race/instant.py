"""Several connections to one database, and acts that begin at the same instant."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from threading import Barrier
from typing import Any

from tasker_core.store import Store, open_database
from tests.race.beside import Beside
from tests.race.player import QUESTIONS
from tests.race.soundness import sound
from tests.support.graphs import Stage


class Hands:
    """Stages on one database, each with connections of its own; the first one prepares what they race for."""

    def __init__(self, stages: Sequence[Stage], beside: Beside, pool: ThreadPoolExecutor) -> None:
        self.stages = stages
        self.first = stages[0]
        self.beside = beside
        self._pool = pool
        for stage in stages:
            # One clock, so that whoever acts for another acts at the same time.
            stage.clock = self.first.clock

    def at_once(self, *acts: Callable[[], object]) -> list[Any]:
        """Do all ``acts`` at the same instant, each in a thread of its own; their answers."""
        start = Barrier(len(acts), timeout=60)

        def do(act: Callable[[], object]) -> object:
            start.wait()
            return act()

        return list(self._pool.map(do, acts))

    def all_is_sound(self) -> None:
        """Nothing that must hold at every moment is broken."""
        sound(self.beside.read(*QUESTIONS))


@contextmanager
def hands(url: str, count: int) -> Iterator[Hands]:
    """``count`` connections to the store at ``url``, which is migrated."""
    with ExitStack() as end:
        stages = []
        for _ in range(count):
            database = open_database(url)
            database.migrate()
            store = Store(database)
            end.callback(store.close)
            stages.append(Stage(store))
        beside = Beside(stages[0].store)
        end.callback(beside.close)
        pool = end.enter_context(ThreadPoolExecutor(count + 1))
        yield Hands(stages, beside, pool)
