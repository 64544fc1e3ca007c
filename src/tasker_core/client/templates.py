"""Reading a template that a caller hands over: a file's path, or a mapping."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tasker_core.errors import TemplateError
from tasker_core.rules.template import Template
from tasker_core.rules.template_text import read_mapping
from tasker_core.template_files import read_file


def read_any(template: str | Path | Mapping[str, Any]) -> Template:
    """The template in a file, or in a mapping. Raises TemplateError with all that is wrong with it."""
    if isinstance(template, Mapping):
        return read_mapping(template, "the mapping").template
    return read_file(Path(template)).template


def not_replaced(why: str, differences: Iterable[str]) -> TemplateError:
    """The error for a template that would change a registered version."""
    told = list(differences)
    error = TemplateError(f"{why}. Differences:\n  " + "\n  ".join(told))
    error.metadata["differences"] = told
    return error
