"""Every code block of the README, of docs/ and of the examples does what its reader expects."""

from __future__ import annotations

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
    *sorted((ROOT / "examples").rglob("README.md")),
]
DOCUMENTS = [page for page in PAGES if any(code_blocks(page))]
RUNNER = ROOT / "tests/support/document_run.py"
TIMEOUT = 300

# One at a time: documents name fixed ports, as their readers would.
pytestmark = pytest.mark.xdist_group("documents")


@pytest.fixture(scope="module")
def programs() -> Iterator[Path]:
    """Where the terminal of each document finds ``tasker``. The README is also played with the wheel's own."""
    with closing(Commands({**os.environ, **TERMINAL})) as commands:
        yield commands.put_on_path()


@pytest.mark.parametrize("document", [str(path.relative_to(ROOT)) for path in DOCUMENTS])
def test_the_code_blocks_work(document: str, tmp_path: Path, programs: Path) -> None:
    directory = tmp_path / "reader"
    directory.mkdir()
    ended = subprocess.run(
        [sys.executable, "-P", "-W", "error", RUNNER, ROOT / document, directory],
        cwd=directory,
        env={**os.environ, "PYTHONFAULTHANDLER": "1", "TASKER_TEST_PROGRAMS": str(programs)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert ended.returncode == 0, f"{ended.stderr}\n--- printed before ---\n{ended.stdout}"
