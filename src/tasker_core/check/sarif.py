"""What was found, as SARIF 2.1.0: the format in which code scanning and editors take findings."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tasker_core.check.codes import CODES, Code
from tasker_core.check.project import Checked
from tasker_core.rules.findings import Finding, Place
from tasker_core.version import VERSION

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {"error": "error", "warning": "warning", "info": "note"}


def as_sarif(checked: Checked) -> dict[str, Any]:
    """One run of one tool. Rules are the codes that occur; fingerprints outlast lines that move."""
    findings = checked.all_findings
    codes = sorted({finding.code for finding in findings})
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "tasker",
                        "version": VERSION,
                        "semanticVersion": VERSION,
                        "rules": [_rule(code) for code in codes],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "results": [_result(finding, codes.index(finding.code)) for finding in findings],
            }
        ],
    }


def _rule(code: str) -> dict[str, Any]:
    known = CODES.get(code, Code("error", code, "", ""))
    return {
        "id": code,
        "shortDescription": {"text": known.what},
        "fullDescription": {"text": f"{known.what}: {known.why}"},
        "help": {"text": known.mend or known.what},
        "defaultConfiguration": {"level": _LEVELS[known.level]},
    }


def _result(finding: Finding, rule: int) -> dict[str, Any]:
    text = f"{finding.message}; {finding.suggestion}" if finding.suggestion else finding.message
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": rule,
        "level": _LEVELS[finding.level],
        "message": {"text": text},
        "locations": [{"physicalLocation": _physical(finding.file, finding.line, finding.column)}],
        "partialFingerprints": {"taskerFinding/v1": _fingerprint(finding)},
    }
    if finding.path:
        result["locations"][0]["logicalLocations"] = [{"fullyQualifiedName": finding.path, "kind": "member"}]
    if finding.code_place is not None and finding.code_place != Place(finding.file, finding.line or 1):
        place = finding.code_place
        result["relatedLocations"] = [
            {"id": 1, "message": {"text": "the code"}, "physicalLocation": _physical(place.file, place.line, None)}
        ]
    return result


def _physical(file: str, line: int | None, column: int | None) -> dict[str, Any]:
    place: dict[str, Any] = {"artifactLocation": {"uri": _uri(file)}}
    if line is not None:
        place["region"] = {"startLine": line, **({"startColumn": column} if column is not None else {})}
    return place


def _uri(file: str) -> str:
    path = Path(file)
    return path.as_uri() if path.is_absolute() else quote(path.as_posix())


def _fingerprint(finding: Finding) -> str:
    told = "\0".join((finding.code, _uri(finding.file), finding.path, finding.message))
    return hashlib.sha256(told.encode()).hexdigest()[:32]
