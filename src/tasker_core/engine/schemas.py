"""Contexts and results against their schemas: a violation is a warning on the task, or, where enforced, a refusal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from tasker_core.engine.known import Known
from tasker_core.errors import SchemaViolationError
from tasker_core.rules.payload import decode
from tasker_core.rules.schema import Schema
from tasker_core.words import Ending, JsonText, Outcome, StepError, Violation

Violations: TypeAlias = Sequence[Violation]

VALIDATION_ERROR = "validation_error"


def check_context(known: Known, context: JsonText) -> Violations:
    """What in a new task's context doesn't fit the ``input_schema``. Raises SchemaViolationError where enforced."""
    if known.input_schema is None:
        return ()
    violations = known.input_schema.violations(decode(context))
    if violations and known.enforces_schemas:
        message = f"the context doesn't fit the input_schema of {known.template.identity}: {_listed(violations)}"
        raise SchemaViolationError(message, violations=violations)
    return violations


def check_result(known: Known, outcome: Outcome) -> tuple[Outcome, Violations]:
    """What in a step's result doesn't fit its ``result_schema``; where enforced, the outcome is a permanent failure."""
    schema = known.result_schemas.get(known.place(outcome.key.no) + 1)
    if schema is None or outcome.ending is not Ending.OK or outcome.result is None:
        return outcome, ()
    violations = _violations(schema, outcome.result)
    if not (violations and known.enforces_schemas):
        return outcome, violations
    error = StepError(
        f"the result doesn't fit the step's result_schema: {_listed(violations)}",
        VALIDATION_ERROR,
        retryable=False,
        error_code="result_schema",
        context={"violations": [violation._asdict() for violation in violations]},
    )
    return Outcome(outcome.key, Ending.FAILED, error=error), ()


def _violations(schema: Schema, stored: JsonText) -> Violations:
    """Of a result as a worker hands it in, which may be of another make and send anything."""
    try:
        kept = decode(stored)
    except ValueError as error:
        return (Violation("", f"isn't JSON: {error}"),)
    if not isinstance(kept, dict) or "result" not in kept:
        return (Violation("", 'isn\'t wrapped as {"result": ...}'),)
    return schema.violations(kept["result"])


def _listed(violations: Violations) -> str:
    return "; ".join(map(str, violations))
