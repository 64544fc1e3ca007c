"""Every worker of the project passes the cases in which the driver is the server."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from protocol.case import cases

ROOT = Path(__file__).resolve().parents[2]


def test_the_worker_of_a_page_passes() -> None:
    assert play([sys.executable, str(ROOT / "tests/protocol/page_worker.py")]) == len(list(cases("worker")))


def play(command: list[str]) -> int:
    """How many cases the worker passes; none may fail."""
    driver = [sys.executable, "-m", "protocol", "--quiet", "worker", "--", *command]
    played = subprocess.run(driver, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert played.returncode == 0, played.stdout + played.stderr
    return int(played.stdout.split()[0])
