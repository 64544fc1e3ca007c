"""The public names carry types: a user's project passes the strict checks of mypy and of pyright."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.contract.stubs import promises
from tests.packaging.interpreters import parameters
from tests.packaging.programs import run

HERE = Path(__file__).parent
PYRIGHT = Path(sys.executable).with_name("pyright")

# What is declared is the same for every interpreter.
pytestmark = pytest.mark.parametrize("installed", parameters()[:1], indirect=True)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A user's project, far from the sources."""
    shutil.copytree(HERE / "user_project", tmp_path, dirs_exist_ok=True)
    shutil.copy(HERE / "user_code.py", tmp_path)
    return tmp_path


def pyright(installed: Path, directory: Path, *arguments: str | Path) -> str:
    """Run pyright with the packages of ``installed``."""
    paths = os.pathsep.join([str(installed), os.environ["PATH"]])
    return run([PYRIGHT, *arguments], directory, PATH=paths, VIRTUAL_ENV=str(installed.parent))


def test_a_users_project_passes_mypy_strict(installed: Path, project: Path) -> None:
    mypy: list[str | Path] = [sys.executable, "-m", "mypy", "--strict", "--python-executable", installed / "python"]
    assert "Success" in run([*mypy, "shop", "user_code.py"], project)


def test_a_users_project_passes_pyright_strict_which_sees_what_is_wrong(installed: Path, project: Path) -> None:
    (project / "pyrightconfig.json").write_text(json.dumps({"typeCheckingMode": "strict"}))
    wrong = "from tasker_core import TaskerClient\ntask: int = TaskerClient().get_task('x')\n"
    (project / "wrong.py").write_text(wrong)
    with pytest.raises(AssertionError) as told:
        pyright(installed, project)
    found = [line for line in str(told.value).splitlines() if " - error: " in line or " - warning: " in line]
    assert len(found) == 1
    assert 'wrong.py:2:13 - error: Type "TaskResponse" is not assignable to declared type "int"' in found[0]


def test_every_promised_name_has_a_type_that_leaves_nothing_open(installed: Path, tmp_path: Path) -> None:
    """What is inferred differs between type checkers; what is declared doesn't."""
    try:
        told = pyright(installed, tmp_path, "--verifytypes", "tasker_core", "--ignoreexternal", "--outputjson")
    except AssertionError as unfinished:  # pyright fails for what is inside the package, too
        told = str(unfinished).partition("\n")[2]
    report, _ = json.JSONDecoder().raw_decode(told[told.index("{") :])
    symbols: list[dict[str, Any]] = report["typeCompleteness"]["symbols"]
    names = {str(promise) for promise in promises()}
    public = [symbol for symbol in symbols if symbol["name"] in names or symbol["name"].rpartition(".")[0] in names]
    assert len(public) > 400
    allowed = {"tasker_core.worker.Worker", "tasker_core.Worker"}
    """Only through its property ``service``, the worker's own parts."""
    open_ones = {symbol["name"] for symbol in public if not symbol["isTypeKnown"] or symbol["isTypeAmbiguous"]}
    assert open_ones <= allowed


def test_a_users_project_runs(installed: Path, project: Path) -> None:
    program = "import shop.application as a, shop.registering as r; a.hear(); print(r.register_all() > 10)"
    assert run([installed / "python", "-W", "error", "-c", program], project).splitlines()[-1] == "True"
