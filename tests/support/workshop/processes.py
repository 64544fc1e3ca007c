"""The ``tasker`` command as a process: run to its end, or left in the background."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from tests.support.workshop.commands import Call, Commands

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
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        given.write((feed or "").encode())
        given.seek(0)
        call = _call(arguments, cwd, environment(url, more), given, out, err)
        try:
            code = call.wait(TIMEOUT)
        except TimeoutError:
            call.signal(signal.SIGKILL)
            raise
        told = []
        for file in (out, err):
            file.seek(0)
            told.append(file.read().decode("utf-8", "replace"))
        return Finished(code, *told)


def _call(arguments: Sequence[str | Path], cwd: Path | None, variables: Mapping[str, str], *files: IO[bytes]) -> Call:
    address = commands().socket
    return Call(address, [*map(str, arguments)], cwd or Path.cwd(), variables, [file.fileno() for file in files])


@cache
def commands() -> Commands:
    """The process of this one that forks commands."""
    started = Commands(environment())
    atexit.register(started.close)
    return started


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
        with log.open("wb") as output, Path(os.devnull).open("rb") as nothing:
            self._call = _call(arguments, cwd, environment(url, more), nothing, output, output)

    @property
    def pid(self) -> int:
        return self._call.pid

    @property
    def is_running(self) -> bool:
        return self._call.poll() is None

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
        self._call.signal(sign)

    def wait(self, timeout: float = TIMEOUT) -> int:
        return self._call.wait(timeout)

    def kill(self) -> None:
        """SIGKILL: no chance to tidy up."""
        self._call.signal(signal.SIGKILL)
        self._call.wait(TIMEOUT)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
