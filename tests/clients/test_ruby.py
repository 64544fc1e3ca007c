"""The Ruby gem: its own tests, its linter, what Ruby warns of, and the cases of the worker protocol."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from protocol.case import cases

ROOT = Path(__file__).parents[2]
GEM = ROOT / "clients" / "ruby"

pytestmark = pytest.mark.skipif(
    shutil.which("rake") is None,
    reason="THE RUBY GEM IS NOT TESTED: there is no Ruby (apt-get install rake ruby-minitest)",
)


def rake(*targets: str) -> str:
    """What the targets print; they must pass."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TASKER_")}
    done = subprocess.run(["rake", *targets], cwd=GEM, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_its_own_tests() -> None:
    assert "0 failures, 0 errors, 0 skips" in rake("test")


def test_warnings() -> None:
    rake("warnings")


@pytest.mark.skipif(shutil.which("rubocop") is None, reason="there is no RuboCop (apt-get install rubocop)")
def test_rubocop() -> None:
    assert "no offenses detected" in rake("rubocop")


def test_its_worker_passes_the_cases_of_the_protocol() -> None:
    driver = [sys.executable, "-m", "protocol", "--quiet", "worker", "--", str(GEM / "conformance" / "run")]
    played = subprocess.run(driver, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert played.returncode == 0, played.stdout + played.stderr
    assert int(played.stdout.split()[0]) == len(list(cases("worker")))
