"""``tasker`` at a terminal of its own: what is typed there, what is seen there, colours and all."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import termios
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.workshop.commands import Call
from tests.support.workshop.processes import TIMEOUT, commands, environment

CONTROLS = re.compile(r"\x1b(?:\[[0-9;?]*[A-Za-z]|[()][AB0]|[=>])|\r")


class Terminal:
    """A terminal in which commands are run one after the other; a ``with`` block that closes it at the end."""

    def __init__(self, directory: Path, url: str, *, columns: int = 140, lines: int = 40, **more: str) -> None:
        self._master, self._slave = pty.openpty()
        fcntl.ioctl(self._slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self._directory = directory
        coloured = {**environment(url, more), "TERM": "xterm-256color"}
        for name in ("NO_COLOR", "COLUMNS", "LINES"):
            coloured.pop(name, None)
        self._environment: Mapping[str, str] = coloured
        self._call: Call | None = None
        self.seen = ""
        """All that was written since the last command was begun, control sequences and all."""

    def begin(self, *arguments: str | Path) -> None:
        """Start ``tasker`` with these arguments."""
        self.seen = ""
        files = (self._slave, self._slave, self._slave)
        address = commands().socket
        self._call = Call(address, [*map(str, arguments)], self._directory, self._environment, files)

    def await_text(self, words: str, timeout: float = TIMEOUT) -> None:
        """Wait until ``words`` have been shown."""
        deadline = time.monotonic() + timeout
        while words not in self.text:
            assert time.monotonic() < deadline, f"never showed {words!r}:\n{self.text}"
            self._read(0.05)

    def end(self) -> int:
        """Wait for the command's end; its exit code."""
        assert self._call is not None
        deadline = time.monotonic() + TIMEOUT
        while (code := self._call.poll()) is None:
            assert time.monotonic() < deadline, f"never ended:\n{self.text}"
            self._read(0.02)
        while self._read(0.0):
            pass
        return code

    def run(self, *arguments: str | Path) -> int:
        """Run ``tasker`` to its end; its exit code."""
        self.begin(*arguments)
        return self.end()

    def press_ctrl_c(self) -> None:
        assert self._call is not None
        self._call.signal(2)

    @property
    def text(self) -> str:
        """What was written, without control sequences."""
        return CONTROLS.sub("", self.seen)

    def _read(self, patience: float) -> bool:
        if not select.select([self._master], [], [], patience)[0]:
            return False
        self.seen += os.read(self._master, 65_536).decode("utf-8", "replace")
        return True

    def close(self) -> None:
        if self._call is not None and self._call.poll() is None:
            self._call.signal(9)
            self._call.wait(TIMEOUT)
        os.close(self._slave)
        os.close(self._master)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
