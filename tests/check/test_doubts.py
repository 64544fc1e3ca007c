"""Of what can't be known nothing is said; what is rare is found as well."""

from __future__ import annotations

from tasker_core.check import check_project
from tests.support.projects import ROOT


def test_of_the_unknown_nothing_is_said() -> None:
    checked = check_project([ROOT / "tests/support/doubtful"], ["tests.support.doubtful"])
    assert [str(finding) for finding in checked.all_findings if finding.level != "info"] == []


def test_each_slip_has_a_code_of_its_own() -> None:
    checked = check_project([ROOT / "tests/support/slips"], ["tests.support.slips"])
    assert sorted((f.path, f.code) for f in checked.all_findings if f.level != "info") == [
        ("default_context.name", "DEFAULT_CONTEXT_MISFIT"),
        ("input_schema.required", "INPUT_MAY_BE_MISSING"),
        ("steps[0].retry.max_attempts", "RETRY_UNUSED"),
        ("steps[1].dependencies", "RESULT_MAY_BE_NULL"),
        ("steps[1].retry", "BACKOFF_BEYOND_LIFECYCLE"),
        ("steps[2].dependencies", "RESULT_FIELD_EXTRA"),
        ("steps[2].handler", "NOT_AN_ANALYZER"),
        ("steps[3].handler", "PIECE_UNREAD"),
        ("steps[4].dependencies", "DEPENDENCY_IS_PATTERN"),
        ("steps[4].dependencies", "RESULT_FIELD_UNSURE"),
        ("steps[4].retry", "RETRIES_BEYOND_LIFECYCLE"),
        ("steps[6].handler.initialization", "BAD_SETTINGS"),
        ("steps[7]", "BRANCH_UNREACHABLE"),
    ]
