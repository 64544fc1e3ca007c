"""The worker processes of a chaos run, and what is done to them."""

from __future__ import annotations

import random
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.workshop import Background

HANDLERS = "tests.chaos.handlers"
SLOTS = 4
UNHEARD_OF = ("Traceback", "duplicate key", "UNIQUE constraint", "are lost")
PAUSE = (1.0, 4.0)
"""Seconds between two blows, from and to."""


@dataclass
class Blows:
    """What was done: the moments of the kills by process id (seconds since the epoch), and how many stops."""

    kills: dict[int, float] = field(default_factory=dict)
    short_stops: int = 0
    long_stops: int = 0
    starts_without_database: int = 0


class Crew:
    """``size`` workers on the store at ``url``; who is killed is replaced. A ``with`` block that ends them all."""

    def __init__(self, size: int, url: str, lease: float, directory: Path, say: Callable[[str], None]) -> None:
        self._url, self._lease, self._directory, self._say = url, lease, directory, say
        self._started = 0
        self.blows = Blows()
        self.complaints: list[str] = []
        self.workers = [self._start() for _ in range(size)]

    def _start(self) -> Background:
        self._started += 1
        log = self._directory / f"worker-{self._started}.log"
        arguments = ("worker", "--handlers", HANDLERS, "--concurrency", str(SLOTS), "--name", f"worker-{self._started}")
        return Background(*arguments, log=log, url=self._url, TASKER_LEASE_SECONDS=str(self._lease))

    def kill(self, place: int) -> None:
        """SIGKILL, and another worker in its place."""
        doomed = self.workers[place]
        self.blows.kills[doomed.pid] = time.time()
        doomed.kill()
        self._say(f"killed process {doomed.pid}")
        self.workers[place] = self._start()

    def suspend(self, place: int, seconds: float) -> threading.Timer:
        """SIGSTOP for ``seconds``; the returned timer lets it go on."""
        stopped = self.workers[place]
        stopped.signal(signal.SIGSTOP)
        self._say(f"stopped process {stopped.pid} for {seconds:.1f} s")
        timer = threading.Timer(seconds, stopped.signal, [signal.SIGCONT])
        timer.daemon = True
        timer.start()
        return timer

    def look_after(self) -> None:
        """Whoever ended by itself is replaced. It may only while it starts, when it finds no database."""
        for place, worker in enumerate(self.workers):
            if not worker.is_running:
                said = worker.output()
                if "serves" not in said and "can't be reached" in said:
                    self.blows.starts_without_database += 1
                else:
                    self.complaints.append(f"a worker ended by itself with code {worker.wait()}:\n{said[-2_000:]}")
                self.workers[place] = self._start()

    def dismiss(self) -> None:
        """Ask all to stop; each must end well."""
        for worker in self.workers:
            worker.signal(signal.SIGCONT)
            worker.signal(signal.SIGTERM)
        for worker in self.workers:
            code = worker.wait()
            # One that hadn't begun holds nothing: the signal may end it.
            if code != 0 and not (code == -signal.SIGTERM and not worker.output()):
                self.complaints.append(
                    f"a worker ended with code {code} when asked to stop:\n{worker.output()[-2_000:]}"
                )

    def check_logs(self) -> None:
        """Workers complain of a database that is away, and of leases that they lost; of nothing else."""
        for log in sorted(self._directory.glob("worker-*.log")):
            said = log.read_text("utf-8", "replace")
            self.complaints += [f"{log.name} says {words!r}:\n{said[-2_000:]}" for words in UNHEARD_OF if words in said]

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self.workers:
            worker.kill()


class Havoc(threading.Thread):
    """Kills and suspends workers of ``crew`` at random; one at most is suspended at a time."""

    def __init__(self, crew: Crew, chance: random.Random, lease: float) -> None:
        super().__init__(name="havoc", daemon=True)
        self._crew, self._chance, self._lease = crew, chance, lease
        self._over = threading.Event()
        self._suspended: threading.Timer | None = None
        self._suspended_place = -1

    def run(self) -> None:
        while not self._over.wait(self._chance.uniform(*PAUSE)):
            self._crew.look_after()
            self._strike()

    def _strike(self) -> None:
        crew, chance = self._crew, self._chance
        blow = chance.choices(["kill", "short stop", "long stop"], [5, 2, 3])[0]
        place = chance.randrange(len(crew.workers))
        is_suspended = self._suspended is not None and self._suspended.is_alive()
        if blow == "kill" or is_suspended:
            if not (is_suspended and place == self._suspended_place):
                crew.kill(place)
            return
        if blow == "short stop":
            crew.blows.short_stops += 1
            seconds = chance.uniform(0.1, 1.0)
        else:
            crew.blows.long_stops += 1
            seconds = self._lease + chance.uniform(1.0, 3.0)
        self._suspended_place, self._suspended = place, crew.suspend(place, seconds)

    def stop(self) -> None:
        """No more blows; whoever is suspended goes on when its time has come."""
        self._over.set()
        self.join()
        if self._suspended is not None:
            self._suspended.join()
