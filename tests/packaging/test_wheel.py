"""The wheel is whole: it installs far from the sources, on each supported Python found, and users' code works there."""

from __future__ import annotations

import importlib.metadata
import zipfile
from pathlib import Path

import pytest

from tests.packaging.programs import ROOT, run
from tests.support.code_blocks import code_blocks

SOURCE = ROOT / "src"


@pytest.mark.xdist_group("packaging")
def test_the_wheel_holds_every_source_file_and_no_other(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
        metadata = {Path(name).name for name in archive.namelist() if ".dist-info/" in name}
    files = (path for path in SOURCE.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    assert packed == {path.relative_to(SOURCE).as_posix() for path in files}
    assert "tasker_core/py.typed" in packed
    assert any(name.endswith(".sql") for name in packed)
    assert {"METADATA", "LICENSE", "entry_points.txt"} <= metadata


def test_the_command_and_the_module_are_the_wheels(installed: Path, tmp_path: Path) -> None:
    version = importlib.metadata.version("tasker-core")
    for name in ("tasker", "tasker-ctl"):
        assert version in run([installed / name, "--version"], tmp_path)
    printed = run([installed / "python", "-c", "import tasker_core as t; print(t.__version__, t.__file__)"], tmp_path)
    said, place = printed.split()
    assert said == version
    assert Path(place).is_relative_to(installed.parent)


def test_a_users_code_runs(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "user_code.py").write_bytes((Path(__file__).parent / "user_code.py").read_bytes())
    printed = run([installed / "python", "-c", "import user_code; user_code.main()"], tmp_path)
    assert printed.splitlines()[-1] == "complete"


def test_the_readmes_checkout_runs(installed: Path, tmp_path: Path) -> None:
    readme = ROOT / "README.md"
    assert any(block.language == "python" for block in code_blocks(readme)), "the README shows a user's code"
    reader = tmp_path / "reader"
    reader.mkdir()
    runner = ROOT / "tests/support/document_run.py"
    run([installed / "python", "-P", runner, readme, reader], reader)
