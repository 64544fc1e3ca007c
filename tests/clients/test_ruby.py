"""The Ruby gem: its own tests, its linter, what Ruby warns of."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

GEM = Path(__file__).parents[2] / "clients" / "ruby"

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
