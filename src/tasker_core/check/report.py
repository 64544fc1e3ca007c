"""What was found, as text for people and as JSON for programs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tasker_core.check.project import Checked
from tasker_core.rules.findings import Finding


def as_text(checked: Checked, *, strict: bool = False) -> Iterator[str]:
    """A line per finding, ``FILE:LINE: LEVEL CODE: what``, and one for each file."""
    for finding in checked.findings:
        yield str(finding)
    for file in checked.files:
        for finding in file.findings:
            yield str(finding)
        warnings = sum(finding.level == "warning" for finding in file.findings)
        if file.template is None or not file.is_usable:
            yield f"{file.file}: can't be used"
        elif strict and warnings:
            yield f"{file.file}: {warnings} warning{'s' if warnings > 1 else ''}, and --strict allows none"
        else:
            yield f"{file.file}: ok: {file.template.identity}"


def as_data(checked: Checked) -> list[dict[str, Any]]:
    """An entry per file: those of templates have the ``name`` of theirs, those of Python modules None."""
    modules = [
        {"file": finding.file, "valid": False, "findings": [_finding(finding)], "name": None}
        for finding in checked.findings
    ]
    return modules + [
        {
            "file": str(file.file),
            "valid": file.is_usable,
            "findings": [_finding(finding) for finding in file.findings],
            "name": None if file.template is None else str(file.template.identity),
        }
        for file in checked.files
    ]


def _finding(finding: Finding) -> dict[str, Any]:
    told = ("level", "code", "message", "file", "line", "path")
    place = finding.code_place
    return {
        **{name: getattr(finding, name) for name in told},
        "suggestion": finding.suggestion,
        "code_place": None if place is None else {"file": place.file, "line": place.line},
    }
