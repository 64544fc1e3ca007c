"""Says in plain words what is wrong with a text that isn't YAML."""

from __future__ import annotations

import re

import yaml

from tasker_core.rules.findings import Findings

_INDENTATION = "check the indentation of this line and of those above"
_PLAIN_WORDS = (
    (
        "mapping values are not allowed",
        "a ':' where no key can be: check the indentation, and quote texts that hold ': '",
    ),
    (r"found character '\\t'", "a tab; YAML is indented with spaces only"),
    (r"found character '(.+)' that cannot start", r"a text that begins with '\1' needs quotes around it"),
    ("expected <block end>, but found '-'", f"a '-' that belongs to no list: {_INDENTATION}"),
    ("expected <block end>, but found '<block mapping start>'", f"a key that belongs to no mapping: {_INDENTATION}"),
    ("expected <block end>", f"expected the next key or the end of this block: {_INDENTATION}"),
    ("could not find expected ':'", "expected ':' after a key"),
    ("expected ',' or ']'", "expected ',' or ']' to go on with the list or end it"),
    ("expected ',' or '}'", "expected ',' or '}' to go on with the mapping or end it"),
    ("found unexpected end of stream", "the quotes are never closed"),
    ("sequence entries are not allowed", "a '-' where no list can begin: put the list on lines of its own"),
    ("expected '<document start>'", "expected the end of the file: what stands here belongs to nothing above it"),
    ("expected the node content", "expected a value"),
    ("special characters are not allowed", "a control character; remove it"),
)


def explain_syntax(text: str, error: Exception, findings: Findings, after: int) -> None:
    """Add what the parser says of ``text``, with line and column, and what it expected there.

    ``after`` is the line of the last part that could be read, for the rare error that tells no place.
    """
    error = _detailed(text) or error
    line: int = after
    column: int | None = None
    problem, began = str(error), ""
    if isinstance(error, yaml.MarkedYAMLError):
        problem = error.problem or problem
        mark = error.problem_mark or error.context_mark
        if mark is not None:
            line, column = mark.line + 1, mark.column + 1
        if error.context_mark is not None and error.context_mark.line + 1 != line:
            began = f" (it begins in line {error.context_mark.line + 1})"
    elif isinstance(error, yaml.reader.ReaderError):
        before = text[: error.position]
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        problem = error.reason
    findings.error("YAML_SYNTAX", (), f"this is not YAML: {_in_plain_words(problem)}{began}", line, column)


def _detailed(text: str) -> Exception | None:
    """The error that the slower parser reports: it says more than the fast one."""
    try:
        for _ in yaml.parse(text, Loader=yaml.SafeLoader):
            pass
    except yaml.YAMLError as error:
        return error
    except ValueError:  # an escape or a directive with a number that Python refuses
        return None
    return None


def _in_plain_words(problem: str) -> str:
    for pattern, plain in _PLAIN_WORDS:
        if match := re.search(pattern, problem):
            return match.expand(plain)
    return problem
