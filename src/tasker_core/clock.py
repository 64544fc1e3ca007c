"""Where time and ids come from; tests pass their own."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from typing import Protocol

from tasker_core.forks import renew_in_children
from tasker_core.words import Micros

SECOND: Micros = 1_000_000


class Clock(Protocol):
    """Tells the time. ``now`` is wall-clock time, ``monotonic`` never goes back and is only good for differences."""

    def now(self) -> Micros: ...

    def monotonic(self) -> Micros: ...


class SystemClock:
    """This machine's clocks."""

    def now(self) -> Micros:
        return time.time_ns() // 1_000

    def monotonic(self) -> Micros:
        return time.monotonic_ns() // 1_000


class ManualClock:
    """A clock that stands still until it is told otherwise, for tests."""

    def __init__(self, now: Micros = 1_800_000_000 * SECOND) -> None:
        self._now = now

    def now(self) -> Micros:
        return self._now

    def monotonic(self) -> Micros:
        return self._now

    def advance(self, seconds: float) -> None:
        """Move on by ``seconds``."""
        self._now += round(seconds * SECOND)


class Ids(Protocol):
    """Makes ids that are never repeated."""

    def new(self) -> str:
        """A UUID."""
        ...

    def stamp(self) -> int:
        """A number for one transaction: 63 random bits."""
        ...


class RandomIds:
    """UUIDv7 (RFC 9562, 5.7): 48 bits of milliseconds, then 74 random bits. Order of ids isn't order of time."""

    def __init__(self) -> None:
        self.begin_anew()
        renew_in_children(self)

    def begin_anew(self) -> None:
        """Draw from a pool of random bytes that no other process knows."""
        self._lock = threading.Lock()
        self._pool = b""

    def stamp(self) -> int:
        return self._bits(8) >> 1

    def new(self) -> str:
        value = (time.time_ns() // 1_000_000) << 80 | self._bits(10)
        return _as_text(value & ~(0xF << 76) | 0x7 << 76)

    def _bits(self, size: int) -> int:
        with self._lock:
            if len(self._pool) < size:
                self._pool = os.urandom(1_000)
            random, self._pool = self._pool[:size], self._pool[size:]
        return int.from_bytes(random, "big")


def _as_text(value: int) -> str:
    """A UUID's usual spelling; the two bits that say which variant it is are set here."""
    text = f"{value & ~(0x3 << 62) | 0x2 << 62:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def stamp_of(word: str) -> int:
    """The stamp of what an operator says with this id, a UUID: the same id again makes the same stamp.

    All of its bits count: those of ids that one machine made by its clock differ only at their beginning.

    >>> stamp_of("01980000-0000-7000-8000-000000000005")
    3517635777594513071
    """
    return int.from_bytes(hashlib.sha256(bytes.fromhex(word.replace("-", ""))).digest()[:8], "big") >> 2


def step_uuid(task: str, no: int) -> str:
    """The public id of step ``no`` of ``task``: derived (UUIDv5), so that no row has to carry it.

    >>> step_uuid("01980000-0000-7000-8000-000000000000", 1)
    '311a7a00-55b4-5519-86f8-4065d1074f45'
    """
    named = bytes.fromhex(task.replace("-", "")) + f"step:{no}".encode()
    value = int.from_bytes(hashlib.sha1(named, usedforsecurity=False).digest()[:16], "big")
    return _as_text(value & ~(0xF << 76) | 0x5 << 76)
