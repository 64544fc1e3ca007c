"""A serving process, as the supervisor sees it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum
from typing import Any, TypeAlias

from tasker_core.dev.options import Options

Said: TypeAlias = Callable[["Process", dict[str, Any]], None]
Ended: TypeAlias = Callable[["Process", int], None]


class Stage(StrEnum):
    """How far a process is."""

    LOADING = "loading"
    STARTING = "starting"
    SERVING = "serving"
    LEAVING = "leaving"


class Process:
    """A process from its start. ``said`` gets what it reports, ``ended`` its exit code; both from another thread."""

    def __init__(self, options: Options, listening: socket.socket, said: Said, ended: Ended) -> None:
        self.stage = Stage.LOADING
        self.has_failed = False
        self.began = time.monotonic()
        self._said, self._ended = said, ended
        reports, child_reports = os.pipe()
        child_orders, orders = os.pipe()
        self._orders = os.fdopen(orders, "wb", buffering=0)
        descriptors = (listening.fileno(), child_reports, child_orders)
        command = [sys.executable, "-B", "-m", "tasker_core.dev.child", options.as_text(), *map(str, descriptors)]
        # Compiled files are told from outdated ones by size and second: two quick edits could look the same. Hence -B.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            self._process = subprocess.Popen(command, pass_fds=descriptors)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            os.close(child_reports)
            os.close(child_orders)
        self._reports = os.fdopen(reports, encoding="utf-8")
        threading.Thread(target=self._follow, name="tasker-dev-reports", daemon=True).start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def age(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.began

    def go(self) -> None:
        """Let the process, which has loaded everything, begin to serve."""
        self.stage = Stage.STARTING
        self._order(b"go\n")

    def retire(self) -> None:
        """Another process serves: let it take nothing more, answer and finish what it has, and end."""
        self.stage = Stage.LEAVING
        self._order(b"replaced\n")

    def leave(self) -> None:
        """Let it take nothing more, finish what runs, and end."""
        self.stage = Stage.LEAVING
        self._process.terminate()

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()

    def _order(self, words: bytes) -> None:
        with suppress(BrokenPipeError, ValueError):  # it has ended just now
            self._orders.write(words)

    def _follow(self) -> None:
        for line in self._reports:
            self._said(self, json.loads(line))
        code = self._process.wait()
        self._reports.close()
        self._orders.close()
        self._ended(self, code)
