"""The process of the worker that is played against."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path


class WorkerProcess:
    """Its environment tells it the server and the file of its effects; what it prints is kept for who asks why."""

    def __init__(self, command: Sequence[str], url: str, environment: dict[str, str]) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="conformance-"))
        self.effects = self.directory / "effects"
        self.printed = self.directory / "printed"
        told = {
            "TASKER_URL": url,
            "TASKER_API_KEY": API_KEY,
            "TASKER_CONFORMANCE_SLOTS": "2",
            "TASKER_CONFORMANCE_EFFECTS": str(self.effects),
        }
        self.effects.touch()
        with self.printed.open("wb") as output:
            self._process = subprocess.Popen(
                command, env={**os.environ, **told, **environment}, stdout=output, stderr=output, start_new_session=True
            )

    def lines_of(self, keys: Sequence[str]) -> list[str]:
        """The lines of the effects that name one of the idempotency keys."""
        lines = self.effects.read_text(encoding="utf-8").splitlines()
        return [line for line in lines if any(key in line for key in keys)]

    def signal(self, name: str) -> None:
        self._process.send_signal(signal.Signals[f"SIG{name}"])

    def exit_code(self, seconds: float) -> int | None:
        """None where it runs on for so long."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def end(self) -> None:
        """End it, with all that it has started."""
        if self._process.poll() is None:
            self._process.terminate()
            if self.exit_code(5) is None:
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        shutil.rmtree(self.directory)

    def last_words(self, lines: int = 15) -> str:
        text = self.printed.read_text(encoding="utf-8", errors="replace")
        return "\n".join(f"    | {line}" for line in text.splitlines()[-lines:])


API_KEY = "conformance-key"
