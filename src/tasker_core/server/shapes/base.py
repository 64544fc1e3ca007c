"""What every shape has, and the shape of every error."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Shape(BaseModel):
    """Nothing is sent that isn't written here."""

    model_config = ConfigDict(extra="forbid")


NO_NUL = r"^[^\x00]*$"
SOME_TEXT = r"^[^\x00]*[^\s\x00][^\x00]*$"
"""Patterns: a text that every database keeps, and one that isn't blank."""

_CHARACTER, _NO_DOT = r"[^\x00-\x1f\x7f/\\\ufffd]", r"[^\x00-\x1f\x7f/\\\ufffd.]"
IN_PATH = rf"^(?:{_NO_DOT}{_CHARACTER}*|\.{_NO_DOT}{_CHARACTER}*|\.\.{_CHARACTER}+)$"
"""Pattern: a text as part of a path, which the gate lets pass. Neither ``.`` nor ``..``."""


class ErrorBody(Shape):
    code: str = Field(description="For programs; it doesn't change.")
    message: str = Field(description="For people.")
    field: str | None = Field(None, description="The argument at fault.")
    details: dict[str, Any] | None = None


class ErrorResponse(Shape):
    error: ErrorBody
