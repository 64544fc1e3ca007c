"""The ``tasker`` command."""

from __future__ import annotations

from tasker_core.cli.app import main

__all__ = ["main"]
