"""Workers pass the cases in which the driver is the server. Those in other languages do so in `tests/clients`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from protocol.case import cases

ROOT = Path(__file__).resolve().parents[2]


def passes(*command: str | Path, **environment: str) -> None:
    """The worker that the command starts passes each case."""
    driver = [sys.executable, "-m", "protocol", "--quiet", "worker", "--", *map(str, command)]
    played = subprocess.run(
        driver, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, timeout=240
    )
    assert played.returncode == 0, played.stdout + played.stderr
    assert played.stdout == f"{len(list(cases('worker')))} passed, 0 failed, 0 skipped\n"


def test_the_worker_of_a_page() -> None:
    passes(sys.executable, ROOT / "tests" / "protocol" / "page_worker.py")


def test_the_worker_of_the_python_package() -> None:
    passes(sys.executable, "-m", "protocol.python_worker")
