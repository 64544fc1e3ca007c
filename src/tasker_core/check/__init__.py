"""The static check of a project: templates, schemas, handlers and models compared before anything runs."""

from __future__ import annotations

from tasker_core.check.project import Checked, CheckedFile, check_project

__all__ = ["Checked", "CheckedFile", "check_project"]
