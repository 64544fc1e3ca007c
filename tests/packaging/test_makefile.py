"""The Makefile makes an environment whole or says that it couldn't."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.xdist_group("packaging")


def make(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name not in {"MAKEFLAGS", "MFLAGS", "PYTHON"}}
    return subprocess.run(
        ["make", "--no-print-directory", *words],
        cwd=ROOT,
        env=environment | variables,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_a_failed_installation_leaves_no_stamp(tmp_path: Path) -> None:
    venv = tmp_path / "venv"
    ended = make("env", f"VENV={venv}", f"PYTHON={sys.executable}", PIP_NO_INDEX="1", PIP_FIND_LINKS="")
    assert ended.returncode != 0
    assert "No matching distribution found" in ended.stderr
    assert (venv / "bin/python").exists()
    assert not (venv / ".installed").exists()


def test_a_python_that_is_too_old_is_named(tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text(f'#!/bin/sh\nexec {sys.executable} -c "import sys; sys.version_info = (3, 9); $2"\n')
    old.chmod(0o755)
    ended = make("env", f"VENV={tmp_path / 'venv'}", f"PYTHON={old}")
    assert ended.returncode != 0
    assert "Tasker needs Python 3.11 or newer" in ended.stderr
    assert not (tmp_path / "venv").exists()


def test_another_python_than_the_environments_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "python3"
    other.write_text("#!/bin/sh\necho 3.99\n")
    other.chmod(0o755)
    venv = tmp_path / "venv"
    (venv / "bin").mkdir(parents=True)
    (venv / "bin/python").symlink_to(sys.executable)
    ended = make("lint", f"VENV={venv}", f"PYTHON={other}")
    assert ended.returncode != 0
    assert "is 3.99: run `make clean` first" in ended.stderr


def test_a_python_that_cannot_run_is_named() -> None:
    ended = make("lint", "PYTHON=python-of-nowhere")
    assert ended.returncode != 0
    assert "PYTHON=python-of-nowhere can't be run" in ended.stderr


def test_help_lists_every_target() -> None:
    listed = {line.split()[0] for line in make("help").stdout.splitlines()}
    searches = {"test", "soak", "chaos", "bench", "bench-peers", "charts"}
    assert {"env", "fmt", "lint", "types", "demo", "docs"} | searches <= listed
