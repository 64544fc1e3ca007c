"""What task template generated/counting 1.0.0 and its steps hand on, as models."""

from __future__ import annotations

from pydantic import BaseModel, Field


class ReportResult(BaseModel):
    pages: int = Field(ge=2)
