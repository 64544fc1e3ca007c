"""What a peer is told to do, and how its processes find each other."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

START_WITHIN = 60.0


@dataclass(frozen=True, slots=True)
class Order:
    """One workload for one peer. ``url`` is where it keeps its state, ``directory`` is its own for this run."""

    peer: str
    workload: str
    tasks: int
    url: str = ""
    directory: str = ""
    servers: tuple[int, ...] = ()
    """The processes that keep the state, whose CPU is the peer's too."""
    role: str = "submitter"

    @classmethod
    def read(cls, text: str) -> Order:
        return cls(**json.loads(text))

    def at(self, url: str, directory: str, servers: Sequence[int]) -> Order:
        return dataclasses.replace(self, url=url, directory=directory, servers=tuple(servers))

    def written(self, role: str) -> str:
        return json.dumps(dataclasses.asdict(dataclasses.replace(self, role=role)))

    @property
    def width(self) -> int:
        """How many steps lie side by side in the middle of a fan."""
        return {"b": 8, "c": 1_000}.get(self.workload, 0)

    @property
    def steps(self) -> int:
        return self.width + 2 if self.width else 5

    def path(self, name: str) -> Path:
        return Path(self.directory) / name


@contextmanager
def worker(order: Order) -> Iterator[int]:
    """The peer's worker in a process of its own, ready; yields its process id, stops it at the end."""
    ready = order.path("ready")
    ready.unlink(missing_ok=True)
    with order.path("worker.log").open("ab") as log:
        command = [sys.executable, "-m", f"bench.peers.inside.{order.peer}", order.written("worker")]
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    try:
        deadline = time.monotonic() + START_WITHIN
        while not ready.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the worker of {order.peer} didn't start:\n{tail(order.path('worker.log'))}")
            time.sleep(0.02)
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def is_ready(order: Order) -> None:
    """Said by a worker when it can take work."""
    order.path("ready").touch()


def end_with_parent() -> None:
    """A worker whose submitter was killed would go on for ever: end it, with its children."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os.killpg(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, name="parent", daemon=True).start()


def until_told_to_stop() -> None:
    over = threading.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, lambda *_: over.set())
    over.wait()


def begun(directory: str) -> None:
    """Said by each handler; the first one of all writes down when."""
    if directory not in _seen:
        _seen.add(directory)
        with suppress(FileExistsError):
            file = os.open(f"{directory}/first", os.O_CREAT | os.O_EXCL | os.O_WRONLY)
            os.write(file, repr(time.time()).encode())
            os.close(file)


_seen: set[str] = set()


def tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-15:]) if log.exists() else ""
