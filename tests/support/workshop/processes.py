"""The ``tasker`` command as a process: run to its end, or left in the background."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

COMMAND = Path(sys.executable).with_name("tasker")
CHECKOUT = Path(__file__).parents[3]
SOURCES = os.pathsep.join([str(CHECKOUT / "src"), str(CHECKOUT)])
TIMEOUT = 60.0


@dataclass(frozen=True)
class Finished:
    """A command that has ended."""

    code: int
    out: str
    err: str


def tasker(
    *arguments: str | Path, cwd: Path | None = None, url: str | None = None, feed: str | None = None, **more: str
) -> Finished:
    """Run ``tasker`` to its end. ``feed`` is its standard input, ``more`` goes into its environment."""
    done = subprocess.run(
        [COMMAND, *map(str, arguments)],
        cwd=cwd,
        env=environment(url, more),
        input=feed,
        stdin=subprocess.DEVNULL if feed is None else None,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
    )
    return Finished(done.returncode, done.stdout, done.stderr)


def environment(url: str | None = None, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment, in which the checkout's packages are found and nothing is coloured or cut."""
    store = {"TASKER_DATABASE_URL": url} if url else {}
    plain = {"NO_COLOR": "1", "TERM": "dumb", "COLUMNS": "400", "PYTHONUNBUFFERED": "1", "PYTHONPATH": SOURCES}
    return {**os.environ, **plain, **store, **(more or {})}


class Background:
    """``tasker`` in the background, its output in a file; a ``with`` block that kills it at the end.

    ``more`` goes into its environment.
    """

    def __init__(
        self, *arguments: str | Path, log: Path, url: str | None = None, cwd: Path | None = None, **more: str
    ) -> None:
        self._log = log
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [COMMAND, *map(str, arguments)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=cwd,
                env=environment(url, more),
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def output(self) -> str:
        return self._log.read_text("utf-8", "replace")

    def await_line(self, words: str, timeout: float = TIMEOUT) -> None:
        """Wait until ``words`` have been printed."""
        deadline = time.monotonic() + timeout
        while words not in self.output():
            assert self.is_running, f"ended before it said {words!r}:\n{self.output()}"
            assert time.monotonic() < deadline, f"never said {words!r}:\n{self.output()}"
            time.sleep(0.01)

    def signal(self, sign: signal.Signals) -> None:
        self._process.send_signal(sign)

    def wait(self, timeout: float = TIMEOUT) -> int:
        return self._process.wait(timeout)

    def kill(self) -> None:
        """SIGKILL: no chance to tidy up."""
        self._process.kill()
        self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
