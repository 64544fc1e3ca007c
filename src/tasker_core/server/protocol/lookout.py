"""What a server with remote workers has to see to: what becomes ready for those who wait, and who has died."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable

from tasker_core.clock import SECOND
from tasker_core.engine import Engine
from tasker_core.errors import StoreError
from tasker_core.server.protocol.desk import Desk
from tasker_core.server.protocol.desks import Desks
from tasker_core.worker.pulse import SWEEP_EVERY

log = logging.getLogger("tasker.server")

POLL = 0.02
"""Seconds between looks whether another process has committed."""
LOOK_LEAST, LOOK_LEAST_UNHINTED = 1.0, 0.2
"""Seconds between looks at what waits when nothing was noticed, where hints of other processes come and where not."""
FORGET_AFTER = 600.0


class Lookout:
    """Two threads, from the first worker on."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.desks = Desks(engine, self._begin)
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()

    def release(self) -> None:
        """Let go of all who wait."""
        for desk in self.desks.here():
            desk.wait_no_more()

    def stop(self) -> None:
        """End, with nobody waiting any more."""
        self._over.set()
        for desk in self.desks.here():
            desk.close()
        for thread in self._threads:
            thread.join(5.0)
        if self._threads:
            self._engine.stop_sweeping()

    def _begin(self) -> None:
        with self._lock:
            if self._threads or self._over.is_set():
                return
            for name, run in (("tasker-server-lookout", self._look_out), ("tasker-server-sweeper", self._sweep)):
                self._threads.append(threading.Thread(target=run, name=name, daemon=True))
        for thread in self._threads:
            thread.start()

    def _look_out(self) -> None:
        mark, next_look = None, 0.0
        while not self._over.wait(POLL):
            try:
                seen = self._engine.store.database.change_mark()
                waiting = [desk for desk in self.desks.here() if desk.waits]
                noticed = seen not in (mark, -1)
                mark = seen
                if not waiting or not (noticed or time.monotonic() >= next_look):
                    continue
                due_in = self._look_for(waiting)
                least = LOOK_LEAST if self._engine.hears_hints else LOOK_LEAST_UNHINTED
                next_look = time.monotonic() + min(least, due_in)
            except StoreError as error:
                log.warning("what waits for remote workers can't be looked at: %s", error)
                self._over.wait(LOOK_LEAST)
            except Exception:
                log.exception("what waits for remote workers can't be looked at")
                self._over.wait(LOOK_LEAST)

    def _look_for(self, waiting: Iterable[Desk]) -> float:
        """Ring for those of whom something waits; in how many seconds the next retry is due."""
        engine = self._engine
        lanes = sorted({lane for desk in waiting for lane in desk.lanes})
        look = engine.look(lanes)
        if look.next_due is not None and look.next_due <= engine.clock.now():
            engine.enqueue_due("server")
            look = engine.look(lanes)
        for desk in waiting:
            desk.see(look)
        return LOOK_LEAST if look.next_due is None else max((look.next_due - engine.clock.now()) / SECOND, 0.0)

    def _sweep(self) -> None:
        while not self._over.wait(SWEEP_EVERY):
            try:
                self._engine.sweep()
                self.desks.forget_silent(FORGET_AFTER)
            except StoreError as error:
                log.warning("lost workers can't be looked for: %s", error)
            except Exception:
                log.exception("lost workers can't be looked for")
