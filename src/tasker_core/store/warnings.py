"""Warnings as they are written: a row for each violation of a schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from tasker_core.words import Violation

INPUT_SCHEMA, RESULT_SCHEMA = "input_schema", "result_schema"


def warning_rows(
    of: Mapping[str, object], code: str, violations: Sequence[Violation]
) -> Iterator[Mapping[str, object]]:
    """The rows of ``violations``, in their order; ``of`` says of which task or lease."""
    for position, (path, message) in enumerate(violations):
        yield {**of, "position": position, "code": code, "path": path, "message": message}
