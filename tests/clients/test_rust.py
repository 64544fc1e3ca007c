"""The Rust crate: its own tests, against a real server too, its linter, its formatter."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.served import Served, served

ROOT = Path(__file__).parents[2]
CRATE = ROOT / "clients" / "rust"
TARGET = ROOT / ".build" / "rust"
"""Kept between runs: what others wrote is compiled once."""

pytestmark = [
    # Cargo lets one of its kind into a target directory at a time.
    pytest.mark.xdist_group("rust"),
    pytest.mark.skipif(shutil.which("cargo") is None, reason="THE RUST CRATE IS NOT TESTED: there is no cargo"),
]


def cargo(*arguments: str, **environment: str) -> str:
    """What the command prints; it must succeed."""
    done = tried(*arguments, **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def tried(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TASKER_")}
    here = {**kept, "CARGO_TARGET_DIR": str(TARGET), "CARGO_TERM_COLOR": "never", **environment}
    return subprocess.run(["cargo", *arguments], cwd=CRATE, env=here, capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def crates() -> None:
    """The crates that it depends on, as sources."""
    fetched = tried("fetch", "--quiet")
    if fetched.returncode:
        pytest.skip(f"THE RUST CRATE IS NOT TESTED: its dependencies can't be fetched: {fetched.stderr[-300:]}")


@pytest.fixture
def server(sqlite_url: str) -> Iterator[Served]:
    with served(sqlite_url) as running:
        yield running


@pytest.mark.usefixtures("crates")
def test_its_own_tests(server: Served) -> None:
    # They wait more than they compute.
    told = cargo("test", "--", "--include-ignored", "--test-threads", "16", TASKER_URL=server.url)
    assert "0 ignored" in told
    assert told.count("test result: ok") == 4, told


@pytest.mark.usefixtures("crates")
def test_clippy() -> None:
    cargo("clippy", "--all-targets", "--", "-D", "warnings")


def test_format() -> None:
    cargo("fmt", "--check")
