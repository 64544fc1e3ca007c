"""The Pythons of this machine that Tasker supports."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

SUPPORTED = ((3, 11), (3, 12), (3, 13), (3, 14))


def interpreters() -> dict[str, Path]:
    """Returns one interpreter for each supported version that is found, the running one first: ``{"3.11": path}``."""
    found: dict[str, Path] = {}
    for program in _candidates():
        version = _version(program)
        if version in SUPPORTED:
            found.setdefault(".".join(map(str, version)), program)
    return found


def parameters() -> list[ParameterSet]:
    """The running one and the newest, to parametrize tests by: an environment takes half a minute to make, and what
    differs between two versions shows at the ends. All of them with ``TASKER_TEST_PYTHONS=all``.

    Tests of one interpreter stay together, for they share its environment.
    """
    found = interpreters()
    ends = {next(iter(found)), max(found, key=lambda version: tuple(map(int, version.split("."))))}
    return [
        pytest.param(path, id=version, marks=pytest.mark.xdist_group(f"packaging-{version}"))
        for version, path in found.items()
        if version in ends or os.environ.get("TASKER_TEST_PYTHONS") == "all"
    ]


def _candidates() -> Iterator[Path]:
    yield Path(sys.executable)
    for directory in os.environ.get("PATH", os.defpath).split(os.pathsep):
        for major, minor in SUPPORTED:
            yield Path(directory) / f"python{major}.{minor}"
    yield from sorted(Path.home().glob(".pyenv/versions/*/bin/python"), reverse=True)


def _version(program: Path) -> tuple[int, ...] | None:
    """Asks it: a version manager's shim may have no Python behind it, and a bare one can't make environments."""
    question = "import sys, ensurepip; print(*sys.version_info[:2])"
    try:
        answer = subprocess.run([program, "-c", question], capture_output=True, text=True, timeout=30, check=False)
    except OSError:
        return None
    return tuple(map(int, answer.stdout.split())) if answer.returncode == 0 else None
