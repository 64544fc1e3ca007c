"""Finding and reading the template files of this machine."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tasker_core.errors import TemplateError
from tasker_core.rules.findings import Finding
from tasker_core.rules.template import Template
from tasker_core.rules.template_text import read_template

DEFAULT_PATH = "config/tasks"
ENDINGS = (".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class TemplateFile:
    """A template file that was read, with what was noticed about it."""

    source: Path
    template: Template
    findings: Sequence[Finding]


def template_path(given: str | Path | None = None) -> Path | None:
    """Where templates are looked for: ``given``, else TASKER_TEMPLATE_PATH, else ``config/tasks`` if it exists."""
    if given is not None:
        return Path(given)
    if named := os.environ.get("TASKER_TEMPLATE_PATH"):
        return Path(named)
    return Path(DEFAULT_PATH) if Path(DEFAULT_PATH).is_dir() else None


def template_files(path: Path) -> list[Path]:
    """``path`` itself, or every YAML file below it, sorted. Raises TemplateError when there is nothing at ``path``."""
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise TemplateError(f"{path}: no such file or directory of templates")
    return sorted(file for file in path.rglob("*") if file.suffix in ENDINGS and file.is_file())


def read_file(file: Path, *, strict: bool = False) -> TemplateFile:
    """The template in ``file``. Raises TemplateError with all that is wrong with it, by line."""
    try:
        text = file.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise TemplateError(f"{file}: not UTF-8 text ({error.reason} at byte {error.start})") from None
    except OSError as error:
        raise TemplateError(f"{file}: {error.strerror or error}") from None
    read = read_template(text, str(file), strict=strict)
    return TemplateFile(file, read.template, read.findings)


def read_templates(given: str | Path | None = None) -> list[TemplateFile]:
    """Every template of this machine. Raises TemplateError that tells of all files that are wrong."""
    path = template_path(given)
    if path is None:
        return []
    found: list[TemplateFile] = []
    wrong: list[TemplateError] = []
    for file in template_files(path):
        try:
            found.append(read_file(file))
        except TemplateError as error:
            wrong.append(error)
    if wrong:
        findings = [finding for error in wrong for finding in error.findings]
        raise TemplateError("\n".join(map(str, wrong)), findings=findings)
    return found
