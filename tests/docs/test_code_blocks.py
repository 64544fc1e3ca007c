"""Every code block of the README, of docs/ and of the examples does what its reader expects."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.code_blocks import code_blocks
from tests.support.console import TERMINAL
from tests.support.workshop.commands import Commands

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "examples").glob("*/README.md")),
]
DOCUMENTS = [page for page in PAGES if any(code_blocks(page))]
RUNNER = ROOT / "tests/support/document_run.py"

# One at a time: documents name fixed ports, as their readers would.
pytestmark = pytest.mark.xdist_group("documents")

# What a reader's pytest has: none of the plugins that this project's own tests need.
PYTEST = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_PLUGINS": "tasker_core.testing.plugin"}


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[subprocess.Popen[str]]:
    """The process that executes documents, each in a child. Their terminals find a ``tasker`` that is forked as well;
    the README is also played with the wheel's own interpreter and program."""
    elsewhere = tmp_path_factory.mktemp("nobody")
    with closing(Commands({**os.environ, **TERMINAL})) as commands:
        told = {"PYTHONFAULTHANDLER": "1", "TASKER_TEST_PROGRAMS": str(commands.put_on_path()), **PYTEST}
        process = subprocess.Popen(
            [sys.executable, "-P", "-W", "error", RUNNER],
            cwd=elsewhere, env={**os.environ, **told}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        with process:
            yield process
            assert process.stdin is not None
            process.stdin.close()


@pytest.mark.parametrize("document", [str(path.relative_to(ROOT)) for path in DOCUMENTS])
def test_the_code_blocks_work(document: str, tmp_path: Path, reader: subprocess.Popen[str]) -> None:
    directory, output = tmp_path / "reader", tmp_path / "output"
    directory.mkdir()
    output.touch()
    asked = {"document": str(ROOT / document), "directory": str(directory), "output": str(output)}
    assert reader.stdin is not None and reader.stdout is not None
    reader.stdin.write(json.dumps(asked) + "\n")
    reader.stdin.flush()
    code = reader.stdout.readline()
    assert code == "0\n", f"{code}{output.read_text()}"
