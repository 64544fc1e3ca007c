"""Projects with a mistake in each, two hundred of them, and projects without one.

The mistakes are made by ``tests.support.mutants``, of every kind in turn, over the examples and a project of the tests.
Each has to be found by a code that means it.
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasker_core.check import check_project
from tests.support.code_blocks import code_blocks
from tests.support.mistakes_in_code import CODE_KINDS
from tests.support.mistakes_in_templates import TEMPLATE_KINDS
from tests.support.mutants import Mutant, chosen, mutants
from tests.support.projects import ROOT, Project, check_with, projects

MUTANTS = 200
FOUND = 0.95
SECONDS = 1.0
WRONG_ON_PURPOSE = {"handle-errors.md", "check-a-project.md"}


@pytest.fixture
def light_collections() -> Iterator[None]:
    """What is there before needn't be looked through for garbage: each mutant leaves a module's worth of it."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("light_collections")
def test_what_people_do_wrong_is_found(tmp_path: Path) -> None:
    everything = [mutant for project in projects() for mutant in mutants(project)]
    corpus = chosen(everything, MUTANTS)
    assert len(corpus) == MUTANTS
    assert {mutant.kind for mutant in corpus} == {kind.__name__ for kind in (*TEMPLATE_KINDS, *CODE_KINDS)}
    missed: list[Mutant] = []
    slowest = 0.0
    for mutant in corpus:
        directory = tmp_path / mutant.project.name
        directory.mkdir(exist_ok=True)
        began = time.process_time()
        checked = check_with(mutant.project, {mutant.file: mutant.text}, directory)
        slowest = max(slowest, time.process_time() - began)
        if not mutant.codes & {finding.code for finding in checked.all_findings if finding.level != "info"}:
            missed.append(mutant)
    told = "\n".join(map(str, missed))
    assert len(missed) <= MUTANTS * (1 - FOUND), f"{len(missed)} of {MUTANTS} aren't found:\n{told}"
    assert slowest < SECONDS


@pytest.mark.parametrize("project", projects(), ids=lambda project: project.name)
def test_what_is_right_gives_no_alarm(project: Project, tmp_path: Path) -> None:
    for strict in (False, True):
        checked = check_project(project.templates, [project.package], strict=strict)
        assert [str(finding) for finding in checked.all_findings if finding.level != "info"] == []
        assert checked.passes(strict=True)
    again = check_with(project, {}, tmp_path)
    assert again.passes(strict=True)


def documents() -> list[Path]:
    """Those of README and docs/ that hold templates."""
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [page for page in pages if page.name not in WRONG_ON_PURPOSE and any(_templates(page))]


def _templates(page: Path) -> Iterator[tuple[str, str]]:
    for block in code_blocks(page):
        if block.language == "yaml" and block.file is not None and "namespace_name:" in block.code:
            yield block.file, block.code


@pytest.mark.parametrize("page", documents(), ids=lambda page: page.name)
def test_what_the_documents_show_gives_no_alarm(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    handlers: list[str] = []
    for block in code_blocks(page):
        if block.language == "python" and block.file is not None:
            (tmp_path / block.file).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / block.file).write_text(block.code)
            if "tasker_core" in block.code and "handler" in block.code:
                handlers.append(block.file.removesuffix(".py").replace("/", ".").removesuffix(".__init__"))
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    try:
        for number, (_, text) in enumerate(_templates(page)):
            file = tmp_path / f"checked_{number}.yaml"
            file.write_text(text)
            checked = check_project([file], handlers)
            lost = {"HANDLER_NOT_FOUND"}  # a page needn't show every handler
            odd = [f for f in checked.all_findings if f.level != "info" and f.code not in lost]
            assert [str(finding) for finding in odd] == []
    finally:
        for name in set(sys.modules) - before:
            if name.partition(".")[0] in {module.partition(".")[0] for module in handlers}:
                del sys.modules[name]
