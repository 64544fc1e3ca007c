"""Finding and reading the template files of this machine."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tasker_core.errors import TemplateError
from tasker_core.rules.findings import Finding
from tasker_core.rules.findings import Path as Keys
from tasker_core.rules.template import Template
from tasker_core.rules.template_text import read_template

DEFAULT_PATH = "config/tasks"
ENDINGS = (".yaml", ".yml")
_PATTERN = re.compile(r"[*?\[{]")
_BRACES = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class TemplateFile:
    """A template file that was read, with what was noticed about it."""

    source: Path
    template: Template
    findings: Sequence[Finding]
    line_of: Callable[[Keys], int | None]
    """The line of a path in its text."""


def template_files(path: str | Path) -> list[Path]:
    """``path`` itself, every YAML file below it, or, where it is a pattern, every YAML file that fits it; sorted.

    Raises TemplateError when there is nothing at ``path``. A pattern is as in ``config/**/*.{yml,yaml}``.
    """
    path = Path(path)
    below = without_pattern(path)
    if below != path and below.is_dir():
        fitting = {file for pattern in _alternatives(str(path.relative_to(below))) for file in below.glob(pattern)}
        return sorted(file for file in fitting if file.suffix in ENDINGS and file.is_file())
    if path.is_file():
        return [path]
    if not path.is_dir():
        path = below if below != path else path
        raise TemplateError(f"{path}: no such file or directory of templates")
    return sorted(file for file in path.rglob("*") if file.suffix in ENDINGS and file.is_file())


def without_pattern(path: str | Path) -> Path:
    """``path`` up to its first part with a pattern in it."""
    parts = Path(path).parts
    plain = itertools.takewhile(lambda part: not _PATTERN.search(part), parts)
    return Path(*plain)


def _alternatives(pattern: str) -> list[str]:
    """``a.{b,c}`` is ``a.b`` and ``a.c``."""
    match = _BRACES.search(pattern)
    if match is None:
        return [pattern]
    before, after = pattern[: match.start()], pattern[match.end() :]
    return [whole for part in match[1].split(",") for whole in _alternatives(before + part + after)]


def read_file(file: Path, *, strict: bool = False) -> TemplateFile:
    """The template in ``file``. Raises TemplateError with all that is wrong with it, by line."""
    try:
        text = file.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise TemplateError(f"{file}: not UTF-8 text ({error.reason} at byte {error.start})") from None
    except OSError as error:
        raise TemplateError(f"{file}: {error.strerror or error}") from None
    read = read_template(text, str(file), strict=strict)
    return TemplateFile(file, read.template, read.findings, read.line_of)


def read_templates(paths: Sequence[str | Path]) -> list[TemplateFile]:
    """Every template at ``paths``, or in ``config/tasks`` where none is named and that is there.

    Raises TemplateError that tells of all files that are wrong.
    """
    if not paths:
        paths = [DEFAULT_PATH] if Path(DEFAULT_PATH).is_dir() else []
    found: list[TemplateFile] = []
    wrong: list[TemplateError] = []
    for file in dict.fromkeys(file for path in paths for file in template_files(path)):
        try:
            found.append(read_file(file))
        except TemplateError as error:
            wrong.append(error)
    if wrong:
        findings = [finding for error in wrong for finding in error.findings]
        raise TemplateError("\n".join(map(str, wrong)), findings=findings)
    return found
