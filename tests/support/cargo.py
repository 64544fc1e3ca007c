"""Cargo: commands of the packages in Rust, with one target directory that is kept between runs."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TARGET = ROOT / ".build" / "rust"

needs_cargo = [
    # Cargo lets one of its kind into a target directory at a time.
    pytest.mark.xdist_group("rust"),
    pytest.mark.skipif(shutil.which("cargo") is None, reason="RUST IS NOT TESTED: there is no cargo"),
]


def without_settings(**more: str) -> dict[str, str]:
    """The environment, but for Tasker's own variables."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TASKER_")}
    return {**kept, "CARGO_TARGET_DIR": str(TARGET), "CARGO_TERM_COLOR": "never", **more}


def cargo(package: Path, *arguments: str, **environment: str) -> str:
    """What the command prints; it must succeed."""
    done = _run(package, *arguments, **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def fetch(package: Path) -> None:
    """Have the sources of what it depends on, or skip the test."""
    fetched = _run(package, "fetch", "--quiet")
    if fetched.returncode:
        pytest.skip(f"{package.name.upper()} IS NOT TESTED: its dependencies can't be fetched: {fetched.stderr[-300:]}")


def _run(package: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["cargo", *arguments],
        cwd=package,
        env=without_settings(**environment),
        capture_output=True,
        text=True,
        timeout=300,
    )
