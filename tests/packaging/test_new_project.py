"""What ``tasker init`` writes runs at once, with its own two commands, far from the sources."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.packaging.interpreters import parameters
from tests.packaging.programs import run
from tests.support.workshop.processes import tasker


@pytest.mark.parametrize("installed", parameters()[:1], indirect=True)
def test_its_demo_and_its_tests_pass(installed: Path, tmp_path: Path) -> None:
    told = run([installed / "tasker", "init", "my-shop"], tmp_path)
    assert "cd my-shop && make demo && make test" in told
    environment = f"VENV={installed.parent}"  # the wheel is installed there, as a newcomer's Makefile would do
    assert "complete in" in run(["make", "demo", environment], tmp_path / "my-shop")
    tested = run(["make", "test", environment], tmp_path / "my-shop")
    assert tested.count("6 passed") == 2


def test_it_asks_for_the_tasker_that_wrote_it(tmp_path: Path) -> None:
    assert tasker("init", "shop", "--json", cwd=tmp_path).code == 0
    assert '"tasker-core @ file://' in (tmp_path / "shop/pyproject.toml").read_text()
    for file in (tmp_path / "shop").rglob("*"):
        if file.is_file():
            assert not {"PACKAGE", "PROJECT", "REQUIREMENT"} & set(file.read_text().replace(".", " ").split()), file


def test_json_names_the_files(tmp_path: Path) -> None:
    said = json.loads(tasker("init", "shop", "--json", cwd=tmp_path).out)
    assert said["directory"] == "shop"
    assert {"Makefile", "shop/handlers.py", "config/tasks/order.yaml", ".gitignore"} <= set(said["files"])


@pytest.mark.parametrize("name", ["1shop", "tasker_core", "class", "my shop", "läden"])
def test_a_name_that_no_package_can_have_is_refused(name: str, tmp_path: Path) -> None:
    ended = tasker("init", name, cwd=tmp_path)
    assert ended.code == 2
    assert "can't be the name of a Python package" in ended.err
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/mine").write_text("mine")
    ended = tasker("init", "shop", cwd=tmp_path)
    assert ended.code == 2
    assert "isn't empty" in ended.err
    assert [file.name for file in (tmp_path / "shop").iterdir()] == ["mine"]
