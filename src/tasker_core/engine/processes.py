"""Processes of this machine: who am I, and is that one still alive?"""

from __future__ import annotations

import os
import socket
import sys
from functools import cache
from pathlib import Path
from typing import NamedTuple

_LINUX = sys.platform.startswith("linux")


class ProcessId(NamedTuple):
    """A process, named so that no later one is taken for it. ``boot`` holds the pid namespace as well: a number means
    nothing in another container."""

    host: str
    boot: str
    pid: int
    started: int

    def __str__(self) -> str:
        return f"{self.host} {self.boot} {self.pid} {self.started}"

    @classmethod
    def parse(cls, text: str) -> ProcessId | None:
        """The process that ``str`` named; None for another text."""
        try:
            host, boot, pid, started = text.split()
            return cls(host, boot, int(pid), int(started))
        except ValueError:
            return None


def this_process() -> ProcessId:
    return ProcessId(socket.gethostname(), _boot(), os.getpid(), _started(os.getpid()) or 0)


def is_here(process: ProcessId) -> bool:
    """Can this process tell whether that one lives?"""
    return process.host == socket.gethostname() and process.boot == _boot()


def is_alive(process: ProcessId) -> bool:
    """Whether ``process``, one of this machine, still runs. A zombie doesn't."""
    if _LINUX:
        return _started(process.pid) == process.started
    try:
        os.kill(process.pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True


def _started(pid: int) -> int | None:
    """The start time of a living process in clock ticks since boot; 0 where the system doesn't tell."""
    if not _LINUX:
        return 0
    try:
        # The command's name may hold spaces and parentheses: what counts comes after the last one.
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except OSError:
        return None
    state, started = fields[0], int(fields[19])
    return None if state in ("Z", "X", "x") else started


@cache
def _boot() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        return f"{boot}/{os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return ""
