"""What a reader found in a template: each finding with its place, what is wrong, and what would be right."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeAlias

from tasker_core.rules.spelling import did_you_mean

Level: TypeAlias = Literal["error", "warning", "info"]
Path: TypeAlias = tuple[str | int, ...]
"""The way to a value: keys and list positions, as in ``("steps", 0, "name")``."""

MOST_SUGGESTIONS = 50
"""A suggestion compares a word with all known ones; a file with more misspellings than this gets the rest without."""


class Place(NamedTuple):
    """A line of a file, from 1."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found. ``line`` and ``column`` count from 1 and are None for a template that has no text.

    ``suggestion`` says what would be right where the message doesn't; ``code_place`` is the Python code that disagrees.

    >>> print(Finding("error", "NO_STEPS", "a template needs at least one step", "tasks/a.yaml", 4, "steps"))
    tasks/a.yaml:4: error NO_STEPS: a template needs at least one step
    """

    level: Level
    code: str
    message: str
    file: str
    line: int | None
    path: str
    column: int | None = None
    suggestion: str = ""
    code_place: Place | None = None

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)
        where = f" at {self.path}" if self.line is None and self.path else ""
        seen = f" (see {self.code_place})" if self.code_place else ""
        right = f"; {self.suggestion}" if self.suggestion else ""
        return f"{place}: {self.level} {self.code}{where}: {self.message}{right}{seen}"


class Findings:
    """Collects the findings of one template; ``line_of`` tells the line of a path, once the text has been parsed."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.line_of: Callable[[Path], int | None] = lambda _: None
        self._found: dict[Finding, None] = {}
        self._suggestions = 0

    def error(self, code: str, path: Path, message: str, line: int | None = None, column: int | None = None) -> None:
        self._add("error", code, path, message, line, column)

    def warning(self, code: str, path: Path, message: str, line: int | None = None) -> None:
        self._add("warning", code, path, message, line)

    def info(self, code: str, path: Path, message: str, line: int | None = None) -> None:
        self._add("info", code, path, message, line)

    def add(
        self,
        level: Level,
        code: str,
        path: Path,
        message: str,
        suggestion: str = "",
        code_place: Place | None = None,
    ) -> None:
        """What a comparison of the template with Python code found."""
        finding = Finding(
            level, code, message, self.source, self.line_of(path), written(path), None, suggestion, code_place
        )
        self._found[finding] = None

    def did_you_mean(self, word: str, known: Iterable[str]) -> str:
        """The end of a message that names the known word nearest to ``word``, where there is one."""
        self._suggestions += 1
        return did_you_mean(word, known) if self._suggestions <= MOST_SUGGESTIONS else ""

    def in_order(self) -> tuple[Finding, ...]:
        """All findings, by line; those of one line in the order in which they were made."""
        return tuple(sorted(self._found, key=lambda finding: finding.line or 0))

    @property
    def errors(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.in_order() if finding.level == "error")

    def _add(
        self, level: Level, code: str, path: Path, message: str, line: int | None, column: int | None = None
    ) -> None:
        line = self.line_of(path) if line is None else line
        self._found[Finding(level, code, message, self.source, line, written(path), column)] = None


def written(path: Path) -> str:
    """A path as people write it.

    >>> written(("steps", 2, "handler", "callable"))
    'steps[2].handler.callable'
    """
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


def found(value: Any) -> str:
    """What stands there, in words, for the end of a message.

    >>> found("three"), found(1.5), found([1]), found(None)
    ("the text 'three'", 'the number 1.5', 'a list', 'nothing')
    """
    match value:
        case None:
            return "nothing"
        case bool():
            return str(value).lower()
        case str():
            return f"the text {value!r}" if len(value) <= 60 else f"the text {value[:57]!r}..."
        case int() | float():
            return f"the number {value}"
        case dict():
            return "a mapping"
        case list() | tuple():
            return "a list"
        case _:
            return f"a {type(value).__name__}"
