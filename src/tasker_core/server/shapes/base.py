"""What every shape has, and the shape of every error."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class Shape(BaseModel):
    """Nothing is sent that isn't written here."""

    model_config = ConfigDict(extra="forbid")


NO_NUL = r"^[^\x00]*$"
SOME_TEXT = r"^[^\x00]*[^\s\x00\x1c-\x1f\x85][^\x00]*$"
"""Patterns: a text that every database keeps, and one that isn't blank."""

_CHARACTER, _NO_DOT = r"[^\x00-\x1f\x7f/\\\ufffd]", r"[^\x00-\x1f\x7f/\\\ufffd.]"
IN_PATH = rf"^(?:{_NO_DOT}{_CHARACTER}*|\.{_NO_DOT}{_CHARACTER}*|\.\.{_CHARACTER}+)$"
"""Pattern: a text as part of a path, which the gate lets pass. Neither ``.`` nor ``..``."""


Actor: TypeAlias = Annotated[
    str | None, Field(min_length=1, max_length=255, pattern=NO_NUL, description="Who does it, for the record.")
]


class Action(Shape):
    """What an operator wants done."""

    reason: str = Field("", max_length=500, pattern=NO_NUL, description="Why, for the record.")
    action_id: UUID | None = Field(None, description="Of your making: what carries the same id again is done once.")


class ErrorBody(Shape):
    code: str = Field(description="For programs; it doesn't change.")
    message: str = Field(description="For people.")
    field: str | None = Field(None, description="The argument at fault.")
    retry_after_seconds: int | None = Field(None, description="After how many seconds to try again.")
    details: dict[str, Any] | None = None


class ErrorResponse(Shape):
    error: ErrorBody
