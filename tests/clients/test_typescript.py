"""The TypeScript package: its own tests under Node and Bun, against a real server too, its linter, its types."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from protocol.case import cases
from tests.support.served import Served, served

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "clients" / "typescript"


def node_is_there() -> bool:
    """Whether there is npm, and a Node that the package is for."""
    if shutil.which("npm") is None or (node := shutil.which("node")) is None:
        return False
    version = subprocess.run([node, "--version"], capture_output=True, text=True).stdout
    return int(version.removeprefix("v").split(".")[0]) >= 20


pytestmark = [
    # What they build, they build in one place.
    pytest.mark.xdist_group("typescript"),
    pytest.mark.skipif(
        not node_is_there(), reason="THE TYPESCRIPT PACKAGE IS NOT TESTED: there is no Node 20 with npm"
    ),
]


def tried(directory: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TASKER_")}
    here = {**kept, "NO_COLOR": "1", **environment}
    return subprocess.run(command, cwd=directory, env=here, capture_output=True, text=True, timeout=180)


def run(directory: Path, *command: str, **environment: str) -> str:
    """What the command prints; it must succeed."""
    done = tried(directory, *command, **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def install(directory: Path) -> None:
    """What the package's own file names, once for each state of that file."""
    wanted, stamp = (directory / "package.json").read_text(), directory / "node_modules" / ".installed"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    done = tried(directory, "npm", "install")
    if done.returncode:
        pytest.skip(f"THE TYPESCRIPT PACKAGE IS NOT TESTED: npm can't install what it needs: {done.stderr[-300:]}")
    stamp.write_text(wanted)


@pytest.fixture(scope="module")
def package() -> Path:
    install(PACKAGE)
    return PACKAGE


@pytest.fixture
def server(sqlite_url: str) -> Iterator[Served]:
    with served(sqlite_url) as running:
        yield running


def test_its_own_tests(package: Path, server: Served) -> None:
    told = run(package, "npm", "test", TASKER_TEST_SERVER=server.url)
    assert re.search(r"^(#|ℹ) fail 0$", told, re.M)
    assert re.search(r"^(#|ℹ) skipped 0$", told, re.M), told


def test_lint(package: Path) -> None:
    run(package, "npm", "run", "lint")


def test_types(package: Path) -> None:
    run(package, "npm", "run", "types")


def test_its_worker_passes_the_conformance_cases(package: Path) -> None:
    run(package, "npx", "tsc")
    command = [sys.executable, "-m", "protocol", "--quiet", "worker", "--", str(package / "conformance" / "run")]
    played = run(ROOT, *command)
    assert played.startswith(f"{len(list(cases('worker')))} passed"), played


def test_it_needs_nothing_to_run(package: Path) -> None:
    assert "dependencies" not in json.loads((package / "package.json").read_text())


def test_the_answers_have_the_fields_that_the_server_promises(server: Served) -> None:
    promised = server.get("/openapi.json")["components"]["schemas"]
    source = (PACKAGE / "src" / "client" / "responses.ts").read_text()
    declared = dict(re.findall(r"^export interface (\w+) \{\n(.*?)^\}", source, re.M | re.S))
    for name in ("TaskResponse", "StepReadiness", "StepResponse", "StepAuditResponse"):
        fields = set(re.findall(r"^  (\w+)\??:", declared[name], re.M))
        assert fields == promised[name]["properties"].keys(), name
