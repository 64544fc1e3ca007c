"""Every example in a docstring of the package does what it shows."""

from __future__ import annotations

import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import tasker_core

pytestmark = pytest.mark.xdist_group("documents")

MODULES = [
    module.name
    for module in pkgutil.walk_packages(tasker_core.__path__, "tasker_core.")
    if not module.name.endswith("__main__")
]
RUN = """
import doctest, importlib, sys
failed = [
    name for name in sys.argv[1:]
    if doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS).failed
]
sys.exit(f"examples fail in {failed}" if failed else 0)
"""


def test_every_example_in_a_docstring_works(tmp_path: Path) -> None:
    """In a process of its own, since examples register handlers and start workers."""
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", RUN, *MODULES],
        cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, f"{ended.stderr}\n{ended.stdout}"


def test_an_example_that_is_wrong_is_found(tmp_path: Path) -> None:
    (tmp_path / "wrong.py").write_text('"""\n>>> 1 + 1\n3\n"""\n')
    ended = subprocess.run(
        [sys.executable, "-c", RUN, "wrong"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 1 and "examples fail in ['wrong']" in ended.stderr
