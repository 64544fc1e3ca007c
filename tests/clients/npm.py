"""npm and Node: whether they are there, and what the project's TypeScript has them do."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "clients" / "typescript"


def node_is_there() -> bool:
    """Whether there is npm, and a Node that the package is for."""
    if shutil.which("npm") is None or (node := shutil.which("node")) is None:
        return False
    version = subprocess.run([node, "--version"], capture_output=True, text=True).stdout
    return int(version.removeprefix("v").split(".")[0]) >= 20


def environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TASKER_", "SHOP_"))}
    return {**kept, "NO_COLOR": "1", **more}


def tried(directory: Path, *command: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=directory, env=environment(**more), capture_output=True, text=True, timeout=180)


def run(directory: Path, *command: str, **more: str) -> str:
    """What the command prints; it must succeed."""
    done = tried(directory, *command, **more)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def install(directory: Path) -> None:
    """What the directory's own file names, once for each state of that file."""
    wanted, stamp = (directory / "package.json").read_text(), directory / "node_modules" / ".installed"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    done = tried(directory, "npm", "install")
    if done.returncode:
        pytest.skip(f"THE TYPESCRIPT PACKAGE IS NOT TESTED: npm can't install what it needs: {done.stderr[-300:]}")
    stamp.write_text(wanted)
