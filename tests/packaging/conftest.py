"""The wheel, built once, and environments in which it is installed far from the sources."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.packaging.interpreters import parameters
from tests.packaging.programs import ROOT, run


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("wheel")
    run([sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", directory, ROOT], directory)
    (built,) = directory.glob("*.whl")
    return built


@pytest.fixture(scope="session", params=parameters())
def installed(request: pytest.FixtureRequest, wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that holds the wheel and its dependencies: returns its directory of programs."""
    directory = tmp_path_factory.mktemp("outside")
    run([request.param, "-m", "venv", directory / "venv"], directory)
    programs = directory / "venv/bin"
    run([programs / "python", "-m", "pip", "install", "--quiet", "--no-compile", wheel], directory)
    return programs
