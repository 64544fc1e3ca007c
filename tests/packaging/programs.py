"""Running programs as a user would who never saw the checkout."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]


def run(command: Sequence[str | Path], directory: Path, **variables: str) -> str:
    """Runs a program as a user would who never saw the checkout; returns what it printed."""
    hidden = {"VIRTUAL_ENV", "MAKEFLAGS", "MFLAGS"}
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON") and k not in hidden}
    ended = subprocess.run(
        command,
        cwd=directory,
        env=environment | variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert ended.returncode == 0, f"{' '.join(map(str, command))}\n{ended.stdout}{ended.stderr}"
    return ended.stdout
