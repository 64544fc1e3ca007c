"""Warnings as they are written: a row for each violation of a schema, and for each event that wasn't published."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from tasker_core.words import Violation

INPUT_SCHEMA, RESULT_SCHEMA = "input_schema", "result_schema"
EVENT_SCHEMA, EVENT_PUBLISHER = "event_schema", "event_publisher"

Note: TypeAlias = tuple[str, Violation]
"""A warning's code, and what it says."""


def warning_rows(
    of: Mapping[str, object], code: str, violations: Sequence[Violation]
) -> Iterator[Mapping[str, object]]:
    """The rows of ``violations``, in their order; ``of`` says of which task or lease."""
    return note_rows(of, ((code, violation) for violation in violations))


def note_rows(of: Mapping[str, object], notes: Iterable[Note]) -> Iterator[Mapping[str, object]]:
    """The same of warnings with different codes."""
    for position, (code, (path, message)) in enumerate(notes):
        yield {**of, "position": position, "code": code, "path": path, "message": message}
