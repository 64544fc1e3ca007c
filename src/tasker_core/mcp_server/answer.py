"""How a tool answers: as JSON text, whose numbers and words are what the REST API shows."""

from __future__ import annotations

import json
from typing import Any


def as_text(value: Any) -> str:
    """The JSON of an answer."""
    return json.dumps(value, ensure_ascii=False, default=str)
