"""Two workers, each a process of its own; one that is killed is replaced."""

from __future__ import annotations

import subprocess
import sys
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Self

ROOT = Path(__file__).parent.parent.parent
WORKERS = 2
AT_ONCE = 4


class Crew:
    """A ``with`` block in which workers run on the store ``url``; what they print goes to ``directory``."""

    def __init__(self, url: str, directory: Path) -> None:
        self._url, self._directory = url, directory
        self._numbers = count(1)
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._most_memory = 0

    def __enter__(self) -> Self:
        for _ in range(WORKERS):
            self._hire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._running.values():
            process.terminate()
        for process in self._running.values():
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def kill_one(self) -> str:
        """SIGKILL for the worker that has been there longest, and a new one. The name of the one that is gone."""
        self.most_memory()
        name, process = next(iter(self._running.items()))
        del self._running[name]
        process.kill()
        process.wait()
        self._hire()
        return name

    def most_memory(self) -> int:
        """The most that any of them has held so far, in bytes, as Linux tells it."""
        for process in self._running.values():
            told = Path(f"/proc/{process.pid}/status")
            lines = told.read_text().splitlines() if told.exists() else []
            kibibytes = [int(line.split()[1]) for line in lines if line.startswith("VmHWM:")]
            self._most_memory = max(self._most_memory, *(1024 * each for each in kibibytes), 0)
        return self._most_memory

    def _hire(self) -> None:
        name = f"worker-{next(self._numbers)}"
        command = [
            "worker",
            "--handlers",
            "examples.csv_batches.handlers",
            "--concurrency",
            str(AT_ONCE),
            "--name",
            name,
        ]
        with (self._directory / f"{name}.log").open("wb") as log:
            self._running[name] = subprocess.Popen(
                [sys.executable, "-m", "tasker_core.cli", *command, "--database-url", self._url],
                cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
