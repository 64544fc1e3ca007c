"""Projects with one mistake in each, of the kinds that people make, and the codes by which each has to be found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tests.support.mistakes_in_code import CODE_KINDS
from tests.support.mistakes_in_templates import TEMPLATE_KINDS
from tests.support.projects import Project


@dataclass(frozen=True)
class Mutant:
    """A project with another ``text`` for one of its files."""

    project: Project
    kind: str
    what: str
    file: str
    text: str
    codes: frozenset[str]

    def __str__(self) -> str:
        return f"{self.project.name} {self.kind} {self.file}: {self.what}"


def mutants(project: Project) -> list[Mutant]:
    """Every mutant of a project, in the order of the kinds."""
    found = []
    for kinds, is_fitting in ((TEMPLATE_KINDS, _is_template), (CODE_KINDS, _is_code)):
        for kind, codes in kinds.items():
            for file in project.texts:
                if is_fitting(file):
                    for text, what in kind(project.texts[file]):
                        mutant = Mutant(project, kind.__name__, what, file, text, frozenset(codes))
                        assert text != project.texts[file], mutant
                        found.append(mutant)
    return found


def chosen(all_of_them: Sequence[Mutant], number: int) -> list[Mutant]:
    """``number`` mutants, evenly over the kinds, and of a kind evenly over the projects: the same ones each time."""
    by_kind: dict[str, dict[str, list[Mutant]]] = {}
    for mutant in all_of_them:
        by_kind.setdefault(mutant.kind, {}).setdefault(mutant.project.name, []).append(mutant)
    rows = [_in_turn(list(by_project.values())) for by_project in by_kind.values()]
    return _in_turn(rows)[:number]


def _in_turn(rows: Sequence[Sequence[Mutant]]) -> list[Mutant]:
    longest = max(map(len, rows))
    return [row[n] for n in range(longest) for row in rows if n < len(row)]


def _is_template(file: str) -> bool:
    return file.endswith(".yaml")


def _is_code(file: str) -> bool:
    return not file.endswith(".yaml")
